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
        const struct component *component = component_find(target->component);
        assert_true(component->state == NULL || target->threads > 1);
        assert_true(component->state_bytes % 8 == 0 && (component->state == NULL) == (component->state_bytes == 0));
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

/* What is particular to the components that are about threads. */
static const struct {
    const char *target;
    uint32_t lives; /* records of start, end and fork that do something */
    bool has_begun; /* slots have blocks to begin with */
} particular[] = {{"remote", 1, true}, {"adopt", 1, true}, {"start", 3, false}, {"misuse", 3, false}};

static uint32_t lives_of(const struct target_info *target) {
    for (size_t i = 0; i < sizeof particular / sizeof particular[0]; i++) {
        if (strcmp(particular[i].target, target->name) == 0) {
            return particular[i].lives;
        }
    }
    return 0;
}

static bool has_begun(const struct target_info *target) {
    for (size_t i = 0; i < sizeof particular / sizeof particular[0]; i++) {
        if (strcmp(particular[i].target, target->name) == 0) {
            return particular[i].has_begun;
        }
    }
    return false;
}

static void test_threads_and_fork_mean_nothing_elsewhere(void **state) {
    (void)state;
    static struct owned owned;
    write_program(&owned, "t1 start\nt2 end\nt0 fork\nt3 start\nt0 nop\n");
    FOR_EACH_COMPONENT_TARGET(target) {
        struct verdict verdict;
        assert_int_equal(world_run(target, &owned.program, stderr, &verdict), CHECK_NONE);
        assert_int_equal(verdict.operations, lives_of(target));
    }
}

static void test_failures_are_injected_where_the_target_says(void **state) {
    (void)state;
    static struct owned owned;
    write_program(&owned, "t0 fail n=9\nt0 malloc s0 128\n");
    FOR_EACH_COMPONENT_TARGET(target) {
        struct verdict verdict;
        assert_int_equal(world_run(target, &owned.program, stderr, &verdict), CHECK_NONE);
        assert_int_equal(verdict.operations, (has_begun(target) ? 0 : 1) + (target->failures ? 1 : 0));
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
    {"remote", "count-before-head", CHECK_BLOCK_LOST, "t1 free s0\nt0 check\nt0 check\ngene at=0 yield=4 hold=1\n"},
    {"pool", "pool-chooses-early", CHECK_DOUBLE_ALLOC,
     "t0 malloc s0 16\nt1 malloc s1 16\nt2 malloc s2 16\ngene at=1 yield=3 hold=1\n"},
    {"lazy", "lazy-chooses-early", CHECK_MODEL,
     "t0 malloc s0 16\nt0 free s0\nt1 malloc s1 16\nt2 malloc s2 16\ngene at=2 yield=3 hold=1\n"},
    {"adopt", "slab-looked-up-early", CHECK_ACCOUNTING, "t1 end\nt0 free s1\nt0 free s5\nt0 calloc s0 96 n=1\n"},
    {"adopt", "heap-reused", CHECK_MODEL, "t1 end\nt0 realloc s0 96\nt2 realloc s0 96\ngene at=1 yield=2 hold=1\n"},
    {"adopt", "adopt-forgets-full", CHECK_NONE, ""},
    {"adopt", "pending-dropped", CHECK_BLOCK_LOST, "t1 free s0\nt1 end\n"},
    {"adopt", "sentinel-leak", CHECK_NONE, ""},
    {"start", "start-sign-early", CHECK_MODEL, "t0 malloc s0 96\nt1 malloc s1 96\ngene at=0 yield=6 hold=1\n"},
    {"start", "fork-keeps-lock", CHECK_DEADLOCK, "t0 malloc s0 96\nt0 fork\nt0 malloc s1 2k\n"},
    {"option", "option-unit-truncates", CHECK_MODEL, "t0 calloc s0 144 n=1\n"},
    {"adopt", "dead-thread-claims", CHECK_MODEL, "t1 end\nt1 free s0\nt1 free s2\n"},
    {"run", "join-keeps-age", CHECK_NONE, ""},
    {"misuse", "double-free-unseen", CHECK_MISUSE_UNDETECTED,
     "t0 malloc_many s0 96 n=2\nt0 free s0\nt0 free s1\nt0 free_sized s0\n"},
    {"misuse", "interior-free-unseen", CHECK_MISUSE_UNDETECTED, "t0 malloc s0 64k\nt0 verify s0\n"},
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
    if (!verdict_detects_fault(&verdict)) {
        fail_msg("%s: %s, and the fault was not triggered before", target->name, verdict.message);
    }
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
    assert_true(verdict_detects_fault(&verdict));
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
        TEST(threads_and_fork_mean_nothing_elsewhere),
        TEST(failures_are_injected_where_the_target_says),
        TEST(faults_are_seen),
    };
#undef TEST
    return cmocka_run_group_tests_name("component", tests, open_world, close_world);
}
