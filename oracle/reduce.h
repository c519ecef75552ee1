/* reduce: a smaller program that fails in the same way.
 *
 * Theory. What counts as "the same way" is the caller's: a test that runs a candidate and says yes or no (hakfuzz min
 * compares signatures). A reduction never leaves the set of programs that pass the test; each step that is taken makes
 * the program smaller in an order that has no endless descent: fewer genes and records first, then smaller numbers in
 * them. Steps are tried in this order, again and again until none is left:
 *
 *   schedule  modes random and pct become genes (transcript.h), then as few of them as can be. Where that loses the
 *             failure, records go first, and it is tried again; in the worst case the mode stays
 *   records   delta debugging: pieces of half the program, of a quarter, ... of one record
 *   genes     likewise
 *   header    each knob to its default; time that passes with every record becomes one record
 *   threads   all records of one to another with a lower number, then record by record
 *   slots     to the lowest numbers
 *   fields    of each record: a plainer operation, smaller size, count, alignment
 *
 * So at the end the program is 1-minimal: without any one record, or any one gene, it passes the test no more. (Other
 * programs may be smaller still: two records that only go together stay.) When it is stopped early, the best program so
 * far is the result.
 *
 * Pure but for the test; memory of the process; any thread. */
#ifndef HAKMEM_ORACLE_REDUCE_H
#define HAKMEM_ORACLE_REDUCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oracle/program.h"
#include "oracle/target.h"

struct reduce_counts {
    uint64_t tests;
    uint32_t records;
    uint32_t genes;
    uint32_t threads; /* that records run on */
};

/* What the caller does for a reduction; each gets `context`. */
struct reduce_means {
    void *context;
    /* Run: does it fail in the same way? The candidate may be a long program (transcript.h). */
    bool (*fails)(void *context, const struct program *candidate);
    /* Run, and note the schedule: at most `capacity` genes; returns how many there were. */
    uint32_t (*note)(void *context, const struct program *candidate, struct gene *genes, uint32_t capacity);
    /* Asked before each test; false stops. `best` is what would be the result now; NULL when it is as it was the last
     * time. */
    bool (*goes_on)(void *context, const struct reduce_counts *counts, const struct program *best);
};

struct reduce_result {
    uint8_t *bytes; /* the caller frees them; NULL: out of memory */
    size_t size_bytes;
    struct reduce_counts before;
    struct reduce_counts after;
    bool is_minimal;  /* not stopped: no record and no gene can go */
    bool has_no_mode; /* the schedule is in the genes: nothing is drawn */
};

/* `program` itself passes the test. */
void reduce(const struct target_info *target, const struct program *program, const struct reduce_means *means,
            struct reduce_result *result);

/* Of a program, as it is. */
struct reduce_counts reduce_count(const struct target_info *target, const struct program *program);

#endif
