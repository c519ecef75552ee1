/* fuzz: opening the machine and running one input, the same way for every engine. */
#include "fuzz_targets/fuzz.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz_targets/machine.h"
#include "oracle/guided.h"
#include "oracle/fault.h"
#include "oracle/guide.h"

static void print_fault_names(FILE *out) {
    for (unsigned i = 0; i < HAK_FAULT_COUNT; i++) {
        fprintf(out, "  %s\n", fault_table[i].name);
    }
}

static void take_guides_away(void) {
    const char *names = getenv(GUIDE_VARIABLE);
    if (!guide_take_away(names)) {
        fprintf(stderr, "fuzz_%s: %s names what is no guide: '%s'. There are:\n", fuzz_target->name, GUIDE_VARIABLE,
                names);
        for (unsigned i = 0; i < GUIDE_COUNT; i++) {
            fprintf(stderr, "  %s: %s\n", guide_table[i].name, guide_table[i].meaning);
        }
        exit(EXIT_UNABLE);
    }
}

void fuzz_open(const char *fault, const char *asked_by) {
    char why[1024] = "";
    take_guides_away();
    if (machine_open(why, sizeof why) != 0) {
        fprintf(stderr, "fuzz_%s: cannot begin: %s\n", fuzz_target->name, why);
        exit(EXIT_UNABLE);
    }
    bool is_named = fault != NULL && fault[0] != '\0';
    if (!machine_has_faults() && is_named && strcmp(fault, "none") != 0) {
        fprintf(stderr, "fuzz_%s: %s: only hakmem has faults, and this is another malloc\n", fuzz_target->name,
                asked_by);
        exit(EXIT_UNABLE);
    }
    if (!machine_arm_fault(is_named ? fault : fuzz_target->planted_fault)) {
        fprintf(stderr, "fuzz_%s: %s names no fault of the catalogue: '%s'. There are:\n", fuzz_target->name,
                is_named ? asked_by : "the target", is_named ? fault : fuzz_target->planted_fault);
        print_fault_names(stderr);
        exit(EXIT_UNABLE);
    }
}

void fuzz_one(const uint8_t *bytes, size_t size_bytes) {
    struct program program;
    struct verdict verdict;
    guided_read(&program, fuzz_target, bytes, size_bytes);
    if (machine_run_sampled(&program, stderr, &verdict) != CHECK_NONE) {
        world_print_finding(fuzz_target, &verdict, stderr);
        abort();
    }
}

void fuzz_print_totals(int descriptor) {
    struct world_totals totals = machine_totals();
    dprintf(descriptor,
            "hakmem-totals: {\"executions\":%" PRIu64 ",\"operations\":%" PRIu64 ",\"dirty_pages\":%" PRIu64 "}\n",
            totals.executions, totals.operations, totals.dirty_pages);
}
