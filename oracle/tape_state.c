/* tape_state: a look at the allocator between two accesses, or after a finding. Counters are read as they are. Of lists
 * only the remote queue is walked, with a bound, and no link is followed that leads out of committed memory. */
#include "allocator/class.h"
#include "allocator/links.h"
#include "allocator/root.h"
#include "allocator/superslab.h"
#include "oracle/run.h"
#include "oracle/sim.h"
#include "oracle/tape.h"

static const struct hak_slab *slab_at(const void *address) {
    uintptr_t entry = hak_map_entry(address);
    if (!hak_map_is_superslab(entry)) {
        return NULL;
    }
    const struct hak_slab *slab = hak_slab_at(entry, address);
    return slab->state == HAK_SLAB_BOUND ? slab : NULL;
}

struct tape_place tape_place_of(const void *address) {
    struct hak_place found = hak_place_of(address);
    struct tape_place place = {.kind = (uint8_t)found.kind, .heap = found.owner_id};
    if (found.block != NULL) {
        place.start = place.slab_start = sim_offset(found.block);
        place.bytes = place.slab_bytes = found.block_bytes;
    }
    const struct hak_slab *slab = slab_at(address);
    if (slab != NULL) {
        place.slab_start = sim_offset(slab->start);
        place.slab_bytes = (size_t)slab->capacity * slab->block_bytes;
    }
    return place;
}

static struct hak_heap *heap_of(uint8_t thread) {
    struct hak_heap *heap = thread == run.thread ? hak_thread.heap : run.threads[thread].root.heap;
    return heap == &hak_heap_none ? NULL : heap;
}

uint32_t tape_heap_of(uint8_t thread) {
    const struct hak_heap *heap = heap_of(thread);
    return heap == NULL ? 0 : heap->id;
}

/* --- queues --- */

/* Blocks of the parcel that this one stands for; 1 where nothing tells. */
HAK_RAW_ACCESS uint32_t parcel_blocks(const struct hak_slab *slab, struct hak_block *last) {
    if (slab == NULL || !hak_slab_has_labels(slab)) {
        return 1;
    }
    uintptr_t label = hak_link_code(*hak_label_place(last)) >> HAK_LABEL_NUMBER_BITS;
    return label == 0 || label > slab->capacity ? 1 : (uint32_t)label;
}

static void look_at_queue(struct tape_heap *to, struct hak_remote *remote) {
    enum { PARCELS_MAX = 4096 };
    struct hak_block *last = hak_load(&remote->head, relaxed);
    while (last != NULL && last != HAK_SENTINEL && to->parcels < PARCELS_MAX &&
           sim_is_committed(last, sizeof(uintptr_t))) {
        struct hak_block *next;
        to->parcels++;
        to->blocks += parcel_blocks(slab_at(last), last);
        if (!hak_link_peek(last, &next)) {
            return;
        }
        last = next;
    }
    to->is_closed = last == HAK_SENTINEL;
}

static void look_at_heaps(struct tape_state *state) {
    struct hak_heap *heap = hak_load(&hak_root.heaps.known, relaxed);
    for (; heap != NULL && state->heap_count < TAPE_HEAPS_MAX; heap = heap->next_known) {
        struct tape_heap *to = &state->heaps[state->heap_count++];
        *to = (struct tape_heap){heap->id, (uint8_t)heap->state, TAPE_NOBODY, .pending = heap->pending.count};
        for (uint8_t i = 0; i < PROGRAM_THREADS_MAX; i++) {
            to->thread = heap_of(i) == heap ? i : to->thread;
        }
        look_at_queue(to, &heap->remote);
    }
}

/* --- the slab and its class --- */

/* The slab that a request of that size is served from, where the thread has one. */
static const struct hak_slab *slab_for(const struct hak_heap *heap, size_t request_bytes) {
    size_t bytes = request_bytes + HAK_HEADER_BYTES;
    if (heap == NULL || request_bytes == 0 || bytes > HAK_CLASS_MAX_BYTES) {
        return NULL;
    }
    return heap->available[hak_class_of(bytes)];
}

static void look_at_slab(struct tape_state *state, const struct hak_slab *slab, const struct hak_heap *heap) {
    state->used = slab->used;
    state->carved = slab->carved;
    state->capacity = slab->capacity;
    state->free_blocks = slab->carved > slab->used ? (uint32_t)(slab->carved - slab->used) : 0U;
    if (heap != NULL && slab->class_id < HAK_CLASS_COUNT) {
        const struct hak_cache *cache = &heap->caches[slab->class_id];
        state->has_cache = true;
        state->cache_heap = heap->id;
        state->cache_class_bytes = hak_class_bytes[slab->class_id];
        state->cached = hak_cache_count(cache);
        state->cache_capacity = cache->capacity;
    }
}

void tape_look(struct tape_state *state, const void *subject, size_t request_bytes) {
    const struct hak_heap *heap = heap_of(run.thread);
    const struct hak_slab *slab = subject != NULL ? slab_at(subject) : slab_for(heap, request_bytes);
    if (subject != NULL) {
        state->place = tape_place_of(subject);
    } else if (slab != NULL) {
        state->place = tape_place_of(slab->start);
    }
    if (slab != NULL) {
        look_at_slab(state, slab, heap);
    }
    look_at_heaps(state);
    state->superslabs = hak_root.pool.superslab_count;
    state->lazy = hak_root.pool.lazy.count;
    state->bigs_cached = hak_root.bigs.cache.count;
    state->big_bytes_cached = hak_root.bigs.cache.bytes;
    state->reserved_bytes = sim_reserved_bytes();
    state->clock_ms = sim_clock_ms();
}
