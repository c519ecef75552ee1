/* tidy: what threads do for heaps that need not be their own: malloc_trim, and the help for owners that are idle.
 *
 * Two kinds of idleness, both looked after by whoever ticks (decay.h), never on a fast path:
 *
 *   the queue    was not looked at for IDLE_MS: it is emptied, so that what others free for an owner that sleeps is not
 *                lost to the process
 *   the heap     did nothing on its slow paths for IDLE_DELAYS purge delays: its empty slabs go back, the last of a
 * class too, and pages inside the others are purged. Once: then not until it did something again
 *
 * What a heap did is known by its counters, which its owner writes anyway. Caches are the owner's alone and stay as
 * they are. A thread that ticks looks into at most LOOK_SLABS slabs a look, over all heaps, since to find that nothing
 * can go costs as much as a purge; it holds a heap's lock for a class at a time, and the rest waits for the next look.
 * Idle owners pay page faults when they come back, hence the long wait and the share of a slab that must be free: what
 * is used now and then is left alone. */
#include "allocator/assert.h"
#include "allocator/heap.h"
#include "allocator/root.h"
#include "allocator/slab_list.h"
#include "allocator/superslab.h"
#include "allocator/thread.h"

enum { IDLE_MS = 250, IDLE_DELAYS = 4, LOOK_SLABS = 256, IDLE_SHARE = 4 };

/* --- pages inside slabs, under heap.lock --- */

static bool slab_purge(struct hak_heap *heap, struct hak_slab *slab, uint32_t share) {
    uint32_t page_count = (uint32_t)__builtin_popcount(hak_slab_all_pages(slab));
    size_t purged_bytes = hak_slab_purge(slab, share == 0 ? 1 : page_count / share);
    if (purged_bytes != 0) {
        hak_decay_purged(purged_bytes);
        hak_count(&heap->work.purged_bytes, purged_bytes);
        hak_ring_note(HAK_EVENT_PURGED, (uintptr_t)slab->start);
    }
    return purged_bytes != 0;
}

bool hak_heap_purge(struct hak_heap *heap, uint32_t class_id, uint32_t share, uint32_t *stayed, uint32_t *looks) {
    struct hak_slab **list = &heap->available[class_id];
    struct hak_slab *slab = *list, *last = NULL, *next;
    for (uint32_t i = 0; i < *stayed && slab != NULL; i++) {
        slab = slab->next;
    }
    for (next = slab; next != NULL; next = next->next) {
        last = next;
    }
    for (struct hak_slab *tail = last; slab != NULL; slab = next) {
        next = slab == last ? NULL : slab->next;
        if (*looks == 0) {
            return false;
        }
        --*looks;
        if (!slab_purge(heap, slab, share)) {
            ++*stayed;
        } else if (slab != tail) {
            hak_slab_list_remove(list, slab);
            hak_slab_list_append(tail, slab);
            tail = slab;
        }
    }
    return true;
}

/* --- malloc_trim --- */

static void heap_trim(struct hak_heap *heap) {
    hak_remote_drain(heap);
    hak_heap_give_empties(heap);
    struct hak_class_set classes = heap->classes;
    for (uint32_t class_id; (class_id = hak_class_next(&classes)) != HAK_CLASS_NONE;) {
        uint32_t stayed = 0, looks = UINT32_MAX;
        (void)hak_heap_purge(heap, class_id, 0, &stayed, &looks);
    }
}

void hak_heap_trim(struct hak_heap *heap) {
    hak_pending_send(heap);
    while (hak_heap_adopt(heap, HAK_CLASS_NONE)) {
    }
    hak_heap_flush_all(heap);
    struct hak_heap *other = hak_load(&hak_root.heaps.known, acquire);
    for (; other != NULL; other = other->next_known) {
        hak_lock_acquire(&other->lock);
        hak_remote_drain(other);
        hak_lock_release(&other->lock);
    }
    /* A second round: a drain may have forwarded blocks to a heap that was passed already. */
    for (other = hak_load(&hak_root.heaps.known, acquire); other != NULL; other = other->next_known) {
        hak_lock_acquire(&other->lock);
        heap_trim(other);
        hak_lock_release(&other->lock);
    }
}

/* --- owners that are idle --- */

/* Pre: heap.lock. Nobody else gives back the empty slabs of a heap without owner. */
static void queue_help(struct hak_heap *heap, uint32_t now_ms) {
    hak_store(&heap->drained_ms, now_ms, relaxed);
    hak_remote_drain(heap);
    if (!heap->remote.is_owned) {
        hak_heap_give_empties(heap);
    }
    hak_count(&heap->work.helped, 1);
}

/* Whether the heap did nothing for so long, and nobody has tidied since. Two who look at once agree. */
static bool heap_is_due(struct hak_heap *heap, uint32_t now_ms) {
    struct hak_heap_idle *idle = &heap->idle;
    uint64_t worked = hak_heap_worked(heap);
    if (hak_load(&idle->seen, relaxed) != worked) {
        hak_store(&idle->seen, worked, relaxed);
        hak_store(&idle->since_ms, now_ms, relaxed);
        return false;
    }
    uint64_t wait_ms = (uint64_t)hak_ace_value(&hak_root.ace, HAK_ACE_PURGE_DELAY) * IDLE_DELAYS;
    return hak_load(&idle->tidied, relaxed) != worked && !hak_decay_is_silent() &&
           hak_decay_age_ms(hak_load(&idle->since_ms, relaxed), now_ms) >= wait_ms;
}

/* One class after the other, from where the last look ended. The lock is free in between: an owner that comes back does
 * not wait long, and then the rest is left to it. */
static void heap_tidy(struct hak_heap *heap, uint32_t *looks) {
    struct hak_heap_idle *idle = &heap->idle;
    uint64_t seen = hak_load(&idle->seen, relaxed);
    bool more = true;
    while (more && hak_lock_try(&heap->lock)) {
        if (idle->begun != seen) {
            idle->begun = seen;
            idle->next_class = idle->stayed = 0;
        }
        if (idle->next_class == 0 && idle->stayed == 0) {
            hak_heap_give_empties(heap);
        }
        bool all = false;
        if (hak_heap_purge(heap, idle->next_class, IDLE_SHARE, &idle->stayed, looks)) {
            idle->stayed = 0;
            idle->next_class = (idle->next_class + 1) % HAK_CLASS_COUNT;
            all = idle->next_class == 0;
        }
        if (all) {
            hak_store(&idle->tidied, seen, relaxed);
        }
        more = !all && *looks != 0 && !hak_decay_is_silent() && hak_heap_worked(heap) == seen;
        hak_lock_release(&heap->lock);
    }
}

/* Owners that were there just now are not looked at more closely: their counters stay in their own processor's cache.
 */
void hak_heaps_help(uint32_t now_ms) {
    uint32_t looks = LOOK_SLABS;
    struct hak_heap *heap = hak_load(&hak_root.heaps.known, acquire);
    for (; heap != NULL; heap = heap->next_known) {
        if (now_ms - hak_load(&heap->drained_ms, relaxed) < IDLE_MS) {
            continue;
        }
        if (hak_remote_has_blocks(&heap->remote) && hak_lock_try(&heap->lock)) {
            queue_help(heap, now_ms);
            hak_lock_release(&heap->lock);
        }
        if (heap_is_due(heap, now_ms) && heap != hak_thread.heap) {
            heap_tidy(heap, &looks);
        }
    }
}
