/* slab: a run of pages cut into blocks of one class, and its metadata.
 *
 * Invariants of a bound slab, in terms of its two counters:
 *   used    blocks that left the slab and are not back in its free list: live, cached by a thread, or in a remote queue
 *   carved  how far the slab was ever cut; it only grows until the slab is reset
 *   carved - used == length of the free list;  used <= carved <= capacity
 * Blocks are cut by `carved`, never by `used`.
 *
 * Only the thread of the owning heap touches a bound slab, except for `owner`, which anybody may read. A free slab
 * belongs to the pool, under its lock. */
#ifndef HAKMEM_ALLOCATOR_SLAB_H
#define HAKMEM_ALLOCATOR_SLAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "allocator/atomic.h"
#include "allocator/links.h"

struct hak_heap;

enum hak_slab_state { HAK_SLAB_FREE, HAK_SLAB_BOUND };

struct hak_slab {
    _Atomic(struct hak_heap *) owner; /* the full pointer, never a truncated id */
    struct hak_block *free;           /* blocks that came back */
    char *start;                      /* first block */
    uint32_t used;
    uint32_t carved;
    uint32_t capacity; /* blocks */
    uint32_t block_bytes;
    uint16_t class_id;
    uint16_t state; /* enum hak_slab_state */
    bool committed;
    struct hak_slab *next; /* in a list of its heap, or of its SuperSlab's free slabs */
    struct hak_slab *previous;
};

static inline bool hak_slab_is_full(const struct hak_slab *slab) {
    return slab->free == NULL && slab->carved == slab->capacity;
}

/* Bind a free slab to a class and an owner: all counters start anew. */
void hak_slab_bind(struct hak_slab *slab, uint32_t class_id, struct hak_heap *owner);

/* Take a block. Pre: not full. */
struct hak_block *hak_slab_pop(struct hak_slab *slab);
/* Give a block back to the free list. */
void hak_slab_push(struct hak_slab *slab, struct hak_block *block);

/* Wipe what free blocks still hold of links, and leave the slab unbound. Pre: used == 0. */
void hak_slab_unbind(struct hak_slab *slab);

/* Whether `address` is the start of a block of the slab that was carved. Owner only: others must not read `carved`. */
bool hak_slab_holds(const struct hak_slab *slab, const void *address);
/* Whether `address` is where a block of the slab starts or could. Any thread that holds a live block of the slab. */
bool hak_slab_could_hold(const struct hak_slab *slab, const void *address);

/* Counters within their bounds, free list of the right length, every link inside the slab. Walks the list. */
bool hak_slab_is_valid(const struct hak_slab *slab);

#endif
