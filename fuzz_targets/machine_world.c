/* machine_world: programs run in the simulated world. */
#include "fuzz_targets/fuzz.h"
#include "fuzz_targets/machine.h"

int machine_open(char *why, size_t why_bytes) {
    return world_open(why, why_bytes);
}

bool machine_has_faults(void) {
    return true;
}

bool machine_forks(void) {
    return false;
}

bool machine_arm_fault(const char *name) {
    return world_arm_fault(name);
}

enum check machine_run(const struct program *program, FILE *report, struct verdict *verdict) {
    return world_run(fuzz_target, program, report, verdict);
}

enum check machine_run_sampled(const struct program *program, FILE *report, struct verdict *verdict) {
    return world_run_sampled(fuzz_target, program, report, verdict);
}

uint64_t machine_state_hash(void) {
    return world_state_hash();
}

struct world_totals machine_totals(void) {
    return world_totals();
}

void machine_print_target(FILE *out) {
    fprintf(out, "--target %s ", fuzz_target->name);
}
