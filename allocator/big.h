/* big: one block, one mapping. Everything above the tiny tier is served so.
 *
 * The block is the whole mapping; its record stands in metadata memory, so nothing of the allocator's is in reach of an
 * overflow. Any thread may free or resize any big block. Locks: map.lock and meta.lock, through those modules. */
#ifndef HAKMEM_ALLOCATOR_BIG_H
#define HAKMEM_ALLOCATOR_BIG_H

#include <stdbool.h>
#include <stddef.h>

struct hak_big {
    void *base;
    size_t size_bytes; /* whole pages */
};

/* A zeroed block of at least size_bytes, aligned to align_bytes (a power of two) and at least to a page. NULL when the
 * system refuses or the size cannot be. */
void *hak_big_take(size_t size_bytes, size_t align_bytes);
void hak_big_give(struct hak_big *big);

/* Change the size in place. False when that cannot be; then nothing has changed. */
bool hak_big_resize(struct hak_big *big, size_t size_bytes);

#endif
