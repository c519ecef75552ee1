/* large: blocks beyond the small tiers, wherever they come from: the run tier, or a mapping of their own. Any thread.
 */
#ifndef HAKMEM_ALLOCATOR_LARGE_H
#define HAKMEM_ALLOCATOR_LARGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "allocator/class.h"
#include "allocator/root.h"

/* The largest request that the small tiers serve. */
static inline size_t hak_small_max_bytes(void) {
    return HAK_GEO->pool_max_bytes - HAK_HEADER_BYTES;
}

/* A block of at least size_bytes, aligned to align_bytes and to a page; *zeroed says whether all of it reads as zero.
 * NULL when the system refuses or the size cannot be. */
void *hak_large_take(size_t size_bytes, size_t align_bytes, bool *zeroed);

/* Free it. `entry` is the region map's. False when no live block begins there; nothing has changed. */
bool hak_large_give(void *address, uintptr_t entry);

#endif
