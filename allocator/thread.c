/* thread: first allocation and end of a thread. */
#include "allocator/thread.h"

#include "allocator/process.h"
#include "allocator/root.h"

/* The heap is in place before the system is told about thread and process: registering may itself allocate. */
struct hak_heap *hak_thread_heap(void) {
    if (hak_thread_has_heap()) {
        return hak_thread.heap;
    }
    hak_process_start();
    struct hak_heap *heap = hak_heap_claim();
    if (heap == NULL) {
        return NULL;
    }
    hak_thread.heap = heap;
    hak_process_attach();
    if (!hak_thread.ended) {
        (void)os_thread_attach(); /* on failure the heap stays with a dead thread: a leak, not a fault */
    }
    return heap;
}

void hak_thread_exit(void) {
    struct hak_heap *heap = hak_thread.heap;
    bool has_heap = hak_thread_has_heap();
    hak_thread = (struct hak_thread)HAK_THREAD_INITIAL;
    hak_thread.ended = true;
    if (has_heap) {
        hak_heap_release(heap);
    }
}
