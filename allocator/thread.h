/* thread: the one thread root.
 *
 * Everything that is private to a thread hangs off hak_thread, so a scheduler can run many virtual threads on one OS
 * thread by swapping this one object (in the simulated world it is a plain object). Its heap is never NULL: a thread
 * that has none yet, or none any more, has hak_heap_none, whose caches are empty, so the fast paths need no test.
 *
 * The system tells the end of a thread once more when the thread took a heap after it, but only so many times (four
 * rounds of destructors), and not which time is the last. So a thread that was told to have ended keeps no heap: it
 * claims one for each allocation and releases it before it returns. What stays behind is the heap of a thread that
 * allocates for the first time of all in the last round (or frees that much there, and never did before), or whose end
 * the system would not promise to tell: its record, what slabs it has, and what it had gathered, for good. */
#ifndef HAKMEM_ALLOCATOR_THREAD_H
#define HAKMEM_ALLOCATOR_THREAD_H

#include <stdbool.h>

#include "allocator/config.h"
#include "allocator/heap.h"

struct hak_thread {
    struct hak_heap *heap;
    uint32_t frees; /* of other threads' blocks, while it had no heap and since it last asked for one */
    bool ended;     /* hak_thread_exit was called */
};

/* A thread that only frees does well with a heap too, to gather what it frees, once it frees that many. */
enum { HAK_THREAD_FREES_MAX = HAK_TRIAL ? 2 : 16 };

#if HAK_SIM
extern struct hak_thread hak_thread;
#else
extern _Thread_local struct hak_thread hak_thread __attribute__((tls_model("initial-exec")));
#endif

/* What a new thread starts with. hak_heap_none is const in fact: nothing is ever stored through this pointer. */
#define HAK_THREAD_INITIAL                                                                                             \
    { .heap = (struct hak_heap *)(uintptr_t)&hak_heap_none }

static inline bool hak_thread_has_heap(void) {
    return HAK_LIKELY(hak_thread.heap != &hak_heap_none);
}

/* The thread's heap, claimed if it has none. NULL when the system refuses. Every slow path begins here, so that nothing
 * happens before the process was started (process.h), and ends with hak_thread_done. */
struct hak_heap *hak_thread_heap(void);

/* The thread ends. It may still free, and even allocate. */
void hak_thread_exit(void);

/* Whoever called hak_thread_heap needs the heap no more. */
static inline void hak_thread_done(void) {
    if (HAK_UNLIKELY(hak_thread.ended)) {
        hak_thread_exit();
    }
}

#endif
