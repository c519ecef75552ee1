/* heap: what one thread owns: a cache per class, its slabs, and the queue in which others return its blocks.
 *
 * A heap outlives its threads. A thread claims one when it first allocates, or when it has freed much of what others
 * allocated, and releases it when it ends; a heap that still has slabs then is an orphan, the others are spares. A new
 * thread claims a spare, else an orphan with all it has, else a new one is made; a thread that runs out of slabs of a
 * class takes one of an orphan over (adoption), so what threads left serves all that need it, slab by slab. Heaps are
 * never destroyed, so a stale owner pointer is safe to push to: the drain forwards what arrives late.
 *
 * Only the owning thread touches caches and pending blocks. Slab lists and the slabs in them are under heap.lock: the
 * owner takes it on its slow paths, where nobody contends, and others when they tidy up for an owner that is idle:
 * return what waits in its queue, give back its empty slabs. hak_root.heaps.lock covers the registry and the claim; it
 * is the outermost lock, and only under it may two heaps be locked. */
#ifndef HAKMEM_ALLOCATOR_HEAP_H
#define HAKMEM_ALLOCATOR_HEAP_H

#include <stdbool.h>
#include <stdint.h>

#include "allocator/class_set.h"
#include "allocator/lock.h"
#include "allocator/pending.h"
#include "allocator/remote.h"
#include "allocator/slab.h"

/* Blocks of one class that this thread may hand out at once, last in first out. Every one lies in a slab of this heap.
 */
struct hak_cache {
    struct hak_block *head;
    int16_t room; /* blocks it may still take; -1 while one too many is on its way out */
    uint16_t capacity;
    uint16_t batch;       /* blocks the next refill takes: doubled each time, up to the class's most; 0: never used */
    uint8_t quiet_epochs; /* ace.h */
    uint8_t age_epochs;
};

static inline uint32_t hak_cache_count(const struct hak_cache *cache) {
    return (uint32_t)(cache->capacity - cache->room);
}

/* It holds so many blocks, and may hold `capacity`. */
static inline void hak_cache_set(struct hak_cache *cache, uint32_t count, uint32_t capacity) {
    cache->capacity = (uint16_t)capacity;
    cache->room = (int16_t)((int32_t)capacity - (int32_t)count);
}

enum hak_heap_state { HAK_HEAP_OWNED, HAK_HEAP_ORPHAN, HAK_HEAP_SPARE };

/* What a heap did, for statistics: written by its owner, or by whoever holds its lock. */
struct hak_heap_work {
    _Atomic uint64_t refills[2]; /* tiny, pool */
    _Atomic uint64_t blocks[2];  /* that came with them */
    _Atomic uint64_t flushes;
    _Atomic uint64_t pushed;       /* blocks handed over to other heaps */
    _Atomic uint64_t drained;      /* blocks that came back from other threads */
    _Atomic uint64_t helped;       /* drains that others did for this heap while its owner was idle */
    _Atomic uint64_t adopted;      /* heaps */
    _Atomic uint64_t purged_bytes; /* inside slabs that were in use */
};

/* What those who tidy up know of a heap's owner (tidy.c). */
struct hak_heap_idle {
    _Atomic uint64_t seen;     /* how much the heap had worked at the last look */
    _Atomic uint64_t tidied;   /* and when all that can be was given back last */
    _Atomic uint32_t since_ms; /* when what was seen was new */
    uint32_t next_class;       /* where the one who tidies goes on, */
    uint32_t stayed;           /* behind so many slabs of that class, */
    uint64_t begun;            /* if it is this work still that he began after; the three under heap.lock */
};

struct hak_heap {
    struct hak_cache caches[HAK_CLASS_COUNT];
    struct hak_pending pending;
    struct hak_class_set refilled; /* classes that ran empty in this epoch, */
    struct hak_class_set flushed;  /* and full */
    struct hak_class_set freed;    /* classes that ran full, and not empty since */
    uint32_t id;                   /* for reports; from 1 */
    uint32_t slow_events;          /* in this epoch */
    size_t capacity_bytes;         /* of all caches */
    struct hak_heap_work work;
    _Alignas(64) struct hak_lock lock; /* from here on: other threads too */
    uint32_t state;                    /* enum hak_heap_state, under heaps.lock */
    struct hak_class_set classes;      /* that had a slab here since the heap was last empty: others have nothing */
    struct hak_slab *full;             /* slabs with no block to give, of all classes */
    struct hak_slab *available[HAK_CLASS_COUNT]; /* the others */
    struct hak_heap *next_known;                 /* all heaps; never changes */
    struct hak_heap *next_unowned;               /* orphans or spares, under heaps.lock */
    _Atomic uint32_t drained_ms;                 /* when the queue was last looked at */
    struct hak_heap_idle idle;
    _Alignas(64) struct hak_remote remote; /* written by other threads: a cache line of its own */
};

/* Grows with whatever fills or empties slabs of the heap. Any thread. */
static inline uint64_t hak_heap_worked(struct hak_heap *heap) {
    struct hak_heap_work *work = &heap->work;
    return hak_note_load(&work->refills[0]) + hak_note_load(&work->refills[1]) + hak_note_load(&work->flushes) +
           hak_note_load(&work->drained) + hak_note_load(&work->adopted);
}

struct hak_heaps {
    struct hak_lock lock;
    _Atomic(struct hak_heap *) known;   /* changed under the lock; heaps are only ever added */
    _Atomic(struct hak_heap *) orphans; /* changed under the lock; a look without it saves taking it in vain */
    _Atomic(struct hak_heap *) spares;
    _Atomic uint32_t count; /* changed under the lock */
    struct hak_heap
        *asked_last; /* the orphan behind which adoption goes on to look, NULL: at the first; under the lock */
};

/* What a thread has before its first allocation and after its end: caches are empty, nothing is ever stored. */
extern const struct hak_heap hak_heap_none;

/* The heap for a new thread, or NULL when the system refuses. Its queue is open. Takes heaps.lock. */
struct hak_heap *hak_heap_claim(void);
/* The thread ends: caches and empty slabs go back, the heap waits for another thread. Takes heaps.lock. */
void hak_heap_release(struct hak_heap *heap);
/* Take over from an orphan a slab of the class that has room, or with HAK_CLASS_NONE all it has. False when there
 * is nothing of the kind. Takes heaps.lock. Pre: the heap's lock is not held. */
bool hak_heap_adopt(struct hak_heap *heap, uint32_t class_id);
/* Empty the queues of heaps whose owners have not looked at them for a while, or have ended; give back what the slabs
 * of those hold that did nothing for a long while. No lock held. */
void hak_heaps_help(uint32_t now_ms);
/* Give back what is not in use: this heap's caches, and of all heaps queues, empty slabs and pages inside slabs. */
void hak_heap_trim(struct hak_heap *heap);

/* Bring a class's cache down to its `keep` newest blocks. Owner only. */
void hak_heap_flush(struct hak_heap *heap, uint32_t class_id, uint32_t keep);
/* Empty all caches. Owner only. */
void hak_heap_flush_all(struct hak_heap *heap);
/* A class's cache ran full: half of it goes back, or all if it was not refilled since it last did. Owner only. */
void hak_heap_overflow(struct hak_heap *heap, uint32_t class_id);
/* A class's cache ran empty and was refilled. Owner only. */
void hak_heap_refilled(struct hak_heap *heap, uint32_t class_id);
/* The cache of a class, given its capacity if this is its first use. Owner only. */
struct hak_cache *hak_heap_cache(struct hak_heap *heap, uint32_t class_id);
/* What the capacity of an empty cache may become if more blocks come at once than it is made for: chains of a free list
 * are best left whole. Then tell how many came. Owner only. */
uint32_t hak_heap_cache_growth(const struct hak_heap *heap, uint32_t class_id);
void hak_heap_cache_filled(struct hak_heap *heap, uint32_t class_id, uint32_t count);
/* The most blocks a refill of this class may take. */
uint32_t hak_heap_batch_max(uint32_t class_id);

/* In the child of a fork, for the heap of a thread that is not there: what its caches held goes back to the slabs, as
 * far as it can be known, and the heap becomes an orphan. Nobody else runs. */
void hak_heap_salvage(struct hak_heap *heap);

/* The rest needs heap.lock. */

/* Give back every slab that is empty. */
void hak_heap_give_empties(struct hak_heap *heap);
/* Purge inside the slabs of a class, of which a share of at least one page in `share` can go, 0: any page. They become
 * the last of their list, so that slabs serve first that need no page faults. The first *stayed of the list are passed;
 * those that stay where they are are added to them. At most *looks are looked into, which is counted down: that costs
 * about the same, whether something can go or not. True when the end of the list was reached. */
bool hak_heap_purge(struct hak_heap *heap, uint32_t class_id, uint32_t share, uint32_t *stayed, uint32_t *looks);
/* Return blocks to their slab; an empty slab goes to the pool unless it is the last of its class here and
 * the heap has an owner. */
void hak_heap_return(struct hak_heap *heap, struct hak_slab *slab, struct hak_chain chain);
/* Bind a slab from the pool to a class and make it available here. */
void hak_heap_bind(struct hak_heap *heap, struct hak_slab *slab, uint32_t class_id);
/* Move a slab that became full out of the way. */
void hak_heap_retire_full(struct hak_heap *heap, struct hak_slab *slab);

#endif
