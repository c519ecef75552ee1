/* hakmem: the public face of the allocator.
 *
 * Every function does what its libc namesake does, in ISO C17, POSIX and glibc's words; sizes and alignments are bytes.
 * All are safe on any thread, before main, in destructors, and in the child of a fork. On failure they return NULL and
 * set errno to ENOMEM, or EINVAL for an alignment that is no power of two. None changes errno when it succeeds.
 *
 * In the child of a fork, what other threads of the parent had allocated can be freed but is not used again. A thread
 * whose very last destructor allocates leaves its heap behind.
 *
 * Blocks of 16 bytes or more are aligned to 16, smaller ones to 8. A request of 0 bytes returns a block of its own. */
#ifndef HAKMEM_H
#define HAKMEM_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

void *hak_malloc(size_t size_bytes);
void *hak_calloc(size_t count, size_t size_bytes);

/* NULL allocates; size 0 frees and returns NULL, as glibc does. On failure the old block is as it was. */
void *hak_realloc(void *block, size_t size_bytes);
void *hak_reallocarray(void *block, size_t count, size_t size_bytes);

void *hak_aligned_alloc(size_t align_bytes, size_t size_bytes);
void *hak_memalign(size_t align_bytes, size_t size_bytes);
/* Returns 0, EINVAL (not a power of two, or no multiple of sizeof(void *)) or ENOMEM; leaves errno alone, and *block on
 * failure. */
int hak_posix_memalign(void **block, size_t align_bytes, size_t size_bytes);

/* NULL does nothing. A pointer that no block can have begun at, as far as the tables tell, ends the process with one
 * line on standard error; a small block freed twice, or from its middle, is not noticed in release builds. */
void hak_free(void *block);
/* C23: the size (and alignment) must be those of the request. */
void hak_free_sized(void *block, size_t size_bytes);
void hak_free_aligned_sized(void *block, size_t align_bytes, size_t size_bytes);

/* How much of the block may be used, at least what was asked for; 0 for NULL. */
size_t hak_malloc_usable_size(void *block);

/* Give the system back what this thread and dead threads do not use. Returns 1. pad_bytes is ignored. */
int hak_malloc_trim(size_t pad_bytes);

#ifdef __cplusplus
}
#endif

#endif
