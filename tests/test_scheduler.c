/* The scheduler: threads are interrupted inside operations where the program says so, and nowhere else; what never ends
 * is found; every run of an input is the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "oracle/feedback.h"
#include "oracle/guide.h"
#include "oracle/site.h"
#include "oracle/world.h"
#include "tests/world_fixture.h"

enum { TEXT_BYTES = 8192, YIELDS_TRIED = 100 };

/* What world_observe told of the last run. */
static struct {
    char switches[TEXT_BYTES];
    unsigned switch_count;
    uint32_t order[64]; /* of the records, as they ended */
    bool applied[64];
    unsigned ended;
} seen;

static void keep(void *context, const struct world_event *event) {
    uint32_t record_count = *(const uint32_t *)context;
    if (event->text != NULL) {
        size_t used = strlen(seen.switches);
        snprintf(seen.switches + used, sizeof seen.switches - used, "%s\n", event->text);
        seen.switch_count++;
    }
    bool ended = event->kind == WORLD_ENDS && event->index < record_count;
    if (ended && seen.ended < sizeof seen.order / sizeof seen.order[0]) {
        seen.applied[event->index] = event->applied;
        seen.order[seen.ended++] = event->index;
    }
}

static enum check run_text(const char *target, const char *lines, struct verdict *verdict) {
    static struct owned owned;
    memset(&seen, 0, sizeof seen);
    write_program(&owned, lines);
    world_observe(keep, &owned.program.record_count);
    enum check check = world_run(target_find(target), &owned.program, NULL, verdict);
    world_observe(NULL, NULL);
    return check;
}

static void assert_clean_run(const char *lines) {
    struct verdict verdict;
    if (run_text("threads", lines, &verdict) != CHECK_NONE) {
        fail_msg("%s: %s", check_table[verdict.check].id, verdict.message);
    }
}

/* The lines, with the first gene of that yield at which a run's switches hold `expected`. */
static unsigned yield_where(const char *lines, unsigned record, const char *gene, const char *expected) {
    char text[1024];
    for (unsigned yield = 1; yield < YIELDS_TRIED; yield++) {
        snprintf(text, sizeof text, "%sgene at=%u yield=%u %s\n", lines, record, yield, gene);
        assert_clean_run(text);
        if (strstr(seen.switches, expected) != NULL) {
            return yield;
        }
    }
    fail_msg("no yield of record %u leads to '%s'", record, expected);
    return 0;
}

/* --- genes --- */

static const char two_frees[] = "options no-remote-batch\n"
                                "t0 malloc s0 96\nt0 malloc s1 96\nt1 malloc s2 96\nt1 free s0\nt2 free s1\n";

static void test_preemption_inside_a_remote_push(void **state) {
    (void)state;
    unsigned yield = yield_where(two_frees, 3, "hold=1", "weak cas");
    assert_true(yield > 1);
    assert_int_equal(seen.switch_count, 1);
    assert_non_null(strstr(seen.switches, "t1 preempted in free s0 (record 3) at remote.c:"));
    assert_non_null(strstr(seen.switches, "t2 goes on"));
    static const uint32_t expected[] = {0, 1, 2, 4, 3}; /* t2's free overtook the one that was interrupted */
    assert_memory_equal(seen.order, expected, sizeof expected);
}

static void test_a_hold_counts_records_of_others(void **state) {
    (void)state;
    static const char lines[] = "t0 malloc s0 96\nt1 malloc s1 96\nt2 malloc s2 96\nt3 malloc s3 96\nt1 malloc s4 96\n";
    static const uint32_t by_hold[][5] = {
        {0, 1, 2, 3, 4}, {1, 0, 2, 3, 4}, {1, 2, 0, 3, 4}, {1, 2, 3, 0, 4}, {1, 2, 3, 4, 0}};
    for (unsigned hold = 0; hold < 5; hold++) {
        char text[1024];
        snprintf(text, sizeof text, "%sgene at=0 yield=1 hold=%u\n", lines, hold);
        assert_clean_run(text);
        assert_memory_equal(seen.order, by_hold[hold], sizeof by_hold[hold]);
        assert_int_equal(seen.switch_count, hold != 0);
    }
    assert_clean_run("t0 malloc s0 96\ngene at=0 yield=1 hold=255\n"); /* nobody else is there */
    assert_int_equal(seen.switch_count, 0);
}

static void test_genes_that_mean_nothing_inside(void **state) {
    (void)state;
    static const char *const genes[] = {"gene at=0 yield=1 stale=1\n", "gene at=0 yield=255 hold=1\n",
                                        "gene at=9 yield=1 hold=1\n", "gene at=0 yield=1 lower=1\n",
                                        "gene at=0 yield=1 weak=1\n"};
    for (unsigned i = 0; i < sizeof genes / sizeof genes[0]; i++) {
        char text[1024];
        snprintf(text, sizeof text, "t0 malloc s0 96\nt1 malloc s1 96\n%s", genes[i]);
        assert_clean_run(text);
        assert_int_equal(seen.switch_count, 0);
        assert_int_equal(seen.order[0], 0);
    }
}

/* With this fault every exchange that fails is counted as reached. */
static void test_a_weak_exchange_fails_where_a_gene_says_so(void **state) {
    (void)state;
    struct verdict verdict;
    char text[1024];
    unsigned yield = yield_where(two_frees, 3, "hold=1", "weak cas");
    assert_true(world_arm_fault("push-keeps-head"));
    assert_int_equal(run_text("threads", two_frees, &verdict), CHECK_NONE);
    assert_int_equal(verdict.fault_reached, 0);
    snprintf(text, sizeof text, "%sgene at=3 yield=%u weak=1\n", two_frees, yield);
    assert_int_equal(run_text("threads", text, &verdict), CHECK_NONE);
    assert_int_equal(verdict.fault_reached, 1);
    snprintf(text, sizeof text, "%sgene at=3 yield=%u weak=0\n", two_frees, yield);
    assert_int_equal(run_text("threads", text, &verdict), CHECK_NONE);
    assert_int_equal(verdict.fault_reached, 0);
}

static void test_one_thread_has_no_places_to_switch(void **state) {
    (void)state;
    struct verdict verdict;
    assert_int_equal(
        run_text("sequence", "mode random 1\nt0 malloc s0 96\nt1 malloc s1 96\ngene at=0 yield=1 hold=1\n", &verdict),
        CHECK_NONE);
    assert_int_equal(seen.switch_count, 0);
}

/* --- operations that overlap --- */

static void test_a_claimed_slot_is_left_alone(void **state) {
    (void)state;
    assert_clean_run("t0 malloc s0 96\nt1 malloc s0 96\nt1 malloc_many s0 96 n=2\nt1 free s0\n"
                     "gene at=0 yield=1 hold=3\n");
    assert_int_equal(seen.order[3], 0);
    assert_true(seen.applied[0]);
    assert_false(seen.applied[1] || seen.applied[2] || seen.applied[3]);
    /* a block in the hands of realloc is in no slot for others */
    assert_clean_run("t0 malloc s0 96\nt0 realloc s0 900\nt1 free s0\nt1 malloc s1 96\nt0 verify s0\n"
                     "gene at=1 yield=1 hold=2\n");
    assert_true(seen.applied[1] && seen.applied[3] && seen.applied[4]);
    assert_false(seen.applied[2]);
}

static void test_no_proof_while_another_is_inside(void **state) {
    (void)state;
    assert_clean_run("t0 malloc s0 96\nt1 check\nt1 report n=0\nt1 option RING=0\ngene at=0 yield=1 hold=3\n");
    assert_true(seen.applied[0]);
    assert_false(seen.applied[1] || seen.applied[2] || seen.applied[3]);
    assert_clean_run("t0 malloc s0 96\nt1 check\nt1 report n=0\nt1 option RING=0\ngene at=1 yield=1 hold=3\n");
    assert_true(seen.applied[1] && seen.applied[2] && seen.applied[3]);
}

/* Interrupted anywhere, each call leaves the errno that is its own. */
static void test_errno_is_the_threads_own(void **state) {
    (void)state;
    for (unsigned yield = 1; yield < 40; yield++) {
        char text[1024];
        snprintf(text, sizeof text,
                 "t0 malloc s0 96\nt1 malloc s1 half+1\nt1 free s0\nt2 aligned_alloc s2 96 align=64+1\n"
                 "gene at=0 yield=%u hold=1\ngene at=1 yield=%u hold=2\n",
                 yield, yield);
        assert_clean_run(text);
    }
}

/* --- what never ends --- */

static void test_deadlock_names_who_waits_and_who_holds(void **state) {
    (void)state;
    struct verdict verdict;
    assert_true(world_arm_fault("lock-kept"));
    assert_int_equal(run_text("oom",
                              "t0 malloc s0 16\nt1 malloc s1 16\nt0 fail n=1\nt0 malloc s2 2k-16\nt1 trim\n"
                              "gene at=0 yield=1 hold=1\ngene at=3 yield=255 hold=1\ngene at=4 yield=255 hold=1\n",
                              &verdict),
                     CHECK_DEADLOCK);
    assert_non_null(strstr(verdict.message, "t1 waits at pool.c:"));
    assert_non_null(strstr(verdict.message, " lock for pool.lock, held by t0, which has left the allocator"));
    assert_int_equal(verdict.record, 4);
    assert_true(world_state_hash() == opening_hash);
}

static void test_livelock_names_where_it_goes_round(void **state) {
    (void)state;
    struct verdict verdict;
    char text[1024];
    unsigned yield = yield_where(two_frees, 3, "hold=1", "weak cas");
    snprintf(text, sizeof text, "%sgene at=3 yield=%u hold=1\n", two_frees, yield);
    assert_true(world_arm_fault("push-keeps-head"));
    assert_int_equal(run_text("threads", text, &verdict), CHECK_LIVELOCK);
    assert_non_null(strstr(verdict.message, "remote.c:"));
    assert_int_equal(verdict.record, 3);
    assert_true(world_state_hash() == opening_hash);
}

/* --- replay --- */

static void test_replays_are_equal(void **state) {
    (void)state;
    enum { PROGRAMS = 40, TIMES = 1000 };
    static struct owned owned;
    struct mutate_random random;
    unsigned interleaved = 0;
    mutate_seed(&random, 28);
    for (unsigned i = 0; i < PROGRAMS; i++) {
        generate(&random, &owned);
        owned.bytes[14] = (uint8_t)(i % MODE_COUNT);
        owned.bytes[15] = (uint8_t)(i * 37);
        program_read(&owned.program, owned.bytes, owned.program.size_bytes);
        uint64_t before = world_totals().switches;
        uint64_t trace = run_clean(&target_table[TARGET_THREADS], &owned.program);
        interleaved += world_totals().switches != before;
        for (unsigned n = 0; n < TIMES / (i == 1 ? 1 : 50); n++) {
            assert_true(run_clean(&target_table[TARGET_THREADS], &owned.program) == trace);
        }
    }
    assert_true(interleaved > PROGRAMS / 2);
}

/* The seed matters, and so do the bytes of a record. */
static void test_modes_lead_to_many_schedules(void **state) {
    (void)state;
    static const char lines[] =
        "t0 malloc s0 96\nt1 malloc s1 96\nt2 malloc s2 96\nt1 free s0\nt0 free s1\nt2 free s2\n";
    for (unsigned mode = 1; mode < MODE_COUNT; mode++) {
        uint64_t traces[64];
        unsigned different = 0;
        for (unsigned seed = 0; seed < 64; seed++) {
            char text[1024];
            struct verdict verdict;
            snprintf(text, sizeof text, "mode %s %u\n%s", program_mode_names[mode], seed, lines);
            assert_int_equal(run_text("threads", text, &verdict), CHECK_NONE);
            traces[seed] = verdict.trace_hash;
            bool is_new = true;
            for (unsigned i = 0; i < seed; i++) {
                is_new = is_new && traces[i] != traces[seed];
            }
            different += is_new;
        }
        assert_true(different > (mode == MODE_RANDOM ? 32 : 5));
    }
}

static void test_priorities_fall_where_genes_say_so(void **state) {
    (void)state;
    static const char lines[] = "mode pct 0\nt0 malloc s0 96\nt0 malloc s1 96\nt1 malloc s2 96\nt1 malloc s3 96\n";
    char text[1024];
    assert_clean_run(lines);
    uint32_t first = seen.order[0];
    assert_true(first == 0 || first == 2);
    assert_int_equal(seen.order[1], first + 1); /* who is first stays so */
    assert_int_equal(seen.switch_count, 0);
    snprintf(text, sizeof text, "%sgene at=%u yield=0 lower=9\n", lines, first);
    assert_clean_run(text);
    assert_int_equal(seen.order[0], 2 - first); /* and the other comes first when it falls */
    snprintf(text, sizeof text, "%sgene at=%u yield=2 lower=9\n", lines, first);
    assert_clean_run(text);
    assert_int_equal(seen.switch_count, 1);
    assert_int_equal(seen.order[2], first);
}

/* --- what engines are told --- */

/* The linker's: the section that libFuzzer takes for coverage. */
extern uint8_t __start___libfuzzer_extra_counters[], __stop___libfuzzer_extra_counters[];

static unsigned pairs_counted(void) {
    unsigned pairs = 0;
    for (const uint8_t *counter = __start___libfuzzer_extra_counters; counter < __stop___libfuzzer_extra_counters;
         counter++) {
        pairs += *counter != 0;
    }
    return pairs;
}

static void pairs_forget(void) {
    memset(__start___libfuzzer_extra_counters, 0,
           (size_t)(__stop___libfuzzer_extra_counters - __start___libfuzzer_extra_counters));
}

static void test_pairs_of_switches_are_coverage(void **state) {
    (void)state;
    char text[1024];
    assert_clean_run(two_frees);
    assert_int_equal(pairs_counted(), 0); /* nobody reads them yet */
    assert_true(guide_take_away("states"));
    feedback_open();
    pairs_forget();
    assert_clean_run(two_frees);
    assert_int_equal(pairs_counted(), 0);
    for (unsigned yield = 1; yield <= 5; yield++) { /* five places, from each to the beginning of another operation */
        snprintf(text, sizeof text, "%sgene at=3 yield=%u hold=1\n", two_frees, yield);
        assert_clean_run(text);
    }
    assert_int_equal(pairs_counted(), 5);
    pairs_forget();
    snprintf(text, sizeof text, "mode random 2\n%s", two_frees);
    assert_clean_run(text);
    assert_true(pairs_counted() > 20);
}

/* --- sites --- */

static void test_sites_are_sorted_and_named(void **state) {
    (void)state;
    assert_true(site_count() > 100);
    for (uint32_t i = 0; i < site_count(); i++) {
        char text[64];
        const struct hak_site *site = site_at(i);
        site_text(site, text, sizeof text);
        assert_int_equal(site_number(site), i);
        assert_memory_equal(site->file, "allocator/", 10);
        assert_non_null(strchr(text, ':'));
        if (i > 0) {
            int order = strcmp(site_at(i - 1)->file, site->file);
            assert_true(order < 0 || (order == 0 && site_at(i - 1)->line <= site->line));
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_preemption_inside_a_remote_push, tidy),
        cmocka_unit_test_teardown(test_a_hold_counts_records_of_others, tidy),
        cmocka_unit_test_teardown(test_genes_that_mean_nothing_inside, tidy),
        cmocka_unit_test_teardown(test_a_weak_exchange_fails_where_a_gene_says_so, tidy),
        cmocka_unit_test_teardown(test_one_thread_has_no_places_to_switch, tidy),
        cmocka_unit_test_teardown(test_a_claimed_slot_is_left_alone, tidy),
        cmocka_unit_test_teardown(test_no_proof_while_another_is_inside, tidy),
        cmocka_unit_test_teardown(test_errno_is_the_threads_own, tidy),
        cmocka_unit_test_teardown(test_deadlock_names_who_waits_and_who_holds, tidy),
        cmocka_unit_test_teardown(test_livelock_names_where_it_goes_round, tidy),
        cmocka_unit_test_teardown(test_replays_are_equal, tidy),
        cmocka_unit_test_teardown(test_modes_lead_to_many_schedules, tidy),
        cmocka_unit_test_teardown(test_priorities_fall_where_genes_say_so, tidy),
        cmocka_unit_test_teardown(test_pairs_of_switches_are_coverage, tidy),
        cmocka_unit_test_teardown(test_sites_are_sorted_and_named, tidy),
    };
    return cmocka_run_group_tests_name("scheduler", tests, open_world, close_world);
}
