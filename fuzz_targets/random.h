/* random: fuzzing without an engine, for machines that have none.
 *
 * Generates, mutates and crosses programs over a small pool in memory; no coverage guides it. With a number of runs and
 * a seed given, the programs are the same on every machine. */
#ifndef HAKMEM_FUZZ_TARGETS_RANDOM_H
#define HAKMEM_FUZZ_TARGETS_RANDOM_H

#include <stdint.h>

#include "fuzz_targets/replay.h"
#include "oracle/files.h"

struct random_options {
    uint64_t seed;
    uint64_t runs;              /* 0: no limit */
    uint64_t seconds;           /* 0: no limit */
    const char *artifacts;      /* directory that a finding is written to, created if missing */
    struct files seeds;         /* programs to begin with; may be empty */
    struct replay_command self; /* for the command that reproduces a finding */
};

/* Fuzz until a limit, a finding or Ctrl-C. Progress goes to standard error once a second, a summary to standard output.
 * Returns the exit code. */
int random_fuzz(const struct random_options *options);

#endif
