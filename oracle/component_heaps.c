/* component_heaps: whose each heap is, for the components whose threads have heaps. */
#include "allocator/heap.h"

#include "allocator/root.h"
#include "oracle/component.h"
#include "oracle/finding.h"
#include "oracle/run.h"

static uint64_t owners_of(const struct hak_heap *heap) {
    uint64_t owners = 0;
    for (uint8_t i = 0; i < PROGRAM_THREADS_MAX; i++) {
        owners += component_thread_root(i)->heap == heap;
    }
    return owners;
}

/* A list that goes round in a circle has it more than once. */
static uint64_t times_in(struct hak_heap *list, const struct hak_heap *heap) {
    uint64_t times = 0;
    for (uint32_t i = 0; list != NULL && i < 2 * PROGRAM_THREADS_MAX; i++) {
        times += list == heap;
        list = list->next_unowned;
    }
    return times;
}

static bool has_slabs(const struct hak_heap *heap) {
    bool any = heap->full != NULL;
    for (uint32_t class_id = 0; class_id < HAK_CLASS_COUNT; class_id++) {
        any = any || heap->available[class_id] != NULL;
    }
    return any;
}

static void prove_unowned(const struct hak_heap *heap) {
    component_compare("blocks gathered in a heap without owner", heap->pending.count, 0);
    for (uint32_t class_id = 0; class_id < HAK_CLASS_COUNT; class_id++) {
        component_compare("a cache of a heap without owner is empty", heap->caches[class_id].head == NULL, true);
    }
    if (heap->state == HAK_HEAP_SPARE) {
        component_compare("a spare heap has slabs", has_slabs(heap), false);
    }
}

void component_prove_heaps(void) {
    struct hak_heaps *heaps = &hak_root.heaps;
    struct hak_heap *orphans = hak_load(&heaps->orphans, relaxed), *spares = hak_load(&heaps->spares, relaxed);
    uint32_t count = 0;
    for (struct hak_heap *heap = hak_load(&heaps->known, relaxed); heap != NULL; heap = heap->next_known) {
        bool is_owned = heap->state == HAK_HEAP_OWNED;
        component_compare("threads that have a heap", owners_of(heap), is_owned);
        component_compare("a heap's queue is open when somebody has it", heap->remote.is_owned, is_owned);
        component_compare("a heap among the orphans", times_in(orphans, heap), heap->state == HAK_HEAP_ORPHAN);
        component_compare("a heap among the spares", times_in(spares, heap), heap->state == HAK_HEAP_SPARE);
        component_compare("a heap's number", heap->id, hak_load(&heaps->count, relaxed) - count++);
        if (!is_owned) {
            prove_unowned(heap);
        }
    }
    component_compare("heaps", hak_load(&heaps->count, relaxed), count);
}

void component_end_threads(void) {
    for (uint8_t i = 0; i < PROGRAM_THREADS_MAX; i++) {
        struct hak_thread *root = component_thread_root(i);
        struct hak_heap *heap = root->heap;
        if (i != run.thread && heap != &hak_heap_none) {
            *root = (struct hak_thread)HAK_THREAD_INITIAL;
            hak_heap_release(heap);
        }
    }
}
