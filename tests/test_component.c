/* Component targets: each component has its target, stays clean beside its model, leaves nothing behind, and sees the
 * faults that live in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "oracle/component.h"
#include "oracle/world.h"
#include "tests/world_fixture.h"

#define FOR_EACH_COMPONENT_TARGET(target)                                                                              \
    for (const struct target_info *target = target_table; target < target_table + TARGET_COUNT; target++)              \
        if (target->component[0] != '\0')

static void test_each_component_has_one_target(void **state) {
    (void)state;
    static const char *const names[] = {
#define NAME(name) #name,
        COMPONENT_TABLE(NAME)
#undef NAME
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        unsigned targets = 0;
        const struct component *component = component_find(names[i]);
        assert_non_null(component);
        assert_true(component->begin != NULL && component->record != NULL && component->final != NULL);
        FOR_EACH_COMPONENT_TARGET(target) {
            targets += strcmp(target->component, names[i]) == 0;
        }
        assert_int_equal(targets, 1);
    }
    FOR_EACH_COMPONENT_TARGET(target) {
        assert_non_null(component_find(target->component));
        assert_string_equal(target->component, target->name);
        assert_int_equal(target->threads > 1, component_find(target->component)->state != NULL);
        assert_string_equal(target->planted_fault, "");
    }
    assert_null(component_find(""));
    assert_null(component_find("heap"));
}

static void test_random_programs_are_clean_and_replay(void **state) {
    (void)state;
    enum { PROGRAMS = 400 };
    static struct owned owned;
    FOR_EACH_COMPONENT_TARGET(target) {
        struct mutate_random random;
        uint64_t traces_differ = 0, last = 0;
        mutate_seed(&random, 31);
        for (unsigned i = 0; i < PROGRAMS; i++) {
            generate(&random, &owned);
            uint64_t trace = run_clean(target, &owned.program);
            assert_true(run_clean(target, &owned.program) == trace);
            traces_differ += trace != last;
            last = trace;
        }
        assert_true(traces_differ > PROGRAMS / 2);
        assert_true(world_state_hash() == opening_hash);
    }
}

/* But where a component has threads. */
static void test_threads_and_fork_mean_nothing(void **state) {
    (void)state;
    static struct owned owned;
    write_program(&owned, "t1 start\nt2 end\nt0 fork\nt3 start\nt0 nop\n");
    FOR_EACH_COMPONENT_TARGET(target) {
        struct verdict verdict;
        assert_int_equal(world_run(target, &owned.program, stderr, &verdict), CHECK_NONE);
        assert_int_equal(verdict.operations, target->threads > 1 ? 1 : 0);
    }
}

static void test_failures_are_injected_where_the_target_says(void **state) {
    (void)state;
    static struct owned owned;
    write_program(&owned, "t0 fail n=9\nt0 malloc s0 128\n");
    FOR_EACH_COMPONENT_TARGET(target) {
        struct verdict verdict;
        assert_int_equal(world_run(target, &owned.program, stderr, &verdict), CHECK_NONE);
        bool has_block = target->threads > 1; /* the slot */
        assert_int_equal(verdict.operations, has_block ? 0 : target->failures ? 2 : 1);
    }
}

/* --- faults --- */

static const struct {
    const char *target;
    const char *fault;
    enum check check;
    const char *lines; /* "": some random program sees it, whatever its check */
} faults[] = {
    {"class", "class-round-down", CHECK_MODEL, "t0 malloc s0 16+1\n"},
    {"class", "align-ignored", CHECK_MISALIGNED, "t0 memalign s0 48 align=64\n"},
    {"map", "map-loses-page", CHECK_MODEL,
     "place low\nt0 malloc s0 128\nt0 malloc s1 128\nt0 malloc s2 128\nt0 free s0\nt0 free s1\n"},
    {"run", "run-tail-short", CHECK_MODEL, "t0 malloc s0 512\nt0 realloc s0 256\n"},
    {"run", "run-keeps-zero", CHECK_CALLOC_NONZERO, "t0 malloc s0 128\nt0 free s0\nt0 malloc s0 128\n"},
    {"run", "run-join-loses-neighbour", CHECK_NONE, ""},
    {"run", "run-align-front-lost", CHECK_NONE, ""},
    {"bigcache", "bigcache-wrong-size", CHECK_MODEL, "t0 malloc s0 128\nt0 free s0\nt0 malloc s0 256\n"},
    {"bigcache", "bigcache-keeps-zero", CHECK_MODEL, "t0 malloc s0 128\nt0 free s0\nt0 malloc s0 128\n"},
    {"bigcache", "bigcache-stale-after-ttl", CHECK_ACCOUNTING,
     "t0 malloc_many s0 128 n=2\nt0 free s0\nt0 clock ms=5000\nt0 free s1\nt0 clock ms=5000\n"},
    {"bigcache", "bigcache-loses-on-grow", CHECK_NONE, ""},
    {"pool", "slab-two-classes", CHECK_MODEL, "t0 malloc s0 16\n"},
    {"pool", "pool-passes-free", CHECK_RETENTION, "t0 malloc s0 16\nt0 malloc s1 16\n"},
    {"pool", "trim-forgets", CHECK_NOT_RETURNED, "t0 malloc s0 16\nt0 free s0\nt0 trim\n"},
    {"pool", "stale-metadata", CHECK_MODEL, "t0 malloc s0 16\nt0 free s0\nt0 malloc s0 16\n"},
    {"pool", "purge-bound", CHECK_NONE, ""},
    {"lazy", "lazy-keeps-more", CHECK_MODEL, "t0 malloc_many s0 16 n=3\nt0 free_many s0 n=3\n"},
    {"lazy", "lazy-stale-division", CHECK_NONE, ""},
    {"remote", "push-keeps-head", CHECK_LIVELOCK, "t1 free s0\nt2 free s4\ngene at=0 yield=5 go=2\n"},
    {"remote", "release-under-remote", CHECK_ACCOUNTING, "t1 free s0\nt0 check\n"},
    {"remote", "pending-dropped", CHECK_BLOCK_LOST, "t1 free_sized s0\nt1 end\n"},
    {"remote", "adopt-forgets-full", CHECK_NONE, ""},
    {"option", "option-unit-truncates", CHECK_MODEL, "t0 calloc s0 144 n=1\n"},
};

static void find_by_lines(const struct target_info *target, enum check check, const char *lines) {
    static struct owned owned;
    struct verdict verdict;
    write_program(&owned, lines);
    world_run(target, &owned.program, NULL, &verdict);
    if (verdict.check != check) {
        fail_msg("%s: expected %s, seen %s: %s", target->name, check_table[check].id, check_table[verdict.check].id,
                 verdict.message);
    }
    assert_true(verdict.fault_triggered > 0);
}

static void find_by_chance(const struct target_info *target) {
    enum { PROGRAMS = 2000 };
    static struct owned owned;
    struct verdict verdict = {.check = CHECK_NONE};
    struct mutate_random random;
    mutate_seed(&random, 33); /* where no wild pointer is followed: that is the signal handler's, which cmocka has */
    for (unsigned i = 0; i < PROGRAMS && verdict.check == CHECK_NONE; i++) {
        generate(&random, &owned);
        world_run(target, &owned.program, NULL, &verdict);
    }
    assert_true(verdict.check != CHECK_NONE && verdict.fault_triggered > 0);
}

static void test_faults_are_seen(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        const struct target_info *target = target_find(faults[i].target);
        assert_true(world_arm_fault(faults[i].fault));
        if (faults[i].lines[0] != '\0') {
            find_by_lines(target, faults[i].check, faults[i].lines);
        } else {
            find_by_chance(target);
        }
        assert_true(world_arm_fault(""));
        assert_true(world_state_hash() == opening_hash);
        if (faults[i].lines[0] != '\0') {
            static struct owned owned;
            write_program(&owned, faults[i].lines);
            run_clean(target, &owned.program);
        }
    }
}

int main(void) {
#define TEST(name) cmocka_unit_test_teardown(test_##name, tidy)
    const struct CMUnitTest tests[] = {
        TEST(each_component_has_one_target),
        TEST(random_programs_are_clean_and_replay),
        TEST(threads_and_fork_mean_nothing),
        TEST(failures_are_injected_where_the_target_says),
        TEST(faults_are_seen),
    };
#undef TEST
    return cmocka_run_group_tests_name("component", tests, open_world, close_world);
}
