/* thread: first allocation and end of a thread, and fork. */
#include "allocator/thread.h"

#include "allocator/root.h"

void hak_process_attach(void) {
    if (hak_load(&hak_root.attached, relaxed) == 0 && hak_exchange(&hak_root.attached, 1, relaxed) == 0) {
        os_process_attach();
    }
}

/* The heap is in place before the system is told about thread and process: registering may itself allocate. */
struct hak_heap *hak_thread_heap(void) {
    if (HAK_LIKELY(hak_thread.heap != &hak_heap_none)) {
        return hak_thread.heap;
    }
    struct hak_heap *heap = hak_heap_claim();
    if (heap == NULL) {
        return NULL;
    }
    hak_thread.heap = heap;
    hak_process_attach();
    (void)os_thread_attach(); /* on failure the heap stays with a dead thread: a leak, not a fault */
    return heap;
}

void hak_thread_exit(void) {
    struct hak_heap *heap = hak_thread.heap;
    if (heap != &hak_heap_none) {
        hak_thread = (struct hak_thread)HAK_THREAD_INITIAL;
        hak_heap_release(heap);
    }
}

void hak_fork_prepare(void) {
    hak_lock_acquire(&hak_root.heaps.lock);
    hak_lock_acquire(&hak_root.pool.lock);
    hak_lock_acquire(&hak_root.map.lock);
    hak_lock_acquire(&hak_root.meta.lock);
}

void hak_fork_parent(void) {
    hak_lock_release(&hak_root.meta.lock);
    hak_lock_release(&hak_root.map.lock);
    hak_lock_release(&hak_root.pool.lock);
    hak_lock_release(&hak_root.heaps.lock);
}

void hak_fork_child(void) {
    hak_lock_reset(&hak_root.meta.lock);
    hak_lock_reset(&hak_root.map.lock);
    hak_lock_reset(&hak_root.pool.lock);
    hak_lock_reset(&hak_root.heaps.lock);
}
