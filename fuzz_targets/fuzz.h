/* fuzz: what a fuzz target and its engine owe each other.
 *
 * A target is one file that defines fuzz_target. The engine, chosen at build time, brings main or the LLVMFuzzer
 * functions, opens the one machine of the process (machine.h) and feeds it. One OS thread throughout. */
#ifndef HAKMEM_FUZZ_TARGETS_FUZZ_H
#define HAKMEM_FUZZ_TARGETS_FUZZ_H

#include <stddef.h>

#include "oracle/target.h"

/* Exit codes of every hakmem program. */
enum { EXIT_CLEAN = 0, EXIT_FINDING = 1, EXIT_UNABLE = 2 };

/* Defined by fuzz_<name>.c. */
extern const struct target_info *const fuzz_target;

/* Environment variable that names the fault to arm; the stand-alone's --fault goes first. */
#define FUZZ_FAULT_VARIABLE "HAKMEM_FAULT"

/* Open the machine and arm `fault`; NULL or "" is the one that the target plants, if any, and "none" is none. On
 * failure says why on standard error and exits with 2; `asked_by` is what the message blames for a wrong name:
 * "--fault" or FUZZ_FAULT_VARIABLE. GUIDE_VARIABLE (guide.h) may name guides to go without. */
void fuzz_open(const char *fault, const char *asked_by);

/* Run bytes, a sample of them proven (machine_run_sampled); on a finding print the report and the line, and abort(). */
void fuzz_one(const uint8_t *bytes, size_t size_bytes);

/* The line "hakmem-totals: {json}" for scripts: executions, operations and pages cleared since fuzz_open. */
void fuzz_print_totals(int descriptor);

#endif
