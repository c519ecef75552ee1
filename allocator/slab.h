/* slab: a run of pages cut into blocks of one class, and its metadata, one cache line.
 *
 * Invariants of a bound slab, in terms of its two counters:
 *   used    blocks that left the slab and are not back in its free list: live, cached by a thread, or on their way back
 *   carved  how far the slab was ever cut; it only grows until the slab is reset
 *   carved - used == length of the free list;  used <= carved <= capacity
 * Blocks are cut by `carved`, never by `used`.
 *
 * A bound slab is touched under the lock of the owning heap. Without it anybody who holds a live block of the slab may
 * read `owner`, and what does not change while it is bound: class, start, capacity. A free slab belongs to the pool,
 * under its lock. */
#ifndef HAKMEM_ALLOCATOR_SLAB_H
#define HAKMEM_ALLOCATOR_SLAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "allocator/atomic.h"

struct hak_block;
struct hak_heap;

enum hak_slab_state { HAK_SLAB_FREE, HAK_SLAB_BOUND };

struct hak_slab {
    _Alignas(64) _Atomic(uintptr_t) owner_word; /* the full heap pointer, never a truncated id; and HAK_OWNER_CAREFUL */
    struct hak_block *free;                     /* blocks that came back */
    char *start;                                /* first block */
    char *carved_end;                           /* behind the last block that was cut */
    struct hak_slab *next;                      /* in a list of its heap */
    struct hak_slab *previous;
    uint32_t block_bytes;
    uint16_t used;
    uint16_t carved;
    uint16_t capacity; /* blocks */
    uint8_t class_id;
    uint8_t state; /* enum hak_slab_state */
};
_Static_assert(sizeof(struct hak_slab) == 64, "a slab's metadata is one cache line");

/* Set in owner_word where frees must take the careful path: it compares equal to no heap (HAKMEM_FAIL_FAST=1). */
enum { HAK_OWNER_CAREFUL = 1 };

/* The owning heap, or NULL. It may be an older one than the block's slab has now: see remote.h. */
static inline struct hak_heap *hak_slab_owner(const struct hak_slab *slab) {
    uintptr_t word = hak_load(&((struct hak_slab *)(uintptr_t)slab)->owner_word, relaxed);
    return (struct hak_heap *)(word & ~(uintptr_t)HAK_OWNER_CAREFUL);
}

void hak_slab_set_owner(struct hak_slab *slab, struct hak_heap *owner);

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

/* Whether `address` is the start of a block of the slab that was carved. Under the owner's lock, or by the owner:
 * others must not read `carved`. */
bool hak_slab_holds(const struct hak_slab *slab, const void *address);
/* Whether `address` is where a block of the slab starts or could. Any thread that holds a live block of the slab. */
bool hak_slab_could_hold(const struct hak_slab *slab, const void *address);

/* Counters within their bounds, free list of the right length, every link inside the slab. Walks the list. */
bool hak_slab_is_valid(const struct hak_slab *slab);

#endif
