/* component remote: the queues through which blocks come back to their heaps, beside the set of blocks that are out.
 *
 * The only component with threads: 0 to 3, each with a heap of its own. To begin with every slot below 16 has a block
 * that the heap of thread N modulo 4 has cut: of 96 bytes in slots 0 to 7, of 8 in the others, whose blocks have no
 * room for a label. Nothing is cached.
 *
 *   free s3                the block goes straight into the queue of the heap that owns it, by whichever thread
 *   free_sized s3          it is gathered with others first (pending.h), if the thread has a heap
 *   free_many s3 n=N       several of them
 *   trim                   what is gathered is sent
 *   check                  the thread empties the queue of its heap
 *   malloc s3 SIZE         a block of the thread's heap into an empty slot, if it has a free one; SIZE means nothing
 *   end, start             the thread gives its heap up, its queue is closed; it claims one, and opens the queue
 *   realloc s3 SIZE        the thread's heap takes over all that an orphan has
 *   usable, verify s3      its content; write: new content
 *
 * Each block that was sent arrives once: it is in a free list of its slab then, and in none before; a slab has as many
 * blocks out as the set has; what stands in a free list is a block; at the end nothing is on its way. Heaps that
 * another thread is in the middle of are looked at when it is out. */
#include "allocator/remote.h"

#include <string.h>

#include "allocator/annotate.h"
#include "allocator/class.h"
#include "allocator/links.h"
#include "allocator/root.h"
#include "allocator/superslab.h"
#include "oracle/component.h"
#include "oracle/finding.h"
#include "oracle/run.h"
#include "oracle/sim.h"

enum { OUT_MAX = 128, BEGIN_SLOTS = 16, LARGER_SLOTS = 8, LARGER_BYTES = 96, SMALLER_BYTES = 8, NOT_LIVE = 0xff };

/* A block that left its slab and is not back. */
struct out {
    struct hak_block *block;
    struct hak_slab *slab;
    uint64_t slot; /* NOT_LIVE: it is on its way back */
};

static struct {
    struct out out[OUT_MAX]; /* behind `count` all zero */
    uint64_t count;
} state;

/* --- the set --- */

static void out_remove(uint64_t i) {
    state.out[i] = state.out[--state.count];
    state.out[state.count] = (struct out){NULL, NULL, 0};
}

static struct out *out_find(const struct hak_block *block) {
    for (uint64_t i = 0; i < state.count; i++) {
        if (state.out[i].block == block) {
            return &state.out[i];
        }
    }
    return NULL;
}

static struct out *out_in_slot(uint8_t slot) {
    for (uint64_t i = 0; i < state.count; i++) {
        if (state.out[i].slot == slot) {
            return &state.out[i];
        }
    }
    return NULL;
}

/* --- comparing --- */

static void arrived(struct hak_block *block) {
    struct out *out = out_find(block);
    if (out != NULL && out->slot != NOT_LIVE) {
        finding_raise(CHECK_ACCOUNTING, block, "the block of slot s%u is in a free list, and nobody freed it",
                      (unsigned)out->slot);
    }
    if (out != NULL) {
        out_remove((uint64_t)(out - state.out));
    }
}

static void compare_slab(const struct hak_slab *slab) {
    if (!hak_slab_is_valid(slab)) {
        finding_raise(CHECK_ACCOUNTING, slab->start, "the slab at offset 0x%llx is not valid",
                      (unsigned long long)sim_offset(slab->start));
    }
    for (struct hak_block *block = slab->free; block != NULL; block = hak_link_get(block)) {
        arrived(block);
    }
    uint64_t count = 0;
    for (uint64_t i = state.count; i-- > 0;) {
        struct out *out = &state.out[i];
        if (out->slab == slab && out->slot == NOT_LIVE && hak_slab_touches_clean(slab, out->block)) {
            out_remove(i); /* it is back, and withdrawn */
        } else {
            count += out->slab == slab;
        }
    }
    component_compare("blocks out of a slab", slab->used, count);
}

static void compare_list(const struct hak_slab *slab) {
    for (; slab != NULL; slab = slab->next) {
        compare_slab(slab);
    }
}

/* A slab that went back to the pool had all its blocks. */
static void compare_released(void) {
    for (uint64_t i = state.count; i-- > 0;) {
        const struct out *out = &state.out[i];
        bool is_there = hak_map_superslab(out->block) != NULL; /* else even its metadata is gone */
        if (is_there && out->slab->state == HAK_SLAB_BOUND) {
            continue;
        }
        if (out->slot != NOT_LIVE) {
            finding_raise(CHECK_ACCOUNTING, out->block, "the slab of the block in slot s%u was released",
                          (unsigned)out->slot);
        }
        out_remove(i);
    }
}

static void compare_all(void) {
    for (struct hak_heap *heap = hak_load(&hak_root.heaps.known, relaxed); heap != NULL; heap = heap->next_known) {
        if (hak_load(&heap->lock.word, relaxed) != 0) {
            continue;
        }
        compare_list(heap->full);
        for (uint32_t class_id = 0; class_id < HAK_CLASS_COUNT; class_id++) {
            compare_list(heap->available[class_id]);
        }
    }
    if (hak_load(&hak_root.heaps.lock.word, relaxed) == 0) {
        compare_released();
    }
}

/* --- blocks --- */

static uint32_t class_of_slot(uint8_t slot) {
    return hak_class_of((slot < LARGER_SLOTS ? LARGER_BYTES : SMALLER_BYTES) + HAK_HEADER_BYTES);
}

/* Pre: the heap's lock. Where is_new, the pool is asked when the heap has none. */
static struct hak_block *block_cut(struct hak_heap *heap, uint32_t class_id, bool is_new, struct hak_slab **from) {
    if (heap->available[class_id] == NULL && is_new) {
        struct hak_slab *fresh = hak_pool_take(class_id);
        if (fresh != NULL) {
            hak_heap_bind(heap, fresh, class_id);
        }
    }
    struct hak_slab *slab = *from = heap->available[class_id];
    if (slab == NULL) {
        return NULL;
    }
    uint32_t taken;
    struct hak_block *block = hak_slab_take(slab, 1, 1, &taken);
    if (!hak_slab_holds(slab, block)) {
        finding_raise(CHECK_SENTINEL_IN_LIST, block, "what a slab gave is no block of it");
    }
    hak_link_wipe(block);
    if (hak_slab_is_full(slab)) {
        hak_heap_retire_full(heap, slab);
    }
    return block;
}

static void block_take(struct hak_heap *heap, uint8_t slot, bool is_new) {
    uint32_t class_id = class_of_slot(slot);
    struct hak_slab *slab;
    if (heap == &hak_heap_none || out_in_slot(slot) != NULL || state.count == OUT_MAX) {
        return;
    }
    run_enter(slot);
    hak_lock_acquire(&heap->lock);
    struct hak_block *block = block_cut(heap, class_id, is_new, &slab);
    hak_lock_release(&heap->lock);
    run_leave(slot);
    if (block == NULL) {
        return;
    }
    run.now->applied = true;
    struct out *out = out_find(block); /* it came back, and nobody looked yet */
    if (out != NULL && out->slot != NOT_LIVE) {
        finding_raise(CHECK_DOUBLE_ALLOC, block, "the block is in slot s%u already", (unsigned)out->slot);
    }
    out = out == NULL ? &state.out[state.count++] : out;
    *out = (struct out){block, slab, slot};
    size_t size_bytes = hak_class_bytes[class_id] - HAK_HEADER_BYTES;
    component_block_enter(slot, block, size_bytes, size_bytes, 8);
    component_block_fill(slot);
    run_user_gets(slot);
}

/* Its block is on its way from here on. */
static void block_send(uint8_t slot, bool gathers) {
    struct out *out = out_in_slot(slot);
    if (out == NULL || run_is_claimed(slot)) {
        return;
    }
    struct hak_slab *slab = out->slab;
    struct hak_block *block = out->block;
    run.now->applied = true;
    run_user_has(slot);
    component_block_leave(slot);
    hak_mark_closed(block, hak_class_bytes[slab->class_id] - HAK_HEADER_BYTES);
    out->slot = NOT_LIVE;
    run_enter(NO_SLOT);
    if (gathers && hak_thread_has_heap()) {
        hak_pending_add(hak_thread.heap, slab, block);
    } else {
        hak_remote_free(slab, block);
    }
    run_leave(NO_SLOT);
}

static void block_gather(uint8_t slot) {
    block_send(slot, true);
}

static void on_live(uint8_t slot) {
    if (out_in_slot(slot) == NULL) {
        return;
    }
    run.now->applied = true;
    run_user_has(slot);
    component_block_verify(slot, "");
    if (run.now->record.op == OP_WRITE) {
        component_block_fill(slot);
    }
    run_user_gets(slot); /* the next one knows of this one */
}

/* --- heaps --- */

static void heap_drain(struct hak_heap *heap) {
    run_enter(NO_SLOT);
    hak_lock_acquire(&heap->lock);
    hak_remote_drain(heap);
    hak_lock_release(&heap->lock);
    run_leave(NO_SLOT);
    struct hak_block *left = hak_load(&heap->remote.head, relaxed);
    if (!run.now->overlapped && left != NULL) {
        finding_raise(CHECK_BLOCK_LOST, left, "a block stands in the queue that was emptied, and nobody sent one");
    }
}

static void heap_give_up(void) {
    run_enter(NO_SLOT);
    hak_heap_release(hak_thread.heap);
    hak_thread.heap = (struct hak_heap *)(uintptr_t)&hak_heap_none;
    run_leave(NO_SLOT);
}

static void heap_claim(void) {
    run_enter(NO_SLOT);
    struct hak_heap *heap = hak_heap_claim();
    run_leave(NO_SLOT);
    hak_thread.heap = heap == NULL ? hak_thread.heap : heap;
}

/* Records that are about the heap of the thread. False when it is another one. */
static bool heap_record(void) {
    struct hak_heap *heap = hak_thread.heap;
    bool has_one = hak_thread_has_heap();
    switch (run.now->record.op) {
    case OP_TRIM:
    case OP_CHECK:
    case OP_REALLOC:
    case OP_THREAD_END:
        run.now->applied = has_one;
        break;
    case OP_THREAD_START:
        run.now->applied = !has_one;
        break;
    default:
        return false;
    }
    if (!run.now->applied) {
        return true;
    }
    if (run.now->record.op == OP_CHECK) {
        heap_drain(heap);
    } else if (run.now->record.op == OP_THREAD_END) {
        heap_give_up();
    } else if (run.now->record.op == OP_THREAD_START) {
        heap_claim();
    } else {
        run_enter(NO_SLOT);
        if (run.now->record.op == OP_TRIM) {
            hak_pending_send(heap);
        } else {
            (void)hak_heap_adopt(heap, HAK_CLASS_NONE);
        }
        run_leave(NO_SLOT);
    }
    return true;
}

/* --- records --- */

/* All threads know of what was done here: nobody is told of it. */
static void begin(void) {
    uint32_t level = run.level;
    memset(&state, 0, sizeof state);
    component_begin_threads();
    run.level = 0;
    for (uint8_t i = 0; i < PROGRAM_THREADS_MAX; i++) {
        component_thread_root(i)->heap = hak_heap_claim();
    }
    for (uint8_t slot = 0; slot < BEGIN_SLOTS && slot < run.program->header.slot_count; slot++) {
        block_take(component_thread_root(slot % PROGRAM_THREADS_MAX)->heap, slot, true);
    }
    run.level = level;
}

static void record(void) {
    uint8_t slot = run.now->record.slot;
    if (heap_record()) {
        compare_all();
        return;
    }
    if (run_is_claimed(slot)) {
        return;
    }
    switch (run.now->record.op) {
    case OP_MALLOC:
        block_take(hak_thread.heap, slot, false);
        break;
    case OP_FREE:
        block_send(slot, false);
        break;
    case OP_FREE_SIZED:
        block_send(slot, true);
        break;
    case OP_FREE_MANY:
        component_each_slot(block_gather);
        break;
    case OP_USABLE:
    case OP_VERIFY:
    case OP_WRITE:
        on_live(slot);
        break;
    default:
        (void)component_common();
        return;
    }
    compare_all();
}

static void drain_all(void) {
    for (struct hak_heap *heap = hak_load(&hak_root.heaps.known, relaxed); heap != NULL; heap = heap->next_known) {
        hak_lock_acquire(&heap->lock);
        hak_remote_drain(heap);
        hak_lock_release(&heap->lock);
    }
}

static void final(void) {
    for (uint8_t slot = 0; slot < PROGRAM_SLOTS_MAX; slot++) {
        block_send(slot, false);
    }
    run_forget_subject();
    for (uint8_t i = 0; i < PROGRAM_THREADS_MAX; i++) {
        if (component_thread_root(i)->heap != &hak_heap_none) {
            hak_pending_send(component_thread_root(i)->heap);
        }
    }
    drain_all();
    drain_all(); /* what was forwarded */
    compare_all();
    if (state.count != 0) {
        finding_raise(CHECK_BLOCK_LOST, state.out[0].block, "%llu blocks were sent and did not arrive",
                      (unsigned long long)state.count);
    }
    for (uint8_t i = 0; i < PROGRAM_THREADS_MAX; i++) {
        if (component_thread_root(i)->heap != &hak_heap_none) {
            hak_heap_release(component_thread_root(i)->heap);
        }
        component_thread_root(i)->heap = (struct hak_heap *)(uintptr_t)&hak_heap_none;
    }
    drain_all();
    hak_pool_trim();
    component_check_returned(0);
}

const struct component component_remote = {
    .begin = begin, .record = record, .final = final, .state = &state, .state_bytes = sizeof state};
