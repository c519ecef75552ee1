/* load_worker: the processes that carry loads out (load.h). One for each malloc is this tool again, with that malloc
 * preloaded, as a user would have it; it does nothing but fork. Each of its children carries out one load and ends, so
 * that every load finds the malloc as it is at the start of a process.
 *
 * Of each block a byte on every page is written, and the last one: memory is resident, and new pages cost what they
 * cost. Nothing else is done to it, and nothing is checked.
 *
 * Two kinds of run:
 *
 *   of memory  once through. After every phase it is asked how much anonymous memory is resident that was not before
 *              the first step: the malloc's blocks, tables and caches, and no code.
 *   of time    again and again, four times at least, until `wanted_ns` of processor time are used up, with what the
 * malloc has cached going on; then the same anew, which counts: the first passes fault pages in. What counts is the
 * time of threads inside steps: the writes and the page faults are in it, waiting for another thread's turn is not.
 *
 * Threads are real, but steps follow one another: never are two in the malloc at the same time. */
#ifndef HAKMEM_TOOLS_LOAD_WORKER_H
#define HAKMEM_TOOLS_LOAD_WORKER_H

#include "tools/load.h"

struct load_result {
    bool done; /* false: the process ended before the load did */
    uint64_t operations;
    uint64_t refused; /* requests that got nothing */
    /* of time */
    uint64_t cpu_ns;
    uint64_t faults;
    /* of memory, all beyond what was resident before the first step */
    uint64_t peak_bytes; /* the most at the end of a phase */
    uint64_t left_bytes; /* when the records are over */
    uint64_t kept_bytes; /* when all is freed */
};

/* Shared between the tool and the worker. */
struct load_order {
    uint32_t banks;
    bool is_timed;
    uint64_t wanted_ns;
    struct load_result result;
    struct load load;
};

/* The worker: a byte on descriptor `socket` says that there is an order in the memory behind `memory`, and is answered
 * with a byte when it is done; 'r' comes once, when the malloc is there. Until the other end is closed. Returns an exit
 * code; whose functions have no names with `prefix` says so on standard error. */
int load_work(int socket, int memory, const char *prefix);

#endif
