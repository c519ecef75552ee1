/* process: start, fork. */
#include "allocator/process.h"

#include "allocator/fault.h"
#include "allocator/links.h"
#include "allocator/root.h"
#include "allocator/thread.h"

/* Fault start-sign-early: the sign stands before what it stands for is there, and nobody waits for that. */
static void sign_early(void) {
    hak_store(&hak_root.started, 1, relaxed);
    hak_lock_anew(&hak_root.heaps.lock);
}

/* Where the allocator is only tried, the oracle has set the options already, from the program. */
void hak_process_start(void) {
    if (HAK_LIKELY(hak_load(&hak_root.started, acquire) != 0)) {
        hak_tell_read(hak_root.link_key);
        hak_tell_read(hak_root.options.value);
        return;
    }
    hak_lock_acquire(&hak_root.heaps.lock);
    if (hak_load(&hak_root.started, relaxed) == 0) {
        if (HAK_FAULT(START_SIGN_EARLY)) {
            sign_early();
        }
        if (HAK_FAULT(START_CALLS_ITSELF)) {
            (void)hak_thread_heap(); /* what reads the options, say, allocates */
        }
        os_process_start();
        if (!HAK_TRIAL) {
            hak_options_start(&hak_root.options);
        }
        hak_tell_write(hak_root.options.value);
        hak_ace_configure(&hak_root.ace, &hak_root.options);
        hak_plain_store(hak_root.link_key, hak_link_key(os_random()));
        hak_store(&hak_root.started, 1, release); /* all that before the sign that it is there */
    }
    hak_lock_release(&hak_root.heaps.lock);
}

void hak_process_attach(void) {
    if (hak_load(&hak_root.attached, relaxed) == 0 && hak_exchange(&hak_root.attached, 1, relaxed) == 0) {
        os_process_attach();
    }
}

/* No heap is made while heaps.lock is held. */
#define EACH_HEAP(heap)                                                                                                \
    for (struct hak_heap *heap = hak_load(&hak_root.heaps.known, relaxed); heap != NULL; heap = heap->next_known)

void hak_fork_prepare(void) {
    hak_lock_acquire(&hak_root.heaps.lock);
    EACH_HEAP(heap) {
        hak_lock_acquire(&heap->lock);
    }
    hak_lock_acquire(&hak_root.pool.lock);
    hak_run_lock_all();
    hak_big_lock();
    hak_lock_acquire(&hak_root.map.lock);
    hak_lock_acquire(&hak_root.meta.lock);
}

void hak_fork_parent(void) {
    hak_lock_release(&hak_root.meta.lock);
    hak_lock_release(&hak_root.map.lock);
    hak_big_unlock();
    hak_run_unlock_all();
    hak_lock_release(&hak_root.pool.lock);
    EACH_HEAP(heap) {
        hak_lock_release(&heap->lock);
    }
    hak_lock_release(&hak_root.heaps.lock);
}

void hak_fork_child(void) {
    hak_lock_reset(&hak_root.meta.lock);
    hak_lock_reset(&hak_root.map.lock);
    hak_big_reset();
    hak_run_reset_all();
    if (!HAK_FAULT(FORK_KEEPS_LOCK)) {
        hak_lock_reset(&hak_root.pool.lock);
    }
    EACH_HEAP(heap) {
        hak_lock_reset(&heap->lock);
    }
    hak_lock_reset(&hak_root.heaps.lock);
    EACH_HEAP(heap) {
        if (heap != hak_thread.heap) {
            hak_heap_salvage(heap);
        }
    }
}
