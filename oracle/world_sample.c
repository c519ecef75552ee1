/* world_sample: runs of which a sample is proven, for engines and loops. */
#include <stdlib.h>

#include "oracle/guided.h"
#include "oracle/run.h"

enum { REPLAY_EVERY = 64, HASH_EVERY = 4096 };

static enum check nondeterminism(struct verdict *verdict, FILE *report, const char *kind, const char *message) {
    verdict->check = CHECK_NONDETERMINISM;
    snprintf(verdict->message, sizeof verdict->message, "%s", message);
    snprintf(verdict->signature, sizeof verdict->signature, "nondeterminism/%s", kind);
    if (report != NULL) {
        fprintf(report, "\nhakmem found nondeterminism: %s\n  look for    %s\n", message,
                check_table[CHECK_NONDETERMINISM].look_for);
    }
    return CHECK_NONDETERMINISM;
}

enum check world_run_sampled(const struct target_info *target, const struct program *program, FILE *report,
                             struct verdict *verdict) {
    if (world_run(target, program, report, verdict) != CHECK_NONE) {
        return verdict->check;
    }
    if (world_totals().executions % REPLAY_EVERY == 0) {
        struct verdict second;
        world_run(target, program, NULL, &second);
        if (second.check != CHECK_NONE || second.trace_hash != verdict->trace_hash) {
            return nondeterminism(verdict, report, "trace", "two runs of this input left different traces");
        }
    }
    if (world_totals().executions % HASH_EVERY < 2 && world_state_hash() != run.untouched_hash) {
        return nondeterminism(verdict, report, "reset", "reset left something behind");
    }
    return CHECK_NONE;
}

int world_fuzz_one(const struct target_info *target, const uint8_t *bytes, size_t size_bytes) {
    struct program program;
    struct verdict verdict;
    guided_read(&program, target, bytes, size_bytes);
    if (world_run_sampled(target, &program, stderr, &verdict) != CHECK_NONE) {
        world_print_finding(target, &verdict, stderr);
        abort();
    }
    return 0;
}
