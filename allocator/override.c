/* override: the libc names, for LD_PRELOAD and for linking in front of libc. Nothing but names: see hakmem.h. */
#include "allocator/hakmem.h"

#include <malloc.h>
#include <stdlib.h>

#include "allocator/os.h"

#if HAK_OVERRIDE

HAK_EXPORT void *malloc(size_t size_bytes) {
    return hak_malloc(size_bytes);
}

HAK_EXPORT void free(void *block) {
    hak_free(block);
}

HAK_EXPORT void *calloc(size_t count, size_t size_bytes) {
    return hak_calloc(count, size_bytes);
}

HAK_EXPORT void *realloc(void *block, size_t size_bytes) {
    return hak_realloc(block, size_bytes);
}

HAK_EXPORT void *reallocarray(void *block, size_t count, size_t size_bytes) {
    return hak_reallocarray(block, count, size_bytes);
}

HAK_EXPORT void *aligned_alloc(size_t align_bytes, size_t size_bytes) {
    return hak_aligned_alloc(align_bytes, size_bytes);
}

HAK_EXPORT void *memalign(size_t align_bytes, size_t size_bytes) {
    return hak_memalign(align_bytes, size_bytes);
}

HAK_EXPORT int posix_memalign(void **block, size_t align_bytes, size_t size_bytes) {
    return hak_posix_memalign(block, align_bytes, size_bytes);
}

HAK_EXPORT void *valloc(size_t size_bytes) {
    return hak_memalign(HAK_PAGE_BYTES, size_bytes);
}

HAK_EXPORT void *pvalloc(size_t size_bytes) {
    size_t rounded_bytes = (size_bytes + HAK_PAGE_BYTES - 1) & ~(size_t)(HAK_PAGE_BYTES - 1);
    return hak_memalign(HAK_PAGE_BYTES, rounded_bytes < size_bytes ? SIZE_MAX : rounded_bytes);
}

HAK_EXPORT size_t malloc_usable_size(void *block) {
    return hak_malloc_usable_size(block);
}

HAK_EXPORT int malloc_trim(size_t pad_bytes) {
    return hak_malloc_trim(pad_bytes);
}

#endif
