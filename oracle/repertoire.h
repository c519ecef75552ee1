/* repertoire: what comes of an operation on a target, so that generators make no others.
 *
 * For each target: how often an operation is to be made, 0 where it does nothing there; which options matter; how many
 * threads records can tell apart. Made of the target's own row (target.h) and, where that names a component, of the
 * component's row here; docs/input-format.md says that such operations mean nothing, and a test runs them all to see.
 * Whatever a generator leaves out is still a program: nothing here changes what bytes mean.
 *
 * Constant data and pure functions, safe on any thread. */
#ifndef HAKMEM_ORACLE_REPERTOIRE_H
#define HAKMEM_ORACLE_REPERTOIRE_H

#include <stdbool.h>
#include <stdint.h>

#include "oracle/program.h"
#include "oracle/target.h"

struct repertoire {
    uint16_t weights[OP_COUNT]; /* how often an operation is made; 0: nothing comes of it */
    uint32_t presets;           /* bit i: preset i (preset.h) is worth choosing */
    uint32_t choices;           /* bit i: something depends on option choice_table[i] (preset.h) */
    uint8_t threads;            /* records of so many threads mean different things */
    bool interleaves;           /* threads are switched: genes, mode and memory mean something */
    bool failures;              /* fail_every means something */
};

/* Of a program whose target is not known: everything may mean something. */
extern const struct repertoire repertoire_any;

struct repertoire repertoire_of(const struct target_info *target);

#endif
