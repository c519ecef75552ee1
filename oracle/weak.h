/* weak: what C11 lets a thread see of memory that others write, for virtual threads that run one at a time.
 *
 * An operational model. Stores happen in the order in which the threads run, and that is the modification order of each
 * location; the newest value stands in real memory, the few before it in the location's history. A load may be given
 * any store of the history that is not older, in that order, than one which the thread must know of: by its own
 * accesses, by what happened before, or by the seq_cst order. Who asks for the load says which (`age`), so one input
 * decides it. The same clocks tell plain accesses that race. docs/weak-memory.md has the theory, what the model cannot
 * show, and a table of litmus tests.
 *
 * Bounds: WEAK_PAST_MAX stores a location, WEAK_LOCATIONS_MAX locations. What does not fit is dropped, the oldest
 * first, so that fewer behaviours are left: never one that C11 forbids, never a race that is none. An access of another
 * size at an address, or across a known one, drops the history: what is in memory is then all there is to read; what
 * acquire loads learn from it stays. So does a value in memory that the model has not put there, and a plain store.
 *
 * All calls on one OS thread. No allocation; the same calls give the same answers in every run. */
#ifndef HAKMEM_ORACLE_WEAK_H
#define HAKMEM_ORACLE_WEAK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    WEAK_THREADS_MAX = 4,
    WEAK_PAST_MAX = 8, /* a power of two */
    WEAK_SETS_MAX = 1024,
    WEAK_WAYS_MAX = 8, /* locations whose address has the same hash */
    WEAK_LOCATIONS_MAX = WEAK_SETS_MAX * WEAK_WAYS_MAX,
};

/* Values of memory_order in C. Consume is treated as acquire, as compilers do. */
enum weak_order { WEAK_RELAXED, WEAK_CONSUME, WEAK_ACQUIRE, WEAK_RELEASE, WEAK_ACQ_REL, WEAK_SEQ_CST };

/* A new run; comes before all else. Everything is forgotten; what memory holds when it is first accessed is known to
 * all threads. Constant time, but for one run in 65,535. Who is told of races stays. */
void weak_begin(void);

/* What the parent did happens before all that the child does; so does what an earlier thread of that id did. */
void weak_thread_born(uint8_t parent, uint8_t child);
/* What the thread did is there for weak_join, also when the id has been given to another since. */
void weak_thread_ended(uint8_t thread);
/* What the thread that ended did happens before what the waiter does next. */
void weak_join(uint8_t waiter, uint8_t ended);

/* Atomic accesses are of 1, 2, 4 or 8 bytes, aligned to their size. Values are zero-extended. `site` is only handed on
 * to who is told of races.
 *
 * Load: `age` 0 is the newest store, n the n-th older that C11 allows, clamped. *choices: how many are allowed, at
 * least 1. A failed compare-exchange is a load of age 0 with the failure order. */
uint64_t weak_load(uint8_t thread, const volatile void *address, unsigned size_bytes, enum weak_order order,
                   uint32_t age, uint32_t *choices, uint32_t site);
/* Writes the value to real memory too, which must not have it yet. */
void weak_store(uint8_t thread, volatile void *address, unsigned size_bytes, uint64_t value, enum weak_order order,
                uint32_t site);
/* A read-modify-write that read `before`, which is always the newest, and wrote `after`; writes it to real memory too.
 */
void weak_rmw(uint8_t thread, volatile void *address, unsigned size_bytes, uint64_t before, uint64_t after,
              enum weak_order order, uint32_t site);
void weak_fence(uint8_t thread, enum weak_order order);

/* A plain access of any size, which the caller makes itself. Plain loads read memory: where they could see anything
 * else, they race. */
void weak_plain(uint8_t thread, const volatile void *address, unsigned size_bytes, bool is_write, uint32_t site);

/* Two accesses to the address conflict, at least one is plain, and neither happens before the other. May not return; if
 * it does, the run goes on. NULL: nobody is told. */
typedef void weak_raced(const volatile void *address, uint8_t first_thread, uint32_t first_site, uint8_t second_thread,
                        uint32_t second_site, bool first_wrote, bool second_wrote);
void weak_on_race(weak_raced *raced);

/* The memory was given back to the system or has a new use: what is known of any byte of it is dropped. Up to 512 bytes
 * this costs a look at each word, beyond a walk over the table. */
void weak_forget(const volatile void *address, size_t size_bytes);

/* Locations that were dropped in this run for want of room: from then on acquire loads of new ones learn more than they
 * should, so races may be missed. */
uint32_t weak_evicted(void);

#endif
