/* check: proof of the whole heap's invariants, and a look at what stands behind an address.
 *
 * The invariants have the numbers of docs/invariants.md. Call these while no other thread is inside the allocator.
 * They take no lock and change nothing. */
#ifndef HAKMEM_ALLOCATOR_CHECK_H
#define HAKMEM_ALLOCATOR_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hak_heap;

/* Where a carved block is when it is not live. */
enum hak_block_state { HAK_BLOCK_FREE, HAK_BLOCK_CACHED, HAK_BLOCK_REMOTE };

/* Called for each carved block that is not live. */
typedef void hak_block_visitor(void *context, const void *block, size_t block_bytes, enum hak_block_state state);

struct hak_heap_counts {
    size_t superslabs;
    size_t bound_slabs;
    size_t carved_blocks;
    size_t free_blocks;   /* in a slab's free list */
    size_t cached_blocks; /* in a thread's cache */
    size_t remote_blocks; /* in a heap's queue, or on their way there */
    size_t cached_superslabs;
    size_t regions;
    size_t runs; /* live */
    size_t run_bytes;
    size_t bigs; /* live */
    size_t big_bytes;
    size_t cached_bigs;
    size_t dirty_bytes;
};

/* NULL when every invariant holds, else one line that names the one that does not. `visit` may be NULL. When it returns
 * NULL, carved - free - cached - remote is the number of live small blocks. */
const char *hak_check_heap(struct hak_heap_counts *counts, hak_block_visitor *visit, void *context);

/* Caches and slab lists of one heap. */
bool hak_heap_is_valid(const struct hak_heap *heap);

/* What an address is. Never fails, whatever the address. */
enum hak_place_kind {
    HAK_PLACE_FOREIGN,
    HAK_PLACE_TINY,
    HAK_PLACE_POOL,
    HAK_PLACE_RUN,
    HAK_PLACE_FREE_RUN,
    HAK_PLACE_BIG,
    HAK_PLACE_CACHED_BIG,
    HAK_PLACE_HEADER, /* metadata of a SuperSlab */
    HAK_PLACE_FREE_SLAB
};
struct hak_place {
    enum hak_place_kind kind;
    uint32_t class_id;
    size_t block_bytes;
    const void *block; /* start of the block the address is in */
    uint32_t used;
    uint32_t carved;
    uint32_t capacity;
    const struct hak_heap *owner;
    uint32_t owner_id;
};
struct hak_place hak_place_of(const void *address);

#endif
