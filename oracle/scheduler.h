/* scheduler: which virtual thread runs, where operations may overlap.
 *
 * Each thread has its own queue of records, in the order of the program. Between operations, and at every access of
 * shared memory inside one (a yield), the scheduler may let another thread go on. How it decides is the program's mode:
 *
 *   genes   only where a gene holds the running thread back, or it must wait; else the order of schedule.c is kept
 *   random  a walk: switches after a random number of yields, to any thread
 *   pct     the thread with the highest priority runs; the seed shuffles the priorities, genes lower them
 *
 * Random numbers begin anew with every record, from the seed of the header and the bytes of the record, so that a
 * change of one record leaves the decisions inside the others. No thread begins a record far ahead of the first one
 * that is not finished, so that a free still finds its block.
 *
 * A thread that waits for a lock is woken by who releases it. All waiting is a finding, `deadlock`; so is an operation
 * that does not come to its end though every other thread had its turn again and again, `livelock`: yields are counted,
 * not time. One OS thread. */
#ifndef HAKMEM_ORACLE_SCHEDULER_H
#define HAKMEM_ORACLE_SCHEDULER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "allocator/shim.h"
#include "oracle/program.h"

enum { SCHEDULER_NOBODY = 0xff };

/* What every access of the running thread touches. */
struct scheduler_lane {
    uint32_t yields;             /* of the record */
    uint32_t decide_at;          /* the next one at which something is decided */
    const struct hak_site *site; /* the last one */
    bool is_watched;             /* something is to be decided inside the record, or may be */
};
extern struct scheduler_lane *scheduler_hot;

/* hak_shim.level. */
enum { LEVEL_NONE, LEVEL_SWITCHES, LEVEL_WEAK };
/* The level that the program asks for. */
uint32_t scheduler_level(const struct program *program, uint8_t threads);

/* A new run at level 1 or 2: run.order and run.threads_of are set. Returns the thread that is first. */
uint8_t scheduler_begin(const struct program *program, uint8_t threads);

/* The next record of the running thread, which begins now. */
uint32_t scheduler_take(void);
/* That record is finished. */
void scheduler_finish(void);
/* Which thread goes on; SCHEDULER_NOBODY when all records have run. */
uint8_t scheduler_next(void);

/* What genes say of an access itself. */
struct scheduler_twist {
    uint8_t stale; /* this many values older, if that can be */
    bool fails;    /* a weak compare-exchange */
};
/* The running thread is about to make an access; returns when it is its turn. */
struct scheduler_twist scheduler_decide(const struct hak_site *site);
static inline struct scheduler_twist scheduler_point(const struct hak_site *site) {
    struct scheduler_lane *lane = scheduler_hot;
    lane->site = site;
    return HAK_LIKELY(++lane->yields < lane->decide_at) ? (struct scheduler_twist){0} : scheduler_decide(site);
}

/* How old a value the load that comes now is to show, where the mode decides it. */
uint32_t scheduler_age(void);

/* The running thread holds, or no longer holds, the lock at `word`. */
void scheduler_lock(const volatile void *word, bool is_held);
/* Nobody but the running thread exists any more. Those that were inside a record will not come to its end: it counts as
 * finished. Returns how many. */
uint32_t scheduler_forget_others(void);
/* os_wait and os_wake. */
void scheduler_wait(_Atomic uint32_t *word, uint32_t expected);
void scheduler_wake(_Atomic uint32_t *word);

/* "pool.lock" for a word that is a lock's. */
const char *scheduler_lock_name(const volatile void *word, char *buffer, size_t capacity);

#endif
