/* heap: what one thread owns: a cache per class, its slabs, and the queue in which others return its blocks.
 *
 * A heap outlives its threads. A thread claims one when it first allocates and releases it when it ends; a heap that
 * still has slabs then is an orphan, the others are spares. A new thread claims an orphan whole, before spares, before
 * making a new one; a thread that runs out of slabs takes an orphan's slabs over (adoption). Heaps are never destroyed,
 * so a stale owner pointer is safe to push to: the drain forwards what arrives late.
 *
 * Only the owning thread touches caches and slab lists. hak_root.heaps.lock covers the registry and the claim; it is
 * the outermost lock. */
#ifndef HAKMEM_ALLOCATOR_HEAP_H
#define HAKMEM_ALLOCATOR_HEAP_H

#include <stdbool.h>
#include <stdint.h>

#include "allocator/class.h"
#include "allocator/lock.h"
#include "allocator/remote.h"
#include "allocator/slab.h"

/* Blocks of one class that this thread may hand out at once, last in first out. Every one lies in a slab of this heap.
 */
struct hak_cache {
    struct hak_block *head;
    uint32_t count;
    uint16_t capacity;
    uint16_t batch; /* blocks the next refill takes: from 1, doubled each time, to HAK_GEO->refill_batch */
};

enum hak_heap_state { HAK_HEAP_OWNED, HAK_HEAP_ORPHAN, HAK_HEAP_SPARE };

struct hak_heap {
    struct hak_cache caches[HAK_CLASS_COUNT];
    struct hak_slab *available[HAK_CLASS_COUNT]; /* slabs with a block to give */
    struct hak_slab *full;                       /* the others, of all classes */
    uint64_t classes; /* bit per class that had a slab here since the heap was last empty: others have nothing */
    uint32_t id;      /* for reports; from 1 */
    uint32_t state;   /* enum hak_heap_state, under heaps.lock */
    struct hak_heap *next_known;           /* all heaps */
    struct hak_heap *next_unowned;         /* orphans or spares */
    _Alignas(64) struct hak_remote remote; /* written by other threads: a cache line of its own */
};

struct hak_heaps {
    struct hak_lock lock;
    struct hak_heap *known;
    _Atomic(struct hak_heap *) orphans; /* changed under the lock; a look without it saves taking it in vain */
    _Atomic(struct hak_heap *) spares;
    uint32_t count;
};

/* What a thread has before its first allocation and after its end: caches are empty, nothing is ever stored. */
extern const struct hak_heap hak_heap_none;

/* The heap for a new thread, or NULL when the system refuses. Its queue is open. Takes heaps.lock. */
struct hak_heap *hak_heap_claim(void);
/* The thread ends: caches and empty slabs go back, the heap waits for another thread. Takes heaps.lock. */
void hak_heap_release(struct hak_heap *heap);
/* Take over the slabs of one orphan. False when there is none. Takes heaps.lock. */
bool hak_heap_adopt(struct hak_heap *heap);
/* Give back what is not in use: caches, queue, empty slabs; slabs of orphans too. */
void hak_heap_trim(struct hak_heap *heap);

/* Return a block to its slab; an empty slab goes to the pool unless it is the last of its class here. */
void hak_heap_return(struct hak_heap *heap, struct hak_slab *slab, struct hak_block *block);
/* Bind a slab from the pool to a class and make it available here. */
void hak_heap_bind(struct hak_heap *heap, struct hak_slab *slab, uint32_t class_id);
/* Move a slab that became full out of the way. */
void hak_heap_retire_full(struct hak_heap *heap, struct hak_slab *slab);
/* Bring a class's cache down to `keep` blocks. */
void hak_heap_flush(struct hak_heap *heap, uint32_t class_id, uint32_t keep);

#endif
