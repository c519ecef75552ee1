/* thread: the one thread root.
 *
 * Everything that is private to a thread hangs off hak_thread, so a scheduler can run many virtual threads on one OS
 * thread by swapping this one object (in the simulated world it is a plain object). Its heap is never NULL: a thread
 * that has none yet, or none any more, has hak_heap_none, whose caches are empty, so the fast paths need no test. */
#ifndef HAKMEM_ALLOCATOR_THREAD_H
#define HAKMEM_ALLOCATOR_THREAD_H

#include "allocator/config.h"
#include "allocator/heap.h"

struct hak_thread {
    struct hak_heap *heap;
};

#if HAK_SIM
extern struct hak_thread hak_thread;
#else
extern _Thread_local struct hak_thread hak_thread __attribute__((tls_model("initial-exec")));
#endif

/* What a new thread starts with. hak_heap_none is const in fact: nothing is ever stored through this pointer. */
#define HAK_THREAD_INITIAL                                                                                             \
    { (struct hak_heap *)(uintptr_t)&hak_heap_none }

static inline bool hak_thread_has_heap(void) {
    return HAK_LIKELY(hak_thread.heap != &hak_heap_none);
}

/* The thread's heap, claimed if it has none. NULL when the system refuses. Every slow path begins here, so that nothing
 * happens before the process was started (process.h). */
struct hak_heap *hak_thread_heap(void);

/* The thread ends. It may still free, and even allocate: then it claims a heap anew. */
void hak_thread_exit(void);

#endif
