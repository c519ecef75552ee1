/* workload: what the programs of bench/ share. A program is a known load on the malloc of its process, whichever that
 * is: it is linked with none, so LD_PRELOAD decides.
 *
 * Every program reads its numbers from the command line, does a fixed number of operations decided by a seed alone, and
 * ends with one line of NAME=VALUE for machines. What it puts into a block is tallied when it is written and when it is
 * read again before the free; at the end both must be equal, so a malloc that hands out memory twice or loses content
 * is noticed, and costs an addition only.
 *
 * Exit codes: 0 done, 1 the malloc misbehaved (content differs, no memory), 2 arguments that make no sense or a system
 * without threads. Functions marked so end the process themselves. */
#ifndef BENCH_WORKLOAD_H
#define BENCH_WORKLOAD_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { WORKLOAD_EXIT_BAD = 1, WORKLOAD_EXIT_USAGE = 2, WORKLOAD_THREADS_MAX = 256 };

/* An argument: all are numbers, in this order, and the later ones may be left out. */
struct workload_number {
    const char *name;
    const char *meaning;
    uint64_t value; /* the default, then what was given */
    uint64_t minimum;
    uint64_t maximum;
};

/* What one thread did. Sums over all threads are compared, since a block may be freed by another one. */
struct tally {
    uint64_t written;
    uint64_t read;
    uint64_t operations; /* calls of malloc, free and their kin */
};

/* A part of a program, done by each thread; `thread` counts from 0. */
typedef void workload_part(unsigned thread, struct tally *tally);

/* Reads the command line into numbers[].value. Ends the process for --help (0) and for nonsense (2). */
void workload_arguments(const char *name, const char *about, struct workload_number *numbers, unsigned count,
                        int argument_count, char **arguments);

/* The same message for all numbers that do not fit each other. Ends the process (2). */
_Noreturn void workload_refuse(const char *why);

/* The malloc misbehaved. Ends the process (1). */
_Noreturn void workload_bad(const char *what);

/* Runs `part` on so many threads at once, which start together, and waits for them; returns the seconds between. One
 * thread is the process's first: nothing is started for it. Adds their tallies to the program's. */
double workload_run(unsigned threads, workload_part *part);

/* Runs `function` on a thread of its own and waits for its end. */
void workload_thread(void *(*function)(void *argument), void *argument);

/* The last line, for what workload_run measured: `extra` is appended to it. Returns the exit code of main. */
int workload_report(double seconds, uint64_t operations, const char *extra);

/* Operations tallied so far. Not while workload_run runs. */
uint64_t workload_operations(void);

double workload_now_s(void);

/* ---- numbers that look random ------------------------------------------------------------------------------------ */

static inline uint64_t random_start(uint64_t seed, uint64_t thread) {
    return (seed + thread) * UINT64_C(0x9e3779b97f4a7c15) | 1;
}

static inline uint64_t random_next(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Both ends included. Takes the upper bits, so that the lower ones may choose something else. */
static inline size_t random_size(uint64_t number, size_t minimum, size_t maximum) {
    return minimum + (size_t)((number >> 32) % (maximum - minimum + 1));
}

/* ---- blocks ------------------------------------------------------------------------------------------------------ */

/* The first eight bytes of a block tell its size (40 bits) and a tag (24 bits), whose upper byte is the last byte too.
 */
enum { BLOCK_MIN_BYTES = 8, BLOCK_TAG_SHIFT = 40, BLOCK_LAST_SHIFT = 56 };

static inline void block_write(void *block, size_t size_bytes, uint64_t tag, struct tally *tally) {
    uint64_t word = size_bytes | tag << BLOCK_TAG_SHIFT;
    if (block == NULL) {
        workload_bad("there was no memory");
    }
    memcpy(block, &word, sizeof word);
    ((unsigned char *)block)[size_bytes - 1] = (unsigned char)(word >> BLOCK_LAST_SHIFT);
    tally->written += word;
}

static inline uint64_t block_word(const void *block) {
    uint64_t word;
    memcpy(&word, block, sizeof word);
    return word;
}

/* As the block itself says, which nobody has checked. */
static inline size_t block_size(const void *block) {
    return (size_t)(block_word(block) & ((UINT64_C(1) << BLOCK_TAG_SHIFT) - 1));
}

static inline void block_read(const void *block, struct tally *tally) {
    uint64_t word = block_word(block);
    size_t size_bytes = block_size(block);
    if (size_bytes < BLOCK_MIN_BYTES || ((const unsigned char *)block)[size_bytes - 1] != word >> BLOCK_LAST_SHIFT) {
        workload_bad("a live block has other content than was written");
    }
    tally->read += word;
}

static inline void *block_new(size_t size_bytes, uint64_t tag, struct tally *tally) {
    void *block = malloc(size_bytes);
    block_write(block, size_bytes, tag, tally);
    tally->operations++;
    return block;
}

/* NULL is fine, and no operation. */
static inline void block_free(void *block, struct tally *tally) {
    if (block != NULL) {
        block_read(block, tally);
        free(block);
        tally->operations++;
    }
}

/* What was in the block is looked at where it is afterwards. The bytes beyond it are the caller's to write. */
static inline void *block_resize(void *block, size_t size_bytes, uint64_t tag, struct tally *tally) {
    void *resized = realloc(block, size_bytes);
    if (resized == NULL) {
        workload_bad("there was no memory");
    }
    block_read(resized, tally);
    block_write(resized, size_bytes, tag, tally);
    tally->operations++;
    return resized;
}

/* A table of the program's own, empty. */
static inline void *table_new(size_t count, size_t entry_bytes) {
    void *table = calloc(count, entry_bytes);
    if (table == NULL) {
        workload_bad("there was no memory for a table");
    }
    return table;
}

#endif
