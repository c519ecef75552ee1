/* What engines are told: counters that say where a program went, and have no effect on it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "oracle/feedback.h"
#include "tests/world_fixture.h"

/* The section that libFuzzer reads. */
extern uint8_t __start___libfuzzer_extra_counters[], __stop___libfuzzer_extra_counters[];

enum { COUNTERS_MAX = 16384 };
struct seen {
    uint8_t counters[COUNTERS_MAX];
    unsigned count; /* that are not zero */
};

static size_t counters_bytes(void) {
    return (size_t)((uintptr_t)__stop___libfuzzer_extra_counters - (uintptr_t)__start___libfuzzer_extra_counters);
}

static void run_seen(const struct target_info *target, const struct program *program, struct seen *seen) {
    size_t bytes = counters_bytes();
    assert_in_range(bytes, 1, COUNTERS_MAX);
    memset(__start___libfuzzer_extra_counters, 0, bytes);
    run_clean(target, program);
    *seen = (struct seen){.count = 0};
    memcpy(seen->counters, __start___libfuzzer_extra_counters, bytes);
    for (size_t i = 0; i < bytes; i++) {
        seen->count += seen->counters[i] != 0;
    }
}

static void lines_seen(const char *lines, struct seen *seen) {
    static struct owned owned;
    write_program(&owned, lines);
    run_seen(&target_table[TARGET_THREADS], &owned.program, seen);
}

/* The first one, in which feedback_open was not called yet. */
static void test_nothing_is_counted_for_nobody(void **state) {
    (void)state;
    static struct seen seen;
    lines_seen("t0 malloc s0 96\nt1 free s0\ngene at=1 yield=1 go=0\n", &seen);
    assert_int_equal(seen.count, 0);
    feedback_open();
    lines_seen("t0 malloc s0 96\nt1 free s0\ngene at=1 yield=1 go=0\n", &seen);
    assert_true(seen.count > 0);
}

static void test_a_run_is_as_it_was(void **state) {
    (void)state;
    static struct seen first, second;
    struct mutate_random random;
    unsigned most = 0;
    mutate_seed(&random, 3);
    for (unsigned i = 0; i < 300; i++) {
        static struct owned owned;
        generate(&random, &owned);
        run_seen(target_of(i), &owned.program, &first);
        run_seen(target_of(i), &owned.program, &second);
        assert_memory_equal(first.counters, second.counters, sizeof first.counters);
        most = first.count > most ? first.count : most;
    }
    assert_in_range(most, 20, 600); /* too many of them would drown the others' */
    assert_int_equal(world_state_hash(), opening_hash);
}

/* Each line does to the whole allocator, or to the block's slab, what the one before does not. */
static void test_states_tell_programs_apart(void **state) {
    (void)state;
    static const char *const programs[] = {
        "t0 malloc s0 96\n",
        "t0 malloc s0 4k\n",
        "t0 malloc s0 64k\n",
        "t0 malloc s0 2m\n",
        "t0 malloc s0 2m\nt0 free s0\n",
        "t0 malloc s0 2m\nt0 free s0\nt0 trim\n",
        "t0 malloc s0 96\nt0 free s0\n",
        "t0 malloc s0 96\nt1 free s0\n",
        "t0 malloc s0 96\nt1 malloc s1 96\nt1 free s0\nt1 trim\nt1 write s1\nt0 write s1\n",
        "t0 malloc s0 96\nt1 malloc s1 96\nt1 end\nt0 free s0\n",
        "t0 malloc s0 96\nt1 malloc s1 96\nt1 end\nt0 free s1\n",
        "t1 malloc s0 96\nt2 malloc s1 96\nt1 end\nt2 end\nt0 verify s0\n",
    };
    enum { COUNT = sizeof programs / sizeof programs[0] };
    static struct seen seen[COUNT];
    for (unsigned i = 0; i < COUNT; i++) {
        lines_seen(programs[i], &seen[i]);
        for (unsigned j = 0; j < i; j++) {
            if (memcmp(seen[i].counters, seen[j].counters, COUNTERS_MAX) == 0) {
                fail_msg("the same is seen of programs %u and %u", j, i);
            }
        }
    }
}

/* How many times it goes round is no state. */
static void test_repeating_is_nothing_new(void **state) {
    (void)state;
    static struct seen once, often;
    const char *lines = "t0 malloc s0 96\nt0 free s0\nt0 malloc s0 96\nt0 free s0\n";
    lines_seen(lines, &once);
    char many[512] = "";
    for (unsigned i = 0; i < 4; i++) {
        strcat(many, lines);
    }
    lines_seen(many, &often);
    assert_memory_equal(once.counters, often.counters, sizeof once.counters);
}

static void test_switches_are_counted(void **state) {
    (void)state;
    static struct seen one, other, none;
    lines_seen("t0 malloc s0 96\nt1 malloc s1 96\nt2 free s0\n", &none);
    lines_seen("t0 malloc s0 96\nt1 malloc s1 96\nt2 free s0\ngene at=1 yield=6 go=2\n", &one);
    lines_seen("t0 malloc s0 96\nt1 malloc s1 96\nt2 free s0\ngene at=1 yield=4 go=2\n", &other);
    assert_memory_not_equal(none.counters, one.counters, sizeof one.counters);
    assert_memory_not_equal(one.counters, other.counters, sizeof one.counters);
}

#define TEST(name) cmocka_unit_test_teardown(test_##name, tidy)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_counted_for_nobody), TEST(a_run_is_as_it_was),   TEST(states_tell_programs_apart),
        TEST(repeating_is_nothing_new),      TEST(switches_are_counted),
    };
    return cmocka_run_group_tests_name("feedback", tests, open_world, close_world);
}
