/* machine: what carries out the programs of a fuzz target. Each target's binary has one: the simulated world
 * (machine_world.c), or another malloc on real threads (machine_foreign.c). One OS thread. */
#ifndef HAKMEM_FUZZ_TARGETS_MACHINE_H
#define HAKMEM_FUZZ_TARGETS_MACHINE_H

#include <stdio.h>

#include "oracle/world.h"

/* Returns 0, or -1 with a one-line reason in `why`. */
int machine_open(char *why, size_t why_bytes);
bool machine_has_faults(void);
/* Whether each run is a fork of this process, which then may have no other thread. */
bool machine_forks(void);
/* By name, for all runs from now on; "" and "none" are none. False when there is no such fault. */
bool machine_arm_fault(const char *name);

/* As world_run and world_run_sampled. */
enum check machine_run(const struct program *program, FILE *report, struct verdict *verdict);
enum check machine_run_sampled(const struct program *program, FILE *report, struct verdict *verdict);
/* Of what outlives a run. */
uint64_t machine_state_hash(void);
struct world_totals machine_totals(void);

/* The words behind `hakfuzz repro` that name the target and the malloc, with a blank after each. */
void machine_print_target(FILE *out);

#endif
