/* fuzz: opening the world, the same way for every engine. */
#include "fuzz_targets/fuzz.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "oracle/fault.h"
#include "oracle/guide.h"
#include "oracle/world.h"

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
    char why[256] = "";
    take_guides_away();
    if (world_open(why, sizeof why) != 0) {
        fprintf(stderr, "fuzz_%s: cannot open the simulated world: %s\n", fuzz_target->name, why);
        exit(EXIT_UNABLE);
    }
    bool is_named = fault != NULL && fault[0] != '\0';
    if (!world_arm_fault(is_named ? fault : fuzz_target->planted_fault)) {
        fprintf(stderr, "fuzz_%s: %s names no fault of the catalogue: '%s'. There are:\n", fuzz_target->name,
                is_named ? asked_by : "the target", is_named ? fault : fuzz_target->planted_fault);
        print_fault_names(stderr);
        exit(EXIT_UNABLE);
    }
}

void fuzz_print_totals(int descriptor) {
    struct world_totals totals = world_totals();
    dprintf(descriptor,
            "hakmem-totals: {\"executions\":%" PRIu64 ",\"operations\":%" PRIu64 ",\"dirty_pages\":%" PRIu64 "}\n",
            totals.executions, totals.operations, totals.dirty_pages);
}
