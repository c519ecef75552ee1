/* Programs on real threads: in virtual order they do what they do in the world, in free order nothing is wrong with a
 * malloc that is right, and whatever a malloc does wrong is seen, named and survived. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "oracle/real.h"
#include "tests/world_fixture.h"

static struct backend trial;
static struct real_outcome outcome;
static char why[512];

static int open_all(void **state) {
    char path[1024];
    const char *build = getenv("HAKMEM_BUILD");
    snprintf(path, sizeof path, "%s/" TRIAL_FILE, build != NULL ? build : ".");
    if (!backend_open(&trial, path, "hak_", why, sizeof why)) {
        fprintf(stderr, "%s\n", why);
        return -1;
    }
    return open_world(state);
}

static struct real_plan plan_of(const struct backend *backend, enum real_order order) {
    return (struct real_plan){
        .backend = backend, .target = &target_table[TARGET_THREADS], .order = order, .instances = 1, .times = 1};
}

static enum check run(const struct real_plan *plan, const struct owned *owned) {
    if (!real_run(plan, &owned->program, &outcome, why, sizeof why)) {
        fail_msg("%s", why);
    }
    return outcome.verdict.check;
}

static void assert_clean(const struct real_plan *plan, const struct owned *owned) {
    if (run(plan, owned) != CHECK_NONE) {
        fail_msg("%s: %s\n%s", check_table[outcome.verdict.check].id, outcome.verdict.message, outcome.said);
    }
}

/* --- as in the world --- */

static void note_applied(void *context, const struct world_event *event) {
    if (event->kind == WORLD_ENDS && event->applied) {
        ((uint8_t *)context)[event->index] = true;
    }
}

/* What the world knows and real threads do not: requests to fail, time, fork, options. And sizes that fit the arena,
 * but not always. */
static bool is_comparable(const struct record *record) {
    switch (record->op) {
    case OP_FORK:
    case OP_CLOCK:
    case OP_FAIL:
    case OP_OPTION:
    case OP_THREAD_START:
    case OP_THREAD_END:
        return false;
    default:
        return true;
    }
}

static void assert_as_in_the_world(struct owned *owned) {
    uint8_t in_world[PROGRAM_RECORDS_MAX] = {0};
    struct verdict verdict;
    world_observe(note_applied, in_world);
    assert_int_equal(world_run(&target_table[TARGET_THREADS], &owned->program, NULL, &verdict), CHECK_NONE);
    struct real_plan plan = plan_of(&trial, REAL_ORDER_VIRTUAL);
    assert_clean(&plan, owned);
    for (uint32_t i = 0; i < owned->program.record_count; i++) {
        struct record record = program_record(&owned->program, i);
        if (is_comparable(&record) && outcome.applied[i] != in_world[i]) {
            fail_msg("record %u: %s did something in %s only", i, program_op_info[record.op].name,
                     in_world[i] != 0 ? "the world" : "real threads");
        }
    }
}

static void test_virtual_order_is_that_of_the_world(void **state) {
    (void)state;
    static struct owned owned;
    write_program(&owned,
                  "geometry tiny\n"
                  "t1 malloc s0 48\nt0 malloc_many s1 64 n=6\nt2 realloc s0 4k\nt1 free s0\nt3 free s0\n"
                  "t1 end\nt1 calloc s0 96 n=3\nt2 free_many s0 n=16\nt0 usable s3\nt2 aligned_alloc s5 1k align=64\n"
                  "t0 check\nt1 report n=1\nt3 trim\nt0 free s5\nt0 free s5\nt0 check\n");
    assert_as_in_the_world(&owned);
}

static void test_held_back_records_are_late_here_too(void **state) {
    (void)state;
    static struct owned owned;
    write_program(&owned, "t1 free s0\nt0 malloc s0 48\nt0 malloc s1 48\ngene at=0 yield=0 hold=1\n");
    assert_as_in_the_world(&owned);
    assert_int_equal(outcome.applied[0], 1); /* it came after the malloc */
}

static void test_virtual_order_is_the_same_every_time(void **state) {
    (void)state;
    static struct owned owned;
    static struct real_outcome first;
    struct mutate_random random;
    struct real_plan plan = plan_of(&trial, REAL_ORDER_VIRTUAL);
    mutate_seed(&random, 7);
    for (unsigned i = 0; i < 10; i++) {
        generate(&random, &owned);
        assert_clean(&plan, &owned);
        first = outcome;
        assert_clean(&plan, &owned);
        assert_int_equal(outcome.verdict.operations, first.verdict.operations);
        assert_int_equal(outcome.threads, first.threads);
        assert_int_equal(outcome.skipped, 0);
        assert_memory_equal(outcome.applied, first.applied, sizeof first.applied);
    }
}

/* --- free order --- */

static void test_many_instances_do_all_their_records(void **state) {
    (void)state;
    static struct owned owned;
    write_program(&owned,
                  "t0 malloc s0 48\nt1 malloc s1 48\nt2 malloc s2 4k\nt3 malloc s3 64k\nt1 end\nt1 malloc s4 8\n");
    struct real_plan plan = plan_of(&trial, REAL_ORDER_FREE);
    plan.instances = 16;
    plan.times = 3;
    assert_clean(&plan, &owned);
    assert_int_equal(outcome.times, 3);
    assert_int_equal(outcome.verdict.operations, 16 * 3 * 5);
    assert_int_equal(outcome.threads, 16 * 3 * (1 + 4 + 1)); /* a host, the lanes, and the one that came after t1 */
    assert_int_equal(outcome.skipped, 0);
}

static void test_what_is_not_carried_out_is_counted(void **state) {
    (void)state;
    static struct owned owned;
    struct real_plan plan = plan_of(&trial, REAL_ORDER_FREE);
    write_program(&owned,
                  "t0 fork\nt0 clock ms=5\nt0 fail n=1\nt0 malloc s0 128m\nt0 malloc s0 max\nt0 malloc s1 48\n");
    assert_clean(&plan, &owned);
    assert_int_equal(outcome.not_carried, 4);
    assert_int_equal(outcome.verdict.operations, 2); /* SIZE_MAX is asked for, and refused */
}

static void test_a_fault_is_armed_and_seen(void **state) {
    (void)state;
    static struct owned owned;
    struct real_plan plan = plan_of(&trial, REAL_ORDER_VIRTUAL);
    write_program(&owned, "t0 malloc s0 max\n");
    assert_clean(&plan, &owned);
    plan.fault = HAK_FAULT_ERRNO_MISSING;
    assert_int_equal(run(&plan, &owned), CHECK_ERRNO_CONTRACT);
    assert_int_equal(outcome.verdict.fault_reached, 1);
    assert_int_equal(outcome.verdict.fault_triggered, 1);
    assert_string_equal(outcome.verdict.signature, "errno-contract/malloc/over-1m/-/virtual-order");
    plan.order = REAL_ORDER_FREE;
    assert_int_equal(run(&plan, &owned), CHECK_ERRNO_CONTRACT);
    assert_string_equal(outcome.verdict.signature, "errno-contract/malloc/real-threads");
}

/* --- mallocs that are wrong: libc's, but for one function --- */

static unsigned char memory[4096] __attribute__((aligned(64)));

static void *bad_same(size_t size_bytes) {
    (void)size_bytes;
    return memory;
}

static void *bad_overlap(size_t size_bytes) {
    static size_t next;
    (void)size_bytes;
    return memory + (next += 16);
}

static void *bad_align(size_t size_bytes) {
    return (char *)malloc(size_bytes + 64) + 8;
}

static void *bad_calloc(size_t count, size_t size_bytes) {
    unsigned char *block = calloc(count, size_bytes);
    block[count * size_bytes - 1] = 1;
    return block;
}

static void *bad_realloc(void *block, size_t size_bytes) {
    free(block);
    unsigned char *moved = malloc(size_bytes);
    memset(moved, 0, size_bytes);
    return moved;
}

static void bad_free(void *block) {
    (void)block;
    memory[64 + 8] ^= 1; /* of the block after the one that is freed */
}

static void *good_memory(size_t size_bytes) {
    static size_t next;
    (void)size_bytes;
    return memory + 64 * (next++ % 64);
}

static size_t bad_usable(void *block) {
    (void)block;
    return 10;
}

static size_t greedy_usable(void *block) {
    (void)block;
    return 65;
}

static void *bad_errno(size_t size_bytes) {
    (void)size_bytes;
    errno = EAGAIN;
    return NULL;
}

static void *bad_crash(size_t size_bytes) {
    (void)size_bytes;
    raise(SIGSEGV);
    return NULL;
}

static void *bad_abort(size_t size_bytes) {
    (void)size_bytes;
    static const char text[] = "hakmem: a list is broken\n";
    ssize_t ignored = write(STDERR_FILENO, text, sizeof text - 1);
    (void)ignored;
    abort();
}

static void *bad_wait(size_t size_bytes) {
    (void)size_bytes;
    while (pause() != 0) {
    }
    return NULL;
}

static void *bad_exit(size_t size_bytes) {
    (void)size_bytes;
    _exit(0);
}

static void *too_generous(size_t size_bytes) {
    (void)size_bytes;
    return memory;
}

static void assert_seen(struct backend backend, const char *lines, enum check expected) {
    static struct owned owned;
    struct real_plan plan = plan_of(&backend, REAL_ORDER_VIRTUAL);
    write_program(&owned, lines);
    enum check check = run(&plan, &owned);
    if (check != expected) {
        fail_msg("%s was found, where it was to be %s: %s", check_table[check].id, check_table[expected].id,
                 outcome.verdict.message);
    }
}

static struct backend libc_backend(void) {
    struct backend backend;
    assert_true(backend_open(&backend, "libc", "", why, sizeof why));
    return backend;
}

#define BAD(field, function, lines, check)                                                                             \
    do {                                                                                                               \
        struct backend bad = libc_backend();                                                                           \
        bad.field = (function);                                                                                        \
        assert_seen(bad, (lines), CHECK_##check);                                                                      \
    } while (0)

static void *bad_second(size_t size_bytes) {
    static unsigned calls;
    if (++calls == 2) {
        raise(SIGSEGV);
    }
    return malloc(size_bytes);
}

/* What a process did is known after its end, however that came. */
static void test_a_journal_outlives_the_process(void **state) {
    (void)state;
    static struct owned owned;
    struct backend bad = libc_backend();
    bad.malloc = bad_second;
    struct real_plan plan = plan_of(&bad, REAL_ORDER_VIRTUAL);
    plan.journal = mmap(NULL, sizeof *plan.journal, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(plan.journal, MAP_FAILED);
    write_program(&owned, "t0 malloc s0 48\nt0 nop\nt1 free s0\nt1 malloc s1 96\nt0 malloc s2 16\n");
    assert_int_equal(run(&plan, &owned), CHECK_CRASH);
    assert_int_equal(outcome.verdict.record, 3);
    static const char signature[] = "crash/malloc/9-128/-/"; /* and how: a sanitizer names that otherwise */
    assert_memory_equal(outcome.verdict.signature, signature, sizeof signature - 1);
    const struct journal_entry *entries = plan.journal->entries;
    const struct journal_change *changes = plan.journal->changes;
    assert_int_equal(plan.journal->entry_count, 4);
    assert_true(entries[0].applied && entries[0].ended && entries[0].thread == 0);
    assert_true(!entries[1].applied && entries[1].ended);
    assert_true(entries[2].applied && entries[2].thread == 1 && entries[2].start == changes[0].start);
    assert_false(entries[3].ended);
    assert_int_equal(plan.journal->change_count, 2);
    assert_true(changes[0].kind == JOURNAL_ALLOCATED && changes[0].bytes == 48 && changes[0].born_on == 0);
    assert_true(changes[1].kind == JOURNAL_FREED && changes[1].start == changes[0].start);
    munmap(plan.journal, sizeof *plan.journal);
}

static void test_wrong_addresses_are_seen(void **state) {
    (void)state;
    BAD(malloc, bad_same, "t0 malloc s0 48\nt1 malloc s1 48\n", DOUBLE_ALLOC);
    BAD(malloc, bad_overlap, "t0 malloc s0 48\nt1 malloc s1 48\n", OVERLAP);
    BAD(malloc, bad_align, "t0 malloc s0 48\n", MISALIGNED);
    BAD(usable_size, bad_usable, "t0 malloc s0 48\nt1 usable s0\n", USABLE_SMALL);
    BAD(malloc, too_generous, "t0 malloc s0 max\n", IMPOSSIBLE_SUCCESS);
    struct backend bad = libc_backend();
    bad.malloc = good_memory;
    bad.usable_size = greedy_usable;
    assert_seen(bad, "t0 malloc s0 48\nt0 malloc s1 48\nt1 usable s0\n", CHECK_USABLE_OVERLAP);
}

static void test_wrong_content_is_seen(void **state) {
    (void)state;
    BAD(calloc, bad_calloc, "t0 calloc s0 48 n=2\n", CALLOC_NONZERO);
    BAD(realloc, bad_realloc, "t0 malloc s0 48\nt1 realloc s0 96\n", REALLOC_PREFIX);
    struct backend bad = libc_backend();
    bad.malloc = good_memory;
    bad.free = bad_free;
    assert_seen(bad, "t0 malloc s0 48\nt0 malloc s1 48\nt1 free s0\nt2 verify s1\n", CHECK_CONTENT_CHANGED);
}

static void test_wrong_errno_is_seen(void **state) {
    (void)state;
    BAD(malloc, bad_errno, "t0 malloc s0 48\n", ERRNO_CONTRACT);
}

static void test_wrong_ends_are_seen(void **state) {
    (void)state;
#if !HAK_ASAN
    BAD(malloc, bad_crash, "t0 malloc s0 48\n", CRASH);
#else
    (void)bad_crash;
#endif
    BAD(malloc, bad_abort, "t0 malloc s0 48\n", INVARIANT);
    assert_non_null(strstr(outcome.verdict.message, "a list is broken"));
    BAD(malloc, bad_wait, "t0 malloc s0 48\n", DEADLOCK);
}

static void test_an_exit_in_the_middle_is_no_success(void **state) {
    (void)state;
    BAD(malloc, bad_exit, "t0 malloc s0 48\n", CRASH);
}

/* A sanitizer's malloc ends the process where others return NULL. */
extern void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

/* What a malloc need not promise is not asked of it. */
static void test_libc_is_right(void **state) {
    (void)state;
    if (__sanitizer_set_death_callback != NULL) {
        skip();
    }
    static struct owned owned;
    struct mutate_random random;
    struct backend libc = libc_backend();
    struct real_plan plan = plan_of(&libc, REAL_ORDER_FREE);
    plan.instances = 3;
    mutate_seed(&random, 11);
    for (unsigned i = 0; i < 10; i++) {
        generate(&random, &owned);
        assert_clean(&plan, &owned);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_virtual_order_is_that_of_the_world, tidy),
        cmocka_unit_test_teardown(test_held_back_records_are_late_here_too, tidy),
        cmocka_unit_test(test_virtual_order_is_the_same_every_time),
        cmocka_unit_test(test_many_instances_do_all_their_records),
        cmocka_unit_test(test_what_is_not_carried_out_is_counted),
        cmocka_unit_test(test_a_fault_is_armed_and_seen),
        cmocka_unit_test(test_a_journal_outlives_the_process),
        cmocka_unit_test(test_wrong_addresses_are_seen),
        cmocka_unit_test(test_wrong_content_is_seen),
        cmocka_unit_test(test_wrong_errno_is_seen),
        cmocka_unit_test(test_wrong_ends_are_seen),
        cmocka_unit_test(test_an_exit_in_the_middle_is_no_success),
        cmocka_unit_test(test_libc_is_right),
    };
    return cmocka_run_group_tests(tests, open_all, close_world);
}
