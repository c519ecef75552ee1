/* annotate: tells AddressSanitizer which bytes a user may touch, to the byte. Nothing in builds without it.
 *
 * A live block is open for exactly the size that was asked for (or all of it, once malloc_usable_size was asked);
 * everything else in slabs and direct mappings is closed, also to the allocator, except through links.h. The simulated
 * world hands out memory closed and takes it back closed; Linux hands it out open and wants it back so. */
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

/* Fresh memory that is for blocks. */
static inline void hak_mark_fresh(void *address, size_t size_bytes) {
    if (!HAK_SIM) {
        hak_mark_closed(address, size_bytes);
    }
}

/* Closed memory that goes back to the system. */
static inline void hak_mark_returned(void *address, size_t size_bytes) {
    if (!HAK_SIM) {
        hak_mark_open(address, size_bytes);
    }
}

#endif
