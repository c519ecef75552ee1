/* The search through all schedules: it runs as many as can be counted by hand, the reduced search sees what the full
 * one sees, and finds what only few schedules show; docs/exploration.md says what is complete. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "oracle/explore.h"
#include "tests/docs_page.h"
#include "tests/world_fixture.h"

enum { NO_BOUND = 1000 };

static enum check search(const char *target, const char *lines, uint32_t preemptions, bool unreduced,
                         struct explore_result *result) {
    static struct owned owned;
    write_program(&owned, lines);
    const struct explore_limits limits = {.preemptions = preemptions, .unreduced = unreduced};
    enum check check = explore(target_find(target), &owned.program, &limits, NULL, result);
    assert_int_equal(check, result->verdict.check);
    assert_true(world_state_hash() == opening_hash);
    return check;
}

/* --- counting --- */

static void assert_schedules(const char *target, const char *lines, uint32_t preemptions, uint64_t expected) {
    struct explore_result result;
    assert_int_equal(search(target, lines, preemptions, true, &result), CHECK_NONE);
    assert_int_equal(result.counts.schedules, expected);
    assert_int_equal(result.counts.pruned, 0);
}

/* A free of an empty slot does not enter the allocator: schedules are the orders of records, (n1+n2+..)!/(n1!n2!..). */
#define IDLE "free s0\n"
static void test_orders_of_operations(void **state) {
    (void)state;
    assert_schedules("threads", "t0 " IDLE "t0 " IDLE, NO_BOUND, 1);
    assert_schedules("threads", "t0 " IDLE "t1 " IDLE, NO_BOUND, 2);
    assert_schedules("threads", "t0 " IDLE "t0 " IDLE "t1 " IDLE "t1 " IDLE, NO_BOUND, 6);
    assert_schedules("threads", "t0 " IDLE "t1 " IDLE "t2 " IDLE "t3 " IDLE, NO_BOUND, 24);
    assert_schedules("threads", "t0 " IDLE "t1 " IDLE "t2 " IDLE "t0 " IDLE "t1 " IDLE "t2 " IDLE, NO_BOUND, 90);
    assert_schedules("threads",
                     "t0 " IDLE "t1 " IDLE "t2 " IDLE "t0 " IDLE "t1 " IDLE "t2 " IDLE "t0 " IDLE "t1 " IDLE "t2 " IDLE,
                     NO_BOUND, 1680);
}

/* A push by itself makes five accesses: label, owner, head, link, exchange; of a block without room for a label four.
 * Two threads with n1 and n2 of them: two orders; one preemption at each of n1 + n2 places; and with two, the first is
 * at a place of the one, the second at a place of the other, and either may be first: 2 * n1 * n2 more. */
static void test_preemptions_of_two_pushes(void **state) {
    (void)state;
    static const char five_five[] = "t1 free s0\nt2 free s4\n", five_four[] = "t1 free s0\nt2 free s8\n";
    assert_schedules("remote", five_five, 0, 2);
    assert_schedules("remote", five_five, 1, 2 + 5 + 5);
    assert_schedules("remote", five_five, 2, 2 + 5 + 5 + 2 * 5 * 5);
    assert_schedules("remote", five_four, 0, 2);
    assert_schedules("remote", five_four, 1, 2 + 5 + 4);
    assert_schedules("remote", five_four, 2, 2 + 5 + 4 + 2 * 5 * 4);
}

/* Three threads: six orders. One preemption: one of three is stopped, at one of five places, before, between or behind
 * which the other two run in either order, with one of them or both before it goes on; and it may be begun first or
 * after one of them. Nobody before it: 5 places times 4 ways (a, ab, b, ba run meanwhile); after one other: 5 places
 * times 1 way, for each of two others. */
static void test_one_preemption_of_three_pushes(void **state) {
    (void)state;
    assert_schedules("remote", "t1 free s0\nt2 free s4\nt3 free s1\n", 0, 6);
    assert_schedules("remote", "t1 free s0\nt2 free s4\nt3 free s1\n", 1, 6 + 3 * (5 * 4 + 2 * 5 * 1));
}

/* --- the reduction --- */

static const struct {
    const char *target;
    const char *lines;
    uint32_t preemptions;
} small[] = {
    {"remote", "t1 free s0\nt2 free s4\n", 3},
    {"remote", "t1 free s0\nt0 check\n", 3},
    {"remote", "t1 free s0\nt2 free s8\nt0 check\n", 2},
    {"remote", "t1 free_sized s0\nt1 trim\nt0 end\n", 2},
    {"remote", "t1 free s0\nt0 end\nt2 realloc s0 96\n", 1},
    {"pool", "t0 malloc s0 16\nt1 malloc s1 16\n", 1},
    {"lazy", "t0 malloc s0 16\nt0 free s0\nt1 malloc s1 16\n", 1},
    {"adopt", "t1 end\nt2 realloc s0 96\n", 1},
    {"start", "t0 malloc s0 96\nt1 fork\n", 1},
    {"threads", "t0 malloc s0 96\nt1 malloc s1 96\n", 1},
    {"threads", "t0 malloc s0 96\nt0 free s0\nt1 free s0\n", 2},
};

/* Dead words of a stack are part of a state, and say by which way it was reached, more with one compiler than with
 * another: so it is the states at the end that must be the same, where no stack is left. */
static void test_the_reduced_search_sees_the_same_states(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof small / sizeof small[0]; i++) {
        struct explore_result full, reduced;
        assert_int_equal(search(small[i].target, small[i].lines, small[i].preemptions, true, &full), CHECK_NONE);
        assert_int_equal(search(small[i].target, small[i].lines, small[i].preemptions, false, &reduced), CHECK_NONE);
        assert_true(reduced.counts.states <= full.counts.states);
        assert_int_equal(reduced.counts.ends, full.counts.ends);
        assert_true(reduced.counts.ends_hash == full.counts.ends_hash);
        assert_true(reduced.counts.pruned > 0 && reduced.counts.schedules < full.counts.schedules);
    }
}

static void test_searches_are_equal(void **state) {
    (void)state;
    struct explore_result first, second;
    assert_int_equal(search("remote", small[2].lines, 2, false, &first), CHECK_NONE);
    assert_int_equal(search("remote", small[2].lines, 2, false, &second), CHECK_NONE);
    assert_memory_equal(&first.counts, &second.counts, sizeof first.counts);
}

/* Once nothing is new, a larger bound shows nothing more. */
static void test_complete_is_complete(void **state) {
    (void)state;
    struct explore_result at_most, one_less, larger;
    assert_int_equal(search("remote", small[0].lines, NO_BOUND, false, &at_most), CHECK_NONE);
    assert_true(at_most.counts.complete && at_most.counts.preemptions < NO_BOUND);
    assert_true(at_most.counts.preemptions > 1);
    assert_int_equal(search("remote", small[0].lines, at_most.counts.preemptions - 1, false, &one_less), CHECK_NONE);
    assert_false(one_less.counts.complete);
    assert_true(one_less.counts.states < at_most.counts.states);
    assert_int_equal(search("remote", small[0].lines, at_most.counts.preemptions + 1, true, &larger), CHECK_NONE);
    assert_true(larger.counts.states_hash == at_most.counts.states_hash);
}

/* --- findings --- */

static void assert_replays(const char *target, const struct explore_result *result) {
    struct program program;
    struct verdict verdict;
    assert_true(result->bytes != NULL && result->replays);
    program_read(&program, result->bytes, result->size_bytes);
    world_run(target_find(target), &program, NULL, &verdict);
    assert_string_equal(verdict.signature, result->verdict.signature);
    assert_int_equal(verdict.record, result->verdict.record);
}

static const struct {
    const char *fault;
    const char *target;
    const char *lines;
    enum check check;
    uint32_t preemptions; /* that it takes */
} findings[] = {
    {"push-keeps-head", "remote", "t1 free s0\nt2 free s4\n", CHECK_LIVELOCK, 1},
    {"push-keeps-head", "threads",
     "options no-remote-batch\nt0 malloc s0 96\nt0 malloc s1 96\nt1 free s0\nt2 free s1\n", CHECK_LIVELOCK, 1},
    {"count-before-head", "remote", "t1 free s0\nt0 check\nt0 check\n", CHECK_BLOCK_LOST, 1},
    {"pool-chooses-early", "pool", "t0 malloc s0 16\nt1 malloc s1 16\nt2 malloc s2 16\n", CHECK_DOUBLE_ALLOC, 1},
    {"lazy-chooses-early", "lazy", "t0 malloc s0 16\nt0 free s0\nt1 malloc s1 16\nt2 malloc s2 16\n", CHECK_MODEL, 1},
    {"heap-reused", "adopt", "t1 end\nt0 realloc s0 96\nt2 realloc s0 96\n", CHECK_MODEL, 1},
    {"start-sign-early", "start", "t0 malloc s0 96\nt1 malloc s1 96\n", CHECK_MODEL, 1},
    {"release-under-remote", "threads",
     "options no-remote-batch\nt0 malloc s0 96\nt1 free s0\nt0 malloc s1 96\nt0 free s1\nt0 trim\n", CHECK_COUNT, 0},
};

static void test_findings_take_as_few_preemptions_as_can_be(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof findings / sizeof findings[0]; i++) {
        struct explore_result result;
        assert_true(world_arm_fault(findings[i].fault));
        if (findings[i].preemptions > 0) {
            assert_int_equal(search(findings[i].target, findings[i].lines, findings[i].preemptions - 1, false, &result),
                             CHECK_NONE);
        }
        enum check check = search(findings[i].target, findings[i].lines, NO_BOUND, false, &result);
        assert_int_not_equal(check, CHECK_NONE);
        assert_true(findings[i].check == CHECK_COUNT || check == findings[i].check);
        assert_int_equal(result.counts.preemptions, findings[i].preemptions);
        assert_false(result.counts.complete);
        assert_replays(findings[i].target, &result);
        free(result.bytes);
    }
}

/* Who waits for ever is found, and who holds the lock is named. */
static void test_a_deadlock_is_found(void **state) {
    (void)state;
    struct explore_result result;
    assert_true(world_arm_fault("lock-kept"));
    assert_int_equal(
        search("oom", "t0 malloc s0 16\nt0 fail n=1\nt0 malloc s1 2k-16\nt1 trim\n", NO_BOUND, false, &result),
        CHECK_DEADLOCK);
    assert_replays("oom", &result);
    free(result.bytes);
}

static bool twice(void *context, const struct explore_counts *counts) {
    (void)counts;
    return ++*(unsigned *)context < 2;
}

static void test_a_search_can_be_stopped(void **state) {
    (void)state;
    static struct owned owned;
    struct explore_result result;
    unsigned runs = 0;
    write_program(&owned, small[0].lines);
    const struct explore_limits limits = {.preemptions = NO_BOUND, .goes_on = twice, .context = &runs};
    assert_int_equal(explore(target_find("remote"), &owned.program, &limits, NULL, &result), CHECK_NONE);
    assert_true(result.counts.stopped && !result.counts.complete);
    assert_int_equal(runs, 2);
    assert_false(explore_is_on());
}

/* --- what is complete --- */

/* Of the same programs the page says what it cost once; here stands what no compiler changes. */
static const struct {
    const char *target;
    const char *lines;
} complete[] = {
    {"remote", "t1 free s0\nt2 free s4\nt3 free s1\n"},
    {"remote", "t1 free s0\nt1 check\nt2 free s2\nt2 check\nt0 check\n"},
    {"remote",
     "t0 check\nt0 end\nt0 start\nt1 free s0\nt1 verify s1\nt1 verify s1\nt2 free s4\nt2 verify s2\nt2 verify s2\n"},
    {"pool", "t0 malloc s0 16\nt1 malloc s1 16\nt0 free s0\nt1 free s1\n"},
    {"lazy", "t0 malloc s0 16\nt0 free s0\nt1 malloc s1 2k\n"},
    {"adopt", "t1 free s2\nt1 end\nt2 end\nt3 realloc s0 96\n"},
    {"start", "t0 malloc s0 96\nt1 fork\n"},
};

static void print_words(FILE *out, const char *lines) {
    for (; *lines != '\0'; lines++) {
        fputs(*lines == '\n' ? (lines[1] == '\0' ? "" : "; ") : (char[2]){*lines, '\0'}, out);
    }
}

static void print_complete(FILE *out) {
    fputs("| target | records | states at the end | more preemptions |\n|---|---|---|---|\n", out);
    for (size_t i = 0; i < sizeof complete / sizeof complete[0]; i++) {
        struct explore_result result;
        assert_int_equal(search(complete[i].target, complete[i].lines, NO_BOUND, false, &result), CHECK_NONE);
        fprintf(out, "| `%s` | `", complete[i].target);
        print_words(out, complete[i].lines);
        fprintf(out, "` | %llu | %s |\n", (unsigned long long)result.counts.ends,
                result.counts.complete ? "nothing new" : "not searched");
    }
}

static void test_exploration_page_is_current(void **state) {
    (void)state;
    docs_page_is_current(
        &(struct docs_page){"docs/exploration.md", "<!-- made by tests/test_explore.c: begin -->\n", print_complete});
}

int main(void) {
#define TEST(name) cmocka_unit_test_teardown(test_##name, tidy)
    const struct CMUnitTest tests[] = {
        TEST(orders_of_operations),
        TEST(preemptions_of_two_pushes),
        TEST(one_preemption_of_three_pushes),
        TEST(the_reduced_search_sees_the_same_states),
        TEST(searches_are_equal),
        TEST(complete_is_complete),
        TEST(findings_take_as_few_preemptions_as_can_be),
        TEST(a_deadlock_is_found),
        TEST(a_search_can_be_stopped),
        TEST(exploration_page_is_current),
    };
#undef TEST
    return cmocka_run_group_tests_name("explore", tests, open_world, close_world);
}
