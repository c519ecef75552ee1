/* run: the state of one execution, shared by the files world*.c and by nobody else.
 *
 * A run is a list of steps. A step is a record of the program, on the virtual thread it names, or one of the final
 * steps every run ends with. Threads are fibers. At level 0 a step runs to its end, then the next step's thread goes
 * on. At level 1 the scheduler (scheduler.h) may switch threads at each access of shared memory inside the allocator;
 * the oracle itself is never interrupted. hak_thread, the allocator's thread root, is swapped with the fiber, and so is
 * what belongs to one operation: run.now.
 *
 * Operations that overlap: the slots that one is about are claimed as long as it is in the allocator, and another on a
 * claimed slot does nothing. A block leaves the shadow map when free or realloc is called and enters it when malloc or
 * realloc returns. */
#ifndef HAKMEM_ORACLE_RUN_H
#define HAKMEM_ORACLE_RUN_H

#include <stdarg.h>

#include "allocator/check.h"
#include "allocator/thread.h"
#include "oracle/fiber.h"
#include "oracle/scheduler.h"
#include "oracle/shadow.h"
#include "oracle/world.h"

/* After the records: the heap is proven (on thread 0), the other threads end, then everything is verified, freed and
 * trimmed (on thread 0). */
enum final_step { FINAL_CHECK, FINAL_END_1, FINAL_END_2, FINAL_END_3, FINAL_FREE, FINAL_COUNT };

enum event_kind { EVENT_ALLOCATED, EVENT_FREED, EVENT_GREW };
struct event {
    uintptr_t start;
    size_t bytes;
    uint32_t record;
    uint8_t thread;
    uint8_t slot;
    uint8_t kind;
};

/* What one operation is about, or the last one of its thread. */
struct operation {
    uint32_t index; /* of its record; record_count in final steps */
    struct record record;
    uint8_t slot; /* the operation is on: malloc_many goes from slot to slot */
    bool applied;
    bool inside;            /* the allocator: it was called and has not returned */
    bool overlapped;        /* others were inside at the same time */
    uint8_t subject_thread; /* that allocated it */
    bool subject_known;
    uintptr_t subject; /* block the operation is about, 0 none */
    size_t subject_bytes;
};

struct virtual_thread {
    struct fiber fiber;
    struct operation operation;
    struct hak_thread root; /* while it is not running */
    bool prepared;          /* its fiber was begun in this run */
    bool alive;
};

enum { EVENTS_KEPT = 4096, SWITCHES_KEPT = 16, STEPS_MAX = PROGRAM_RECORDS_MAX + FINAL_COUNT };

struct thread_switch {
    uint32_t step;
    uint8_t from;
    uint8_t to;
    const struct hak_site *site; /* the access that has to wait; NULL between operations */
    uint32_t index;              /* of the record that `from` is in, with a site; ... */
    uint32_t yield;              /* ... and which of its yields */
    uint32_t age;                /* not 0: no switch, but a load that shows a value so many stores old */
};

struct run {
    const struct target_info *target;
    const struct component *component; /* NULL: the whole allocator */
    const struct program *program;
    struct verdict *verdict;
    struct shadow shadow;
    struct virtual_thread threads[PROGRAM_THREADS_MAX];
    struct fiber main;
    uint32_t alive;           /* threads */
    uint32_t alive_most;      /* at once, so far */
    world_observer *observer; /* NULL: nobody watches */
    bool is_beside;           /* what the allocator answers is held beside libc and a model: beside.h */
    bool active;
    bool raising; /* a finding is being made: a crash now is not another */
    bool failed;
    bool begun;                              /* the component */
    bool abandoned;                          /* left before its end, with nothing to say */
    uint64_t untouched_hash;                 /* what an untouched world hashes to */
    uint8_t thread;                          /* running */
    uint8_t threads_of[PROGRAM_RECORDS_MAX]; /* thread of each record */
    uint16_t order[PROGRAM_RECORDS_MAX];
    uint32_t step; /* next */
    uint32_t step_count;
    struct operation *now; /* of the thread that runs */
    uint32_t inside;       /* operations that are in the allocator */
    uint32_t lost;         /* operations that a fork cut off */
    uint64_t claimed;      /* bit i: an operation in the allocator is about slot i */
    uint32_t level;        /* of the shim, while the allocator runs */
    uint32_t writes;
    uint64_t trace;
    uint32_t operations;
    uint32_t event_count; /* events[n % EVENTS_KEPT] */
    uint32_t switch_count;
    struct thread_switch switches[SWITCHES_KEPT];
    struct event events[EVENTS_KEPT];
};
extern struct run run;

/* Mix a value into the trace hash. */
static inline void run_trace(uint64_t value) {
    run.trace = (run.trace ^ value) * UINT64_C(0x9fb21c651e98df25);
    run.trace ^= run.trace >> 29;
}

/* Nothing is known yet of the block that the operation is about. */
static inline void run_forget_subject(void) {
    run.now->subject = 0;
    run.now->subject_bytes = 0;
    run.now->subject_known = false;
}

/* world_ops.c: carry out the record in run.now->record on the running thread. */
void run_record(void);
/* world_process.c: carry out the records fork and option. */
void run_fork(void);
void run_option(void);
/* world_final.c: the proof of the whole heap, for CHECK records and the end; and the last step. */
void run_prove_heap(void);
void run_final_free(void);
/* world_reports.c: have the allocator write its n-th report, modulo how many there are, and compare it with itself. */
void run_report(uint32_t n);
/* world_thrift.c: what memory is taken and kept, against what the policies promise. begin when the options of a run are
 * set, options when one was changed; before and check around a call that allocated; prove with the whole heap. */
struct thrift {
    uint64_t created; /* SuperSlabs, ever */
    uint64_t released;
    uint64_t taken;   /* free slabs, ever */
    bool has_free[2]; /* slabs of the tiny and of the pool tier: a SuperSlab with a free one is listed */
    bool has_cached;  /* SuperSlabs, in the lazy cache */
};
void run_thrift_begin(void);
void run_thrift_options(void);
struct thrift run_thrift_before(void);
void run_thrift_check(const struct thrift *before, const void *address);
uint64_t run_thrift_state(void); /* what it remembers, as a number */
void run_thrift_prove(const struct hak_heap_counts *counts);
/* world_blocks.c: checks of a block that was just returned: its address, which must be clear of every live block; that
 * nothing of the allocator shows in [from, size); that it is zero; that AddressSanitizer lets its user in. */
void block_check_address(const void *address, size_t size_bytes, size_t align_bytes);
void block_check_no_leak(const unsigned char *block, size_t from, size_t size_bytes);
void block_check_zero(const unsigned char *block, size_t size_bytes);
void block_check_open(const void *block, size_t bytes);
/* world_ops.c: verify the content of a live slot; `where` says when, in the message. */
void run_verify_slot(uint8_t slot, const char *where);
/* world_ops.c: free a live slot. */
void run_free_slot(uint8_t slot, enum program_op op);
/* world.c: the running thread ends. */
void run_thread_end(void);
/* world.c: the running thread stops where it is, and another goes on; returns when it is its turn again. With the site
 * of an access it is inside the allocator. */
void run_switch_to(uint8_t next, const struct hak_site *site, uint32_t yield);

/* world.c: the thread's fiber is left where it is, and begins anew when its turn comes. */
void run_fiber_forget(uint8_t thread);

/* world.c: leave the run where it is; nothing was found. On the fiber of the running thread. */
_Noreturn void run_abandon(void);

/* Around every call of the allocator by an operation: between the two, other threads may run. Who is alone in the
 * allocator, in a record where nothing is to be decided, need not be looked at, unless memory is weak. */
enum { NO_SLOT = 64 };
static inline void run_enter(uint8_t slot) {
    if (HAK_LIKELY(run.level == 0)) {
        return;
    }
    run.now->inside = true;
    run.now->overlapped = run.inside++ != 0;
    run.claimed |= slot == NO_SLOT ? 0 : UINT64_C(1) << slot;
    bool is_told = run.inside > 1 || scheduler_hot->is_watched || run.level == LEVEL_WEAK;
    hak_shim.level = is_told ? run.level : LEVEL_NONE;
}
static inline void run_leave(uint8_t slot) {
    if (HAK_LIKELY(run.level == 0)) {
        return;
    }
    hak_shim.level = 0;
    run.claimed &= slot == NO_SLOT ? UINT64_MAX : ~(UINT64_C(1) << slot);
    run.inside--;
    run.now->inside = false;
}
static inline bool run_is_claimed(uint8_t slot) {
    return (run.claimed >> slot & 1) != 0;
}

/* world_report.c: the signature of a finding, and what a person reads. */
void run_write_signature(enum check check, char *signature, size_t capacity);
void run_print_report(FILE *out);
/* "t1 preempted in free s3 (record 5) at remote.c:18 weak cas (yield 7), t0 goes on", of a switch with a site. */
void run_describe_switch(const struct thread_switch *one, char *text, size_t capacity);
/* world_observe.c: tell who watches. Pre: there is somebody, which callers ask, so that it costs them no call. */
void run_observe_end(void);
HAK_NOINLINE void run_observe_switch(const struct thread_switch *one);
void run_observe_access(enum world_event_kind kind, const volatile void *address, const struct hak_site *site);
void run_observe_finding(void);
/* "tiny 96 B, slab 3/4 used, heap 2" for an address. */
void run_describe_place(const void *address, char *text, size_t capacity);

/* world_weak.c: where memory is weak, what the allocator's users do with a block: the slot's new block is written to
 * and left where all threads find it; one that was found there is written to. */
void run_user_gets(uint8_t slot);
void run_user_has(uint8_t slot);
/* The same of a slot whose content is no block: what was done before the one is known after the other. */
void run_slot_write(uint8_t slot);
void run_slot_read(uint8_t slot);
/* A run at level 2 begins; the running thread is born, ends, is all that is left. */
void run_weak_begin(void);
void run_weak_born(void);
void run_weak_ended(void);
void run_weak_forked(void);
/* The load that comes now shows a value that is `age` stores old. */
void run_note_stale(const struct hak_site *site, uint32_t age);

#endif
