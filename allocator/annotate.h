/* annotate: tells AddressSanitizer which bytes a user may touch, to the byte. Nothing in builds without it.
 *
 * A live block is open for exactly the size that was asked for (or all of it, once malloc_usable_size was asked);
 * everything else in slabs and direct mappings is closed, also to the allocator, except through links.h. */
#ifndef HAKMEM_ALLOCATOR_ANNOTATE_H
#define HAKMEM_ALLOCATOR_ANNOTATE_H

#include <stddef.h>

#include "allocator/config.h"

#if HAK_ASAN
#include <sanitizer/asan_interface.h>
static inline void hak_mark_open(void *address, size_t size_bytes) {
    __asan_unpoison_memory_region(address, size_bytes);
}
static inline void hak_mark_closed(void *address, size_t size_bytes) {
    __asan_poison_memory_region(address, size_bytes);
}
#else
static inline void hak_mark_open(void *address, size_t size_bytes) {
    (void)address;
    (void)size_bytes;
}
static inline void hak_mark_closed(void *address, size_t size_bytes) {
    (void)address;
    (void)size_bytes;
}
#endif

#endif
