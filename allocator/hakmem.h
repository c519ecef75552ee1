/* hakmem: the public face of the allocator.
 *
 * Every function does what its libc namesake does, in ISO C17, POSIX and glibc's words; sizes and alignments are bytes.
 * All are safe on any thread, before main, in destructors, and in the child of a fork. On failure they return NULL and
 * set errno to ENOMEM, or EINVAL for an alignment that is no power of two. None changes errno when it succeeds.
 *
 * A thread whose very last destructor allocates leaves its heap behind.
 *
 * Blocks of 16 bytes or more are aligned to 16, smaller ones to 8. A request of 0 bytes returns a block of its own. */
#ifndef HAKMEM_H
#define HAKMEM_H

#include <stddef.h>

/* 1: the compiler is told what these functions promise (a new block overlaps nothing, how large and how aligned it is),
 * optimises on it and warns about a result that is dropped. 0: nothing is said. Code that checks these very promises,
 * such as a test that compares two blocks, needs 0: the compiler may answer the comparison by itself otherwise. */
#ifndef HAK_PROMISES
#define HAK_PROMISES 1
#endif
#if HAK_PROMISES && defined(__GNUC__)
#define HAK_PROMISE(attributes) __attribute__(attributes)
#else
#define HAK_PROMISE(attributes)
#endif

#ifdef __cplusplus
extern "C" {
#endif

HAK_PROMISE((malloc, alloc_size(1), warn_unused_result)) void *hak_malloc(size_t size_bytes);
HAK_PROMISE((malloc, alloc_size(1, 2), warn_unused_result)) void *hak_calloc(size_t count, size_t size_bytes);

/* NULL allocates; size 0 frees and returns NULL, as glibc does. On failure the old block is as it was. */
HAK_PROMISE((alloc_size(2), warn_unused_result)) void *hak_realloc(void *block, size_t size_bytes);
HAK_PROMISE((alloc_size(2, 3), warn_unused_result))
void *hak_reallocarray(void *block, size_t count, size_t size_bytes);

HAK_PROMISE((malloc, alloc_align(1), alloc_size(2), warn_unused_result))
void *hak_aligned_alloc(size_t align_bytes, size_t size_bytes);
HAK_PROMISE((malloc, alloc_align(1), alloc_size(2), warn_unused_result))
void *hak_memalign(size_t align_bytes, size_t size_bytes);
/* Returns 0, EINVAL (not a power of two, or no multiple of sizeof(void *)) or ENOMEM; leaves errno alone, and *block on
 * failure. */
HAK_PROMISE((warn_unused_result)) int hak_posix_memalign(void **block, size_t align_bytes, size_t size_bytes);

/* NULL does nothing. A pointer that no live block begins at gets one line on standard error, and the call does nothing;
 * with HAKMEM_FAIL_FAST=1 the line ends the process. What is not noticed: a block that was freed and handed out again
 * since, and, without that option, the middle of a small block of the calling thread. */
void hak_free(void *block);
/* C23: the size (and alignment) must be those of the request. */
void hak_free_sized(void *block, size_t size_bytes);
void hak_free_aligned_sized(void *block, size_t align_bytes, size_t size_bytes);

/* How much of the block may be used, at least what was asked for; 0 for NULL. */
size_t hak_malloc_usable_size(void *block);

/* Give the system back all that is not in use: this thread's caches, queues and empty slabs of all threads, every cache
 * shared by threads. What the caches of other running threads hold stays. Returns 1. pad_bytes is ignored. */
int hak_malloc_trim(size_t pad_bytes);

/* What the whole process uses now, as far as mallinfo2 has a place for it. Slabs and page runs are what blocks share;
 * mappings are those that one large block has to itself. reserved_bytes == live_bytes + free_bytes. */
struct hak_totals {
    size_t reserved_bytes;  /* slabs and page runs: all that is held of the system's memory */
    size_t live_bytes;      /* of that, in blocks that the program has */
    size_t free_bytes;      /* of that, everything else: free blocks, what was never cut, what describes blocks */
    size_t free_count;      /* blocks that are free, in caches or not */
    size_t cached_bytes;    /* of free_bytes, in the caches of threads */
    size_t cached_count;    /* of free_count, in the caches of threads */
    size_t mapped_bytes;    /* mappings of live large blocks */
    size_t mapped_count;    /* how many */
    size_t trimmable_bytes; /* what hak_malloc_trim could give back at most */
};

/* Fill *totals. Other threads go on meanwhile: each number was true at some moment of the call, and numbers of
 * different moments may not add up while they do. Never fails. */
void hak_stats_totals(struct hak_totals *totals);

/* The statistics as a text for people, as one JSON object, and as the XML document of malloc_info. They write like
 * snprintf: at most capacity_bytes, the last of them a 0 (nothing when capacity_bytes is 0, and buffer may be NULL
 * then), and return how long the whole text is in bytes without that 0: the text was cut when that is not less than
 * capacity_bytes. Allocate nothing; any thread; the numbers are taken as by hak_stats_totals, so the next call may need
 * more room. */
size_t hak_stats_text(char *buffer, size_t capacity_bytes);
size_t hak_stats_json(char *buffer, size_t capacity_bytes);
size_t hak_stats_xml(char *buffer, size_t capacity_bytes);

#undef HAK_PROMISE

#ifdef __cplusplus
}
#endif

#endif
