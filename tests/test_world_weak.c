/* Weak memory in the world: what programs ask for is shown, nothing that C11 forbids is, races are told with both
 * places, and what orders the users of the allocator is known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "oracle/shim_weak.h"
#include "oracle/site.h"
#include "oracle/world.h"
#include "tests/world_fixture.h"

enum { TEXT_BYTES = 1024, YIELDS_TRIED = 100 };

static struct {
    unsigned stale;
    char first[256]; /* stale load that was told */
} seen;

static void keep(void *context, const struct world_event *event) {
    (void)context;
    if (event->kind == WORLD_SEES_OLD && seen.stale++ == 0) {
        snprintf(seen.first, sizeof seen.first, "%s", event->text);
    }
}

static enum check run_text(const char *target, const char *lines, struct verdict *verdict) {
    static struct owned owned;
    memset(&seen, 0, sizeof seen);
    write_program(&owned, lines);
    world_observe(keep, NULL);
    enum check check = world_run(target_find(target), &owned.program, NULL, verdict);
    world_observe(NULL, NULL);
    return check;
}

static void assert_clean_run(const char *target, const char *lines) {
    struct verdict verdict;
    if (run_text(target, lines, &verdict) != CHECK_NONE) {
        fail_msg("%s: %s", check_table[verdict.check].id, verdict.message);
    }
}

static int strengthen(void **state) {
    (void)state;
    shim_weak_mutate(&(struct shim_mutant){.site = SITE_USER});
    return world_arm_fault("") ? 0 : -1;
}

/* --- loads that show older values --- */

static const char two_threads[] = "t0 malloc s0 96\nt1 malloc s1 96\nt1 free s0\nt0 malloc_many s2 96 n=12\n";

static void test_a_gene_makes_one_load_stale(void **state) {
    (void)state;
    unsigned shown = 0;
    for (unsigned yield = 1; yield < YIELDS_TRIED; yield++) {
        char text[TEXT_BYTES], at[32];
        snprintf(text, sizeof text, "%sgene at=1 yield=%u stale=1\n", two_threads, yield);
        assert_clean_run("threads", text);
        assert_true(seen.stale <= 1);
        snprintf(at, sizeof at, "(yield %u) sees", yield);
        assert_true(seen.stale == 0 || strstr(seen.first, at) != NULL);
        assert_true(seen.stale == 0 || strstr(seen.first, "t1 in malloc s1 96 (record 1) at ") == seen.first);
        shown += seen.stale;
    }
    assert_true(shown > 0 && shown < YIELDS_TRIED / 2);
}

static void test_a_stale_load_shows_no_more_than_there_is(void **state) {
    (void)state;
    unsigned most = 0;
    for (unsigned yield = 1; yield < YIELDS_TRIED; yield++) {
        char text[TEXT_BYTES];
        unsigned age = 0;
        snprintf(text, sizeof text, "%sgene at=1 yield=%u stale=255\n", two_threads, yield);
        assert_clean_run("threads", text);
        const char *number = strstr(seen.first, "sees what is ");
        assert_true(number == NULL || sscanf(number, "sees what is %u", &age) == 1);
        most = age > most ? age : most;
    }
    assert_true(most > 0 && most < 8); /* of eight stores that are known, the newest is none */
}

static void test_memory_is_weak_where_the_header_says_so(void **state) {
    (void)state;
    struct verdict verdict, again;
    char text[TEXT_BYTES];
    unsigned weak = 0;
    for (unsigned seed = 0; seed < 32; seed++) {
        snprintf(text, sizeof text, "mode random %u\n%s", seed, two_threads);
        assert_clean_run("threads", text);
        assert_int_equal(seen.stale, 0);
        snprintf(text, sizeof text, "mode random %u\nmemory weak\n%s", seed, two_threads);
        assert_int_equal(run_text("threads", text, &verdict), CHECK_NONE);
        unsigned first = seen.stale;
        assert_int_equal(run_text("threads", text, &again), CHECK_NONE);
        assert_true(again.trace_hash == verdict.trace_hash && seen.stale == first);
        weak += first;
    }
    assert_true(weak > 0);
    snprintf(text, sizeof text, "memory weak\n%s", two_threads); /* races only: nothing is drawn */
    assert_clean_run("threads", text);
    assert_int_equal(seen.stale, 0);
    snprintf(text, sizeof text, "mode random 1\nmemory weak\n%s", two_threads);
    assert_clean_run("sequence", text); /* one thread */
    assert_int_equal(seen.stale, 0);
}

/* --- races --- */

static void test_a_race_names_both_accesses(void **state) {
    (void)state;
    struct verdict verdict;
    char text[TEXT_BYTES];
    snprintf(text, sizeof text, "options no-remote-batch\nmemory weak\n%s", two_threads);
    assert_true(world_arm_fault("take-relaxed"));
    assert_int_equal(run_text("threads", text, &verdict), CHECK_RACE);
    assert_non_null(strstr(verdict.message, "t1 wrote at links.h:"));
    assert_non_null(strstr(verdict.message, "plain store, t0 read at links.h:"));
    assert_true(world_state_hash() == opening_hash);
    snprintf(text, sizeof text, "options no-remote-batch\n%s", two_threads); /* nobody looks */
    assert_clean_run("threads", text);
}

/* The first site of that kind in a file, with order relaxed. */
static void weaken(const char *file, enum hak_site_kind kind) {
    for (uint32_t i = 0; i < site_count(); i++) {
        if (strstr(site_at(i)->file, file) != NULL && site_at(i)->kind == kind) {
            shim_weak_mutate(&(struct shim_mutant){i, memory_order_relaxed, memory_order_relaxed});
            return;
        }
    }
    fail_msg("%s has no such site", file);
}

static void test_a_lock_stands_for_what_it_guards(void **state) {
    (void)state;
    static const enum hak_site_kind kinds[] = {HAK_SITE_LOCK, HAK_SITE_UNLOCK};
    struct verdict verdict;
    char text[TEXT_BYTES];
    snprintf(text, sizeof text, "memory weak\n%s", two_threads);
    for (unsigned i = 0; i < 2; i++) {
        assert_clean_run("threads", text);
        weaken("/meta.c", kinds[i]);
        assert_int_equal(run_text("threads", text, &verdict), CHECK_RACE);
        assert_non_null(strstr(verdict.message, "what meta.lock guards"));
        assert_non_null(strstr(verdict.message, " at meta.c:"));
        shim_weak_mutate(&(struct shim_mutant){.site = SITE_USER});
    }
}

/* Who finds a block in a slot has it from somebody; two who use an empty one have nothing to do with each other. */
static void test_users_hand_blocks_on(void **state) {
    (void)state;
    assert_clean_run("threads", "memory weak\nt0 malloc s0 96\nt1 write s0\nt2 realloc s0 200\nt3 usable s0\n"
                                "t1 free s0\nt2 malloc s0 96\nt0 realloc s0 1m\nt3 free s0\n");
    struct verdict verdict;
    weaken("/remote.c", HAK_SITE_WEAK_CAS);
    assert_int_equal(run_text("threads",
                              "memory weak\noptions no-remote-batch\nt0 malloc s0 96\nt1 malloc s1 96\nt1 free s0\n"
                              "t0 malloc s0 96\nt0 malloc_many s2 96 n=12\n",
                              &verdict),
                     CHECK_RACE);
}

/* --- threads and forks --- */

static void test_the_child_of_a_fork_knows_all(void **state) {
    (void)state;
    for (unsigned seed = 0; seed < 64; seed++) {
        char text[TEXT_BYTES];
        snprintf(
            text, sizeof text,
            "mode random %u\nmemory weak\nt1 malloc_many s0 96 n=4\nt2 malloc_many s4 96 n=4\nt1 free s4\nt2 fork\n"
            "t1 free_many s0 n=8\nt3 malloc_many s0 96 n=12\nt0 trim\nt3 end\nt3 malloc s15 96\n",
            seed);
        assert_clean_run("threads", text);
    }
}

static void test_generated_programs_have_no_races(void **state) {
    (void)state;
    enum { PROGRAMS = 1500 };
    static struct owned owned;
    struct mutate_random random;
    uint64_t traces = 0;
    mutate_seed(&random, 33);
    for (unsigned i = 0; i < PROGRAMS; i++) {
        struct verdict verdict;
        generate(&random, &owned);
        owned.bytes[14] = (uint8_t)(i % MODE_COUNT | HEADER_WEAK);
        owned.bytes[15] = (uint8_t)(i * 37);
        program_read(&owned.program, owned.bytes, owned.program.size_bytes);
        const struct target_info *target = &target_table[i % 4 == 3 ? TARGET_OOM : TARGET_THREADS];
        if (world_run(target, &owned.program, stderr, &verdict) != CHECK_NONE) {
            fail_msg("program %u: %s: %s", i, check_table[verdict.check].id, verdict.message);
        }
        traces ^= verdict.trace_hash;
    }
    assert_true(traces != 0 && world_state_hash() == opening_hash);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_a_gene_makes_one_load_stale, strengthen),
        cmocka_unit_test_teardown(test_a_stale_load_shows_no_more_than_there_is, strengthen),
        cmocka_unit_test_teardown(test_memory_is_weak_where_the_header_says_so, strengthen),
        cmocka_unit_test_teardown(test_a_race_names_both_accesses, strengthen),
        cmocka_unit_test_teardown(test_a_lock_stands_for_what_it_guards, strengthen),
        cmocka_unit_test_teardown(test_users_hand_blocks_on, strengthen),
        cmocka_unit_test_teardown(test_the_child_of_a_fork_knows_all, strengthen),
        cmocka_unit_test_teardown(test_generated_programs_have_no_races, strengthen),
    };
    return cmocka_run_group_tests_name("world_weak", tests, open_world, close_world);
}
