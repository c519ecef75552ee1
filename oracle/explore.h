/* explore: every schedule of a small program, up to a number of preemptions.
 *
 * A schedule is what the scheduler does at each place where threads may be switched: at every access of shared memory
 * inside an operation, and between operations. A *preemption* is a switch inside an operation, away from a thread that
 * could go on. Between operations, and where a thread waits or has ended, any thread may go on; that costs nothing. The
 * search runs the program again and again, with other switches each time: first all schedules without a preemption,
 * then those with one, and so on, so what it finds has as few as can be.
 *
 * The reduction. Everything that can matter from a place on is hashed (explore_state.c): memory, the allocator's root,
 * the system layer, the shadow, and of each thread where it stands, its registers and its stack. What happens from a
 * state on when thread t makes the next step is a function of the two, since there is no other input: nobody reads
 * clocks, and steps end where the next access of shared memory begins. So a step of t from a state that was seen
 * with t before leads nowhere new, and a run that is about to make it is left. It was seen with as many preemptions or
 * fewer, as those with fewer come first, so that none of what may follow is lost to the bound. Two states may have one
 * hash of 64 bits: among a million that is one chance in thirty million. Left out of the hash is only what is told to
 * people: the ring of events, traces, counters of yields. Equal states may look unequal, since dead words of a stack
 * count too; that costs time, nothing else.
 *
 * When no step that was left out because of the bound is new, every state has been seen, and no larger bound has more
 * to show: the search is *complete*. A thread that comes back to a state it was in, alone, goes round in a circle:
 * others may go on then at no cost, and where nobody can, it goes on until the scheduler says livelock. A circle that
 * takes several threads is taken for states that were seen.
 *
 * One search at a time, one OS thread, between world_open and world_close. */
#ifndef HAKMEM_ORACLE_EXPLORE_H
#define HAKMEM_ORACLE_EXPLORE_H

#include "oracle/world.h"

struct explore_counts {
    uint64_t schedules;   /* that came to their end */
    uint64_t pruned;      /* that were left where another had been, and those not even begun for it */
    uint64_t states;      /* at places where threads may be switched */
    uint64_t ends;        /* states when all records had run */
    uint64_t states_hash; /* of the set of them, and of ... */
    uint64_t ends_hash;   /* ... those at the end */
    uint32_t preemptions; /* the bound that is being searched, or was when the search ended */
    bool complete;        /* no schedule with more preemptions has anything new */
    bool stopped;         /* by `goes_on` */
};

struct explore_limits {
    uint32_t preemptions;
    bool unreduced; /* run every schedule, wherever it leads */
    /* Asked before each run; NULL: always. */
    bool (*goes_on)(void *context, const struct explore_counts *counts);
    void *context;
};

struct explore_result {
    struct explore_counts counts;
    struct verdict verdict; /* of the finding */
    uint8_t *bytes;         /* with a finding: the program with genes that lead there, or NULL; the caller frees it */
    size_t size_bytes;
    bool replays; /* run by itself that gives the same signature */
};

/* Search. What the program says of genes and mode is left out. Stops at the first finding, which is reported to
 * `report` unless that is NULL, and returns its check; else CHECK_NONE. */
enum check explore(const struct target_info *target, const struct program *program, const struct explore_limits *limits,
                   FILE *report, struct explore_result *result);

/* --- for the scheduler --- */

bool explore_is_on(void);
/* Thread `next` would go on, of those that can: who does. is_free: it is no preemption when another one does. May leave
 * the run. */
uint8_t explore_choose(uint8_t next, uint32_t threads, bool is_free);
/* All records have run. May leave the run. */
void explore_end(void);

/* explore_state.c: everything that matters from here on, as a hash. */
uint64_t explore_state(void);
/* Clear what the scheduler left on the stack below the caller: the next function there would show it in dead words. */
void explore_scrub(void);

#endif
