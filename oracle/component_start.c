/* component start: the process's first allocations, made by several threads at once, with a fork in the middle.
 *
 * Records mean what they mean for the whole allocator, but nothing has happened yet: the options are read when the
 * process starts (the header's set of options is what the environment says), and whoever allocates first does that,
 * makes the key of the links, the first heap, the first chunk of metadata and the first SuperSlab, while others want
 * the same. `option` does nothing: the environment is what it is.
 *
 *   fork    the child goes on, wherever the other threads were: they are gone, with what they were about to do, and are
 *           born anew when they are named again
 *
 * At any time: once the process counts as started, all that was to be read is there, and it was read once. When nobody
 * is inside: each heap is one thread's, or nobody's; and the whole heap holds. What a thread that a fork cut off was
 * about to take or give back is lost, so from then on blocks are not counted. */
#include <string.h>

#include "allocator/hakmem.h"
#include "allocator/links.h"
#include "allocator/root.h"
#include "oracle/component.h"
#include "oracle/finding.h"
#include "oracle/preset.h"
#include "oracle/run.h"
#include "oracle/sim.h"

/* Whole words, without gaps. */
static struct { uint64_t reads; /* of the environment */ } state;

/* What there is to be when the process has started. */
static struct {
    struct hak_options options;
    struct hak_ace ace;
} expected;

static void process_start(void) {
    state.reads++;
    preset_apply(&hak_root.options, run.program->header.preset % PRESET_COUNT);
}

static void begin(void) {
    state.reads = 0;
    memset(&expected, 0, sizeof expected);
    expected.options = hak_root.options;
    hak_ace_configure(&expected.ace, &expected.options);
    memset(&hak_root.options, 0, sizeof hak_root.options);
}

/* --- the configuration --- */

static void prove_option(enum hak_option_id id) {
    uint32_t has = hak_root.options.value[id], due = expected.options.value[id];
    if (has != due) {
        finding_raise(CHECK_MODEL, NULL, "the process counts as started, and option %s is %u, where %u was read",
                      hak_option_table[id].name, has, due);
    }
}

static void prove_rule(enum hak_ace_rule rule) {
    bool is_pinned = hak_ace_is_pinned(&expected.ace, rule);
    component_compare("the process counts as started, and a number of the controller is pinned",
                      hak_ace_is_pinned(&hak_root.ace, rule), is_pinned);
    if (is_pinned) {
        component_compare("what a number of the controller is pinned to", hak_ace_value(&hak_root.ace, rule),
                          hak_ace_value(&expected.ace, rule));
    }
}

static void prove_configuration(void) {
    component_compare("times that the environment was read", state.reads, 1);
    for (unsigned i = 0; i < HAK_OPTION_COUNT; i++) {
        prove_option((enum hak_option_id)i);
    }
    for (unsigned i = 0; i < HAK_ACE_COUNT; i++) {
        prove_rule((enum hak_ace_rule)i);
    }
    component_compare("the process counts as started, and the key of the links is there",
                      hak_root.link_key == hak_link_key(os_random()), true);
}

/* --- the heap --- */

static bool is_started(void) {
    return hak_load(&hak_root.started, relaxed) != 0;
}

/* A mapping that a thread was taking or giving when it was lost: the map may have it when the sums have not, or the
 * reverse. */
static bool is_about_lost_mappings(const char *broken) {
    return strncmp(broken, "I18:", 4) == 0 || strncmp(broken, "I33:", 4) == 0;
}

static void prove_heap(void) {
    struct hak_heap_counts counts;
    component_prove_heaps();
    if (run.lost == 0) {
        run_prove_heap();
        return;
    }
    const char *broken = hak_check_heap(&counts, NULL, NULL);
    if (broken != NULL && !is_about_lost_mappings(broken)) {
        finding_raise(CHECK_ACCOUNTING, NULL, "in the child of a fork does not hold: %s", broken);
    }
}

static void prove(void) {
    if (is_started()) {
        prove_configuration();
        if (run.inside == 0) {
            prove_heap();
        }
    } else {
        component_compare("a thread that has a heap, before the process was started", hak_thread_has_heap(), false);
    }
}

static void record(void) {
    if (run.now->record.op == OP_CHECK) {
        run.now->applied = run.inside == 0;
    } else if (run.now->record.op != OP_OPTION) {
        run_record();
    }
    prove();
}

static void final(void) {
    prove();
    component_end_threads();
    if (run.lost == 0) {
        run_final_free();
        return;
    }
    sim_fail_stop();
    while (run.shadow.count > 0) {
        run_free_slot(run.shadow.slots[run.shadow.count - 1], OP_FREE);
    }
    run_forget_subject();
    (void)hak_malloc_trim(0);
    prove();
}

const struct component component_start = {.begin = begin,
                                          .record = record,
                                          .final = final,
                                          .state = &state,
                                          .state_bytes = sizeof state,
                                          .process_start = process_start};
