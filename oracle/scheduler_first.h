/* scheduler_first: which of a set of threads is first in order, or in priority.
 *
 * Asked before every record and wherever a thread may be switched. Who it is cannot be predicted, so there are no
 * branches: each thread has a key with its number in it, and the smallest or the largest is looked for. For scheduler.c
 * only. */
#ifndef HAKMEM_ORACLE_SCHEDULER_FIRST_H
#define HAKMEM_ORACLE_SCHEDULER_FIRST_H

#include "oracle/lane.h"

/* A rank with its thread below it; UINT32_MAX: out of the question. */
static inline uint32_t rank_key(uint32_t threads, uint8_t thread) {
    uint32_t is_out = (threads >> thread & 1) - 1;
    return ((uint32_t)scheduler.ranks[thread] << 8 | thread) | is_out;
}

static inline uint32_t smaller(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

_Static_assert(PROGRAM_THREADS_MAX == 4, "ranks of four threads are compared");
static inline uint32_t lowest_key(uint32_t threads) {
    return smaller(smaller(rank_key(threads, 0), rank_key(threads, 1)),
                   smaller(rank_key(threads, 2), rank_key(threads, 3)));
}

/* Of nobody SCHEDULER_NOBODY. */
static inline uint8_t lowest_rank(uint32_t threads) {
    return (uint8_t)lowest_key(threads);
}

/* Of all threads; RANK_NONE: there are no records left. */
static inline uint16_t rank_first(void) {
    return (uint16_t)(lowest_key((1U << PROGRAM_THREADS_MAX) - 1) >> 8);
}

/* Likewise; of threads with the same priority the first. 0: out of the question. */
static inline uint32_t priority_key(uint32_t threads, uint8_t thread) {
    uint32_t is_in = -(threads >> thread & 1);
    return (scheduler.priorities[thread] << 8 | (uint8_t)~thread) & is_in;
}

static inline uint32_t larger(uint32_t a, uint32_t b) {
    return a > b ? a : b;
}

/* Pre: there is one. */
static inline uint8_t highest_priority(uint32_t threads) {
    return (uint8_t)~larger(larger(priority_key(threads, 0), priority_key(threads, 1)),
                            larger(priority_key(threads, 2), priority_key(threads, 3)));
}

#endif
