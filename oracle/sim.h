/* sim: the system layer of the simulated world (the other implementation of allocator/os.h), and its knobs.
 *
 * Memory is one arena at a fixed address, HAK_ADDRESS_BASE, of 2^HAK_ADDRESS_BITS bytes. It hands out extents first
 * fit, so addresses are reused at once, and remembers which pages may hold something: a reset clears those and nothing
 * else. Everything a program can observe follows from the knobs and the sequence of requests. One OS thread. */
#ifndef HAKMEM_ORACLE_SIM_H
#define HAKMEM_ORACLE_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "allocator/os.h"
#include "oracle/program.h"

struct sim_knobs {
    enum program_placement placement;
    uint32_t fail_every; /* every n-th request fails, 0 never */
};

/* Map the arena. 0, or -1 with a one-line reason. */
int sim_open(char *why, size_t why_bytes);
void sim_close(void);

/* Make everything as after sim_open; all memory reads as zero. `deep` also clears pages that no request explains: after
 * a finding nothing is believed. */
void sim_reset(bool deep);
/* For what follows, until the next reset. */
void sim_set_knobs(const struct sim_knobs *knobs);

/* The next `count` requests fail. */
void sim_fail_next(uint32_t count);
/* No request fails any more, whatever was said before: for the checks at the end of a program. */
void sim_fail_stop(void);
void sim_advance_clock(uint64_t ms);
uint64_t sim_clock_ms(void);

/* Requests that were refused so far, by injection or because the arena is full. */
uint64_t sim_refused(void);
/* Whether a purge was among them less than within_ms ago. */
bool sim_refused_purge(uint64_t within_ms);
/* Bytes reserved now. */
size_t sim_reserved_bytes(void);
/* Whether all of [address, address + size_bytes) is committed memory of the arena. */
bool sim_is_committed(const void *address, size_t size_bytes);
/* The oracle is about to write there: big blocks are not announced by the allocator. */
void sim_touch(const void *address, size_t size_bytes);

/* Hash of every resident page of the arena; equal to that of an arena that was never written when all is zero. */
uint64_t sim_memory_hash(void);
/* Hash of all that later requests and accesses can meet: what the arena holds, and what this file keeps. Of a page that
 * was announced and reads as zero no more than of one that was not. */
uint64_t sim_state_hash(void);
/* Pages cleared by resets so far. */
uint64_t sim_cleared_pages(void);

/* Median time of a reset with `pages` dirty pages, in nanoseconds, for `hakfuzz bench fuzz`. Leaves the world reset. */
uint64_t sim_bench_reset_ns(unsigned pages);

static inline bool sim_in_arena(uint64_t word) {
    return word - HAK_ADDRESS_BASE < (UINT64_C(1) << HAK_ADDRESS_BITS);
}

static inline uint64_t sim_offset(const void *address) {
    return address == NULL ? 0 : (uint64_t)((uintptr_t)address - HAK_ADDRESS_BASE);
}

#endif
