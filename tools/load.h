/* load: a program as something to measure. The oracle has no part in it: which call each record makes, on what and of
 * how many bytes, is worked out beforehand, and so is how much is live when. What remains is a list of steps that a
 * process goes through (load_worker.h).
 *
 * A program is short, so it is carried out on many *banks*, each a set of slots of its own. Steps of one thread that
 * follow each other and all give memory, all resize it or all take it back are a *phase*; a bank after the other goes
 * through a phase, then all go on to the next. So blocks that a program asks for together lie together, and what it
 * frees of them leaves holes, as in a program with many objects of a kind. What is live when the records are over is
 * freed at the end, by thread 0, in the order of slots.
 *
 * Left out, because mallocs need not agree on what they are or do not have them: requests of 0 bytes and what
 * contract.h calls open, requests that must fail or are beyond LOAD_REQUEST_BYTES_MAX, `trim` and the rest that is
 * about no slot, and the contents. Records run in the order of the program, whatever its genes say. Pure functions. */
#ifndef HAKMEM_TOOLS_LOAD_H
#define HAKMEM_TOOLS_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oracle/program.h"
#include "oracle/target.h"

enum {
    LOAD_STEPS_MAX = 4096, /* what a program has beyond them is left out */
    LOAD_REQUEST_BYTES_MAX = 1 << 26,
    LOAD_BANKS_MAX = 1 << 16,
};

enum load_call {
    LOAD_MALLOC,
    LOAD_CALLOC,
    LOAD_ALIGNED, /* what has no aligned_alloc or memalign is asked by posix_memalign */
    LOAD_REALLOC,
    LOAD_FREE,
    LOAD_FREE_SIZED,
    LOAD_USABLE,
    LOAD_THREAD_END,
};

struct load_step {
    uint8_t call; /* enum load_call */
    uint8_t thread;
    uint8_t slot;
    uint8_t align_shift; /* of LOAD_ALIGNED */
    uint32_t phase;      /* counted from 0 */
    uint64_t size_bytes;
    uint64_t old_bytes; /* in the slot before: what of it was written already */
};

struct load {
    uint32_t step_count;
    uint32_t record_steps; /* the rest frees what was left */
    uint32_t phase_count;
    uint32_t slots;      /* of a bank: those that are used, numbered anew */
    uint32_t calls;      /* of a bank */
    uint32_t threads;    /* that steps run on, as bits */
    uint64_t peak_bytes; /* most that is live at the end of a phase, of a bank */
    uint64_t left_bytes; /* live when the records are over, of a bank */
    struct load_step steps[LOAD_STEPS_MAX];
};

void load_make(struct load *load, const struct target_info *target, const struct program *program);

/* So many banks that about `live_bytes` are live at the peak; at least 1, at most `most`. */
uint32_t load_banks(const struct load *load, uint64_t live_bytes, uint32_t most);

#endif
