/* The world: one input decides everything, and nothing is left behind. What it says about a run is in test_verdict.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <errno.h>

#include <cmocka.h>

#include "allocator/annotate.h"
#include "allocator/os.h"
#include "allocator/root.h"
#include "oracle/extents.h"
#include "oracle/mutate.h"
#include "oracle/world.h"
#include "tests/world_fixture.h"

enum { PROGRAMS = 4000, HASH_EVERY = 8 };

/* Faults that end a run in many ways, and none that touches memory AddressSanitizer would stop the process for. */
static const char *const harmless_faults[] = {"errno-missing", "usable-understates", "calloc-skips-zero",
                                              "born-marked",   "trim-forgets",       "align-ignored",
                                              "lock-kept",     "growth-limit"};
enum { HARMLESS_FAULTS = sizeof harmless_faults / sizeof harmless_faults[0] };

/* --- reset and replay --- */

static void test_reset_is_proven(void **state) {
    (void)state;
    static struct owned owned;
    struct mutate_random random;
    mutate_seed(&random, 11);
    for (unsigned i = 0; i < PROGRAMS; i++) {
        generate(&random, &owned);
        run_clean(target_of(i), &owned.program);
        if (i % HASH_EVERY == 0) {
            assert_true(world_state_hash() == opening_hash);
        }
    }
}

static void test_reset_is_proven_after_findings(void **state) {
    (void)state;
    static struct owned owned;
    struct mutate_random random;
    unsigned found = 0;
    mutate_seed(&random, 12);
    for (unsigned i = 0; i < PROGRAMS / 4; i++) {
        struct verdict verdict;
        generate(&random, &owned);
        assert_true(world_arm_fault(harmless_faults[i % HARMLESS_FAULTS]));
        if (world_run(target_of(i / HARMLESS_FAULTS), &owned.program, NULL, &verdict) != CHECK_NONE) {
            found++;
            assert_true(world_state_hash() == opening_hash);
            assert_true(world_arm_fault(""));
            run_clean(target_of(i / HARMLESS_FAULTS), &owned.program);
        }
    }
    assert_true(found > PROGRAMS / 40);
}

/* What the hash would not see, it would not prove. */
static void test_state_hash_sees_memory(void **state) {
    (void)state;
    hak_root.geometry = &hak_geometries[HAK_GEOMETRY_TINY]; /* between runs there is none, and no page */
    unsigned char *byte = os_reserve(SIM_PAGE_BYTES, SIM_PAGE_BYTES);
    assert_non_null(byte);
    assert_true(os_commit(byte, SIM_PAGE_BYTES));
    hak_root.geometry = NULL;
    hak_mark_open(byte, SIM_PAGE_BYTES);
    byte[77] = 1;
    assert_true(world_state_hash() != opening_hash);
    hak_mark_open(byte, SIM_PAGE_BYTES); /* the hash closed the arena */
    byte[77] = 0;
    assert_true(world_state_hash() == opening_hash);
    hak_root.geometry = &hak_geometries[HAK_GEOMETRY_TINY];
    hak_mark_closed(byte, SIM_PAGE_BYTES);
    os_release(byte, SIM_PAGE_BYTES);
    hak_root.geometry = NULL;
}

static void test_equal_runs_leave_equal_traces(void **state) {
    (void)state;
    static struct owned owned;
    struct mutate_random random;
    uint64_t traces[TARGET_COUNT] = {0};
    mutate_seed(&random, 13);
    for (unsigned i = 0; i < PROGRAMS / 4; i++) {
        generate(&random, &owned);
        for (unsigned t = 0; t < TARGET_COUNT; t++) {
            traces[t] = run_clean(&target_table[t], &owned.program);
        }
        for (unsigned t = TARGET_COUNT; t-- > 0;) {
            assert_true(run_clean(&target_table[t], &owned.program) == traces[t]);
        }
    }
}

static void test_a_run_does_not_depend_on_the_one_before(void **state) {
    (void)state;
    static struct owned a, b;
    struct mutate_random random;
    unsigned differ = 0;
    mutate_seed(&random, 14);
    for (unsigned i = 0; i < PROGRAMS / 4; i++) {
        generate(&random, &a);
        generate(&random, &b);
        uint64_t trace = run_clean(target_of(i), &a.program);
        differ += run_clean(target_of(i / 3), &b.program) != trace;
        assert_true(run_clean(target_of(i), &a.program) == trace);
    }
    assert_true(differ > PROGRAMS / 5);
}

static void test_sampled_runs_are_clean(void **state) {
    (void)state;
    static struct owned owned;
    struct mutate_random random;
    struct world_totals before = world_totals();
    mutate_seed(&random, 15);
    for (unsigned i = 0; i < PROGRAMS; i++) {
        struct verdict verdict;
        generate(&random, &owned);
        assert_int_equal(world_run_sampled(target_of(i), &owned.program, stderr, &verdict), CHECK_NONE);
    }
    struct world_totals after = world_totals();
    assert_true(after.executions - before.executions > PROGRAMS); /* some were replayed */
    assert_true(after.operations > before.operations && after.dirty_pages > before.dirty_pages);
}

/* --- the observer --- */

enum { STEPS_KEPT = 4096 };
struct steps {
    unsigned count;
    struct world_event kept[STEPS_KEPT];
};

static void keep(void *context, const struct world_event *step) {
    struct steps *steps = context;
    if (step->kind != WORLD_ENDS) {
        return;
    }
    assert_true(steps->count < STEPS_KEPT);
    steps->kept[steps->count++] = *step;
}

/* The heap is proven, threads end, everything is freed. */
static void leave_final_steps(struct steps *steps, const struct program *program) {
    assert_in_range(steps->count, program->record_count + 2, program->record_count + 1 + PROGRAM_THREADS_MAX);
    for (unsigned i = program->record_count; i < steps->count; i++) {
        assert_int_equal(steps->kept[i].index, program->record_count);
    }
    steps->count = program->record_count;
}

static const struct steps *observe(const char *target, const char *lines) {
    static struct owned owned;
    static struct steps steps;
    steps.count = 0;
    write_program(&owned, lines);
    world_observe(keep, &steps);
    run_clean(target_find(target), &owned.program);
    world_observe(NULL, NULL);
    leave_final_steps(&steps, &owned.program);
    return &steps;
}

static void test_observer_sees_execution_order(void **state) {
    (void)state;
    static const unsigned expected[] = {1, 3, 0, 2, 4};
    const struct steps *steps = observe("threads", "t1 malloc s0 96\nt0 malloc s1 96\nt1 free s1\nt0 nop\nt0 free s9\n"
                                                   "gene at=0 yield=0 hold=2\n");
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(steps->kept[i].index, expected[i]);
        assert_int_equal(steps->kept[i].thread, expected[i] == 0 || expected[i] == 2);
        assert_int_equal(steps->kept[i].applied, i == 0 || i == 2 || i == 3);
    }
    assert_int_equal(steps->kept[0].size_bytes, 96);
    assert_true(steps->kept[0].offset != 0 && steps->kept[0].offset == steps->kept[3].offset);
    assert_int_equal(steps->kept[3].record.op, OP_FREE);
}

static void test_observer_gets_each_record_once(void **state) {
    (void)state;
    static struct owned owned;
    static struct steps steps;
    struct mutate_random random;
    mutate_seed(&random, 16);
    for (unsigned i = 0; i < PROGRAMS / 8; i++) {
        bool seen[PROGRAM_BYTES / PROGRAM_RECORD_BYTES] = {false};
        generate(&random, &owned);
        uint64_t unobserved = run_clean(target_of(i), &owned.program);
        steps.count = 0;
        world_observe(keep, &steps);
        assert_true(run_clean(target_of(i), &owned.program) == unobserved);
        world_observe(NULL, NULL);
        run_clean(target_of(i), &owned.program);
        leave_final_steps(&steps, &owned.program);
        for (unsigned s = 0; s < steps.count; s++) {
            const struct world_event *step = &steps.kept[s];
            assert_true(step->index < owned.program.record_count && !seen[step->index]);
            seen[step->index] = true;
            assert_int_equal(step->record.op, program_record(&owned.program, step->index).op);
            assert_int_equal(step->thread, step->record.thread % target_of(i)->threads);
        }
    }
}

static void test_one_thread_runs_the_sequence_target(void **state) {
    (void)state;
    const struct steps *steps = observe("sequence", "t1 malloc s0 96\nt2 end\nt3 free s0\n");
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(steps->kept[i].thread, 0);
        assert_int_equal(steps->kept[i].applied, i != 1); /* thread 0 never ends */
    }
}

static void test_operations_switched_off_do_nothing(void **state) {
    (void)state;
    const struct steps *steps = observe("threads", "off malloc trim\nt0 malloc s0 96\nt0 calloc s0 96 n=1\nt0 trim\n");
    assert_false(steps->kept[0].applied);
    assert_true(steps->kept[1].applied);
    assert_false(steps->kept[2].applied);
}

/* --- what comes from the input --- */

/* Time passes in the world only. Where it purges pages and releases what waited, addresses stay as they are. */
static void test_clock_is_virtual(void **state) {
    (void)state;
    const struct steps *steps =
        observe("threads", "clock-step 255\nt0 malloc s0 96\nt0 clock ms=65535\nt0 malloc s1 96\n");
    uint64_t first = steps->kept[0].offset, second = steps->kept[2].offset;
    assert_true(steps->kept[1].applied);
    steps = observe("threads", "t0 malloc s0 96\nt0 nop\nt0 malloc s1 96\n");
    assert_true(steps->kept[0].offset == first && steps->kept[2].offset == second);
}

static void test_failures_are_injected(void **state) {
    (void)state;
    static const char lines[] = "t0 fail n=1\nt0 malloc s0 96\nt0 malloc s0 96\nt0 fail n=1\nt0 realloc s0 64k\n"
                                "t0 posix_memalign s1 4k align=4k\n";
    const struct steps *steps = observe("oom", lines);
    assert_true(steps->kept[0].applied && steps->kept[1].applied);
    assert_int_equal(steps->kept[1].error, ENOMEM);
    assert_int_equal(steps->kept[2].error, 0);
    assert_int_equal(steps->kept[4].error, ENOMEM);
    assert_int_equal(steps->kept[5].error, 0);
    steps = observe("threads", lines);
    assert_false(steps->kept[0].applied); /* only where the target says so */
    for (unsigned i = 1; i < 6; i++) {
        assert_int_equal(steps->kept[i].error, 0);
    }
}

static void test_every_nth_request_fails(void **state) {
    (void)state;
    const struct steps *steps =
        observe("oom", "fail-every 1\nt0 malloc s0 96\nt1 calloc s1 4k n=1\nt0 memalign s2 8 align=64\n");
    for (unsigned i = 0; i < 3; i++) {
        assert_true(steps->kept[i].applied && steps->kept[i].offset == 0);
        assert_int_equal(steps->kept[i].error, ENOMEM);
    }
    steps = observe("canary", "fail-every 1\nt0 malloc s0 96\n");
    assert_int_equal(steps->kept[0].error, 0);
}

static void test_bad_alignment_is_refused(void **state) {
    (void)state;
    const struct steps *steps = observe("sequence", "t0 aligned_alloc s0 64 align=32+1\nt0 memalign s0 64 align=64+1\n"
                                                    "t0 posix_memalign s0 64 align=4\n");
    for (unsigned i = 0; i < 3; i++) {
        assert_true(steps->kept[i].applied && steps->kept[i].offset == 0);
        assert_int_equal(steps->kept[i].error, EINVAL);
    }
}

/* --- the system layer --- */

/* Blocks so large that each is a mapping of its own, and a trim, so that nothing waits for reuse. */
static void observe_placement(const char *placement, uint64_t offsets[3]) {
    char lines[256];
    snprintf(lines, sizeof lines,
             "place %s\nt0 malloc s0 64k\nt0 malloc s1 64k\nt0 malloc s2 64k\nt0 free s0\nt0 trim\n"
             "t0 malloc s3 64k\n",
             placement);
    const struct steps *steps = observe("sequence", lines);
    static const unsigned allocations[] = {0, 1, 5};
    for (unsigned i = 0; i < 3; i++) {
        offsets[i] = steps->kept[allocations[i]].offset;
        assert_true(offsets[i] != 0);
        assert_true(offsets[i] >> HAK_ADDRESS_BITS == 0);
        assert_int_equal(offsets[i] % SIM_PAGE_BYTES, 0);
    }
}

static void test_placements_differ(void **state) {
    (void)state;
    const uint64_t middle = UINT64_C(1) << (HAK_ADDRESS_BITS - 1);
    uint64_t offsets[3]; /* first, second, and after the first place is free again */
    observe_placement("low", offsets);
    assert_true(offsets[0] < middle && offsets[1] > offsets[0]);
    assert_true(offsets[2] == offsets[0]);
    observe_placement("high", offsets);
    assert_true(offsets[0] >= middle && offsets[1] < offsets[0]);
    assert_true(offsets[2] == offsets[0]);
    observe_placement("fresh", offsets);
    assert_true(offsets[1] > offsets[0] && offsets[2] > offsets[1]);
}

static void test_every_block_lies_in_the_arena(void **state) {
    (void)state;
    static struct owned owned;
    static struct steps steps;
    struct mutate_random random;
    unsigned blocks = 0;
    mutate_seed(&random, 17);
    world_observe(keep, &steps);
    for (unsigned i = 0; i < PROGRAMS / 8; i++) {
        generate(&random, &owned);
        steps.count = 0;
        run_clean(target_of(i), &owned.program);
        for (unsigned s = 0; s < steps.count; s++) {
            assert_true(steps.kept[s].offset >> HAK_ADDRESS_BITS == 0);
            blocks += steps.kept[s].offset != 0;
        }
    }
    assert_true(blocks > PROGRAMS);
}

int main(void) {
#define TEST(name) cmocka_unit_test_teardown(test_##name, tidy)
    const struct CMUnitTest tests[] = {
        TEST(reset_is_proven),
        TEST(reset_is_proven_after_findings),
        TEST(state_hash_sees_memory),
        TEST(equal_runs_leave_equal_traces),
        TEST(a_run_does_not_depend_on_the_one_before),
        TEST(sampled_runs_are_clean),
        TEST(observer_sees_execution_order),
        TEST(observer_gets_each_record_once),
        TEST(one_thread_runs_the_sequence_target),
        TEST(operations_switched_off_do_nothing),
        TEST(clock_is_virtual),
        TEST(failures_are_injected),
        TEST(every_nth_request_fails),
        TEST(bad_alignment_is_refused),
        TEST(placements_differ),
        TEST(every_block_lies_in_the_arena),
    };
#undef TEST
    return cmocka_run_group_tests_name("world", tests, open_world, close_world);
}
