/* Ground truth: each fault of the catalogue has an entry in the corpus that trips it, seen by the check that is
 * expected to see it, every time in the same way; without the fault the entry is clean. What is counted of a fault is
 * exact. That no check is without a fault is oracle/fault.c's own proof. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "oracle/fault.h"
#include "oracle/world.h"
#include "tests/corpus_files.h"
#include "tests/world_fixture.h"

enum { REPEATS = 20, SAMPLED_RUNS_MAX = 200, ENTRY_RECORDS_MAX = 8 };

static struct program read_bytes(const uint8_t *bytes, size_t size_bytes) {
    struct program program;
    program_read(&program, bytes, size_bytes);
    return program;
}

static struct corpus_file entry_of(const struct fault_info *fault) {
    return corpus_load(&target_table[fault->target], "regress", fault->name);
}

/* Run without any fault: clean, and no fault's place counts as passed. */
static uint64_t assert_clean(const struct corpus_file *file) {
    struct program program = read_bytes(file->bytes, file->size_bytes);
    struct verdict verdict;
    assert_true(world_arm_fault(""));
    world_run(file->target, &program, stderr, &verdict);
    assert_string_equal(check_table[verdict.check].id, check_table[CHECK_NONE].id);
    assert_true(verdict.fault_reached == 0 && verdict.fault_triggered == 0);
    assert_true(verdict.operations > 0 && program.record_count <= ENTRY_RECORDS_MAX);
    return verdict.trace_hash;
}

/* With headers, what is written past a block meets the next one's header first; where whole heaps are proven in front
 * of each change, an assertion may be sooner. Then it is one of the checks that the catalogue allows. */
static void assert_found(const struct fault_info *fault, const struct verdict *verdict) {
    bool is_exact = !HAK_HEADER && HAK_CHECK < 2;
    if (is_exact ? verdict->check != fault->check : !fault_expects(fault, verdict->check)) {
        fail_msg("%s: expected %s, seen %s: %s", fault->name, check_table[fault->check].id,
                 check_table[verdict->check].id, verdict->message);
    }
    assert_true(verdict_detects_fault(verdict));
    assert_true(verdict->fault_reached > 0);
    assert_int_equal(verdict->fault_triggered, 1);
    size_t id_length = strlen(check_table[verdict->check].id);
    assert_memory_equal(verdict->signature, check_table[verdict->check].id, id_length);
    assert_true(verdict->signature[id_length] == '/');
}

static void assert_same(const struct verdict *first, const struct verdict *again) {
    assert_string_equal(again->signature, first->signature);
    assert_string_equal(again->message, first->message);
    assert_true(again->trace_hash == first->trace_hash);
    assert_int_equal(again->record, first->record);
    assert_int_equal(again->operations, first->operations);
    assert_true(again->fault_reached == first->fault_reached);
    assert_true(again->fault_triggered == first->fault_triggered);
}

static void assert_tripped(const struct fault_info *fault, const struct corpus_file *file) {
    struct program program = read_bytes(file->bytes, file->size_bytes);
    struct verdict first, again;
    assert_true(world_arm_fault(fault->name));
    world_run(file->target, &program, NULL, &first);
    assert_found(fault, &first);
    for (unsigned i = 1; i < REPEATS; i++) {
        world_run(file->target, &program, NULL, &again);
        assert_found(fault, &again);
        assert_same(&first, &again);
    }
}

/* This fault makes runs differ, so only the sample of world_run_sampled can see it, and traces are no help. */
static void assert_tripped_by_sample(const struct fault_info *fault, const struct corpus_file *file) {
    struct program program = read_bytes(file->bytes, file->size_bytes);
    assert_true(world_arm_fault(fault->name));
    for (unsigned i = 0; i < REPEATS; i++) {
        struct verdict verdict = {.check = CHECK_NONE};
        for (unsigned n = 0; n < SAMPLED_RUNS_MAX && verdict.check == CHECK_NONE; n++) {
            world_run_sampled(file->target, &program, NULL, &verdict);
        }
        assert_found(fault, &verdict);
        assert_string_equal(verdict.signature, "nondeterminism/trace");
    }
}

#if HAK_ASAN
/* AddressSanitizer reports a crash itself and ends the process: here, one that may. */
static void assert_tripped_in_child(const struct fault_info *fault, const struct corpus_file *file) {
    struct program program = read_bytes(file->bytes, file->size_bytes);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct verdict verdict;
        (void)!freopen("/dev/null", "w", stderr);
        world_arm_fault(fault->name);
        world_run(file->target, &program, NULL, &verdict);
        _exit(0);
    }
    int status;
    assert_true(waitpid(child, &status, 0) == child);
    assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
#endif

static void test_fault(void **state) {
    const struct fault_info *fault = *state;
    struct corpus_file file = entry_of(fault);
    uint64_t trace_before = assert_clean(&file);
    if (fault->check == CHECK_CRASH) {
        world_close(); /* cmocka took the signals for itself when this test began: take them back */
        assert_int_equal(open_world(state), 0);
    }
    if (fault->check == CHECK_NONDETERMINISM) {
        assert_tripped_by_sample(fault, &file);
#if HAK_ASAN
    } else if (fault->check == CHECK_CRASH) {
        assert_tripped_in_child(fault, &file);
#endif
    } else {
        assert_tripped(fault, &file);
    }
    assert_true(world_state_hash() == opening_hash); /* whatever the fault did to the heap */
    assert_true(assert_clean(&file) == trace_before);
    corpus_unload(&file);
}

/* --- counting --- */

static struct verdict run_text(enum hak_fault fault, const char *text) {
    const struct fault_info *info = &fault_table[fault];
    struct verdict verdict;
    size_t size_bytes;
    uint8_t *bytes = corpus_assemble(text, strlen(text), info->name, &size_bytes);
    struct program program = read_bytes(bytes, size_bytes);
    assert_true(world_arm_fault(info->name));
    world_run(&target_table[info->target], &program, NULL, &verdict);
    free(bytes);
    return verdict;
}

/* The place is passed, and the bug makes no difference there: 32 bytes are cleared all the same. */
static void test_reached_only(void **state) {
    (void)state;
    struct verdict verdict = run_text(HAK_FAULT_CALLOC_SKIPS_ZERO, "hakmem 1\n"
                                                                   "t0 calloc s0 32 n=1\n"
                                                                   "t0 calloc s1 16 n=1\n"
                                                                   "t0 calloc s2 16 n=2\n");
    assert_int_equal(verdict.fault_reached, 3);
    assert_int_equal(verdict.fault_triggered, 0);
    assert_int_equal(verdict.check, CHECK_NONE);
    assert_false(verdict_detects_fault(&verdict));
}

/* What is not cleared is zero by chance: the bug acts, and nobody can see it. */
static void test_triggered_only(void **state) {
    (void)state;
    struct verdict verdict = run_text(HAK_FAULT_CALLOC_SKIPS_ZERO, "hakmem 1\n"
                                                                   "t0 calloc s0 16 n=1\n"
                                                                   "t0 calloc s1 48 n=1\n");
    assert_int_equal(verdict.fault_reached, 2);
    assert_int_equal(verdict.fault_triggered, 1);
    assert_int_equal(verdict.check, CHECK_NONE);
    assert_false(verdict_detects_fault(&verdict));
}

/* Six times the bug acts; what is counted is the way to the first. The next run begins anew. */
static void test_first_trigger_latches(void **state) {
    (void)state;
    static const char often[] = "hakmem 1\n"
                                "t0 calloc s0 16 n=1\n"
                                "t0 calloc s1 48 n=1\n"
                                "t0 calloc s2 16 n=1\n"
                                "t0 calloc s3 48 n=1\n"
                                "t0 calloc s4 64 n=1\n"
                                "t0 calloc s5 80 n=1\n"
                                "t0 calloc s6 96 n=1\n"
                                "t0 calloc s7 112 n=1\n";
    for (unsigned i = 0; i < 2; i++) {
        struct verdict verdict = run_text(HAK_FAULT_CALLOC_SKIPS_ZERO, often);
        assert_int_equal(verdict.fault_reached, 2);
        assert_int_equal(verdict.fault_triggered, 1);
    }
}

/* Latched is not disarmed: the second calloc of a block that was used is not cleared either, and that is seen. */
static void test_latched_fault_still_acts(void **state) {
    (void)state;
    struct verdict verdict = run_text(HAK_FAULT_CALLOC_SKIPS_ZERO, "hakmem 1\n"
                                                                   "t0 calloc s0 48 n=1\n"
                                                                   "t0 free s0\n"
                                                                   "t0 calloc s0 48 n=1\n");
    assert_int_equal(verdict.check, CHECK_CALLOC_NONZERO);
    assert_int_equal(verdict.record, 2);
    assert_int_equal(verdict.fault_reached, 1);
    assert_int_equal(verdict.fault_triggered, 1);
    assert_true(verdict_detects_fault(&verdict));
}

static void test_finding_in_front_of_the_trigger(void **state) {
    (void)state;
    const struct verdict verdict = {.check = CHECK_CRASH, .fault_reached = 5};
    assert_false(verdict_detects_fault(&verdict));
}

/* --- the catalogue --- */

static void test_catalogue_is_complete(void **state) {
    (void)state;
    assert_string_equal(fault_table[HAK_FAULT_NONE].name, "none");
    for (int i = 1; i < HAK_FAULT_COUNT; i++) {
        const struct fault_info *fault = &fault_table[i];
        assert_non_null(fault->name); /* each id of allocator/fault.h has its row */
        assert_true(fault->name[0] && fault->origin[0] && fault->title[0] && fault->needs[0]);
        assert_true(fault_expects(fault, fault->check) && !fault_expects(fault, CHECK_NONE));
        assert_true(fault->checks >> CHECK_COUNT == 0 && fault->class < FAULT_CLASS_COUNT);
        assert_int_equal(fault_find(fault->name), i);
        assert_string_equal(target_table[fault->target].planted_fault, "");
    }
    assert_int_equal(fault_find(""), HAK_FAULT_NONE);
    assert_int_equal(fault_find("none"), HAK_FAULT_NONE);
    assert_int_equal(fault_find("no-such-fault"), -1);
    for (unsigned i = 0; i < TARGET_COUNT; i++) {
        assert_true(fault_find(target_table[i].planted_fault) >= 0);
    }
}

static void test_unknown_fault_changes_nothing(void **state) {
    (void)state;
    struct corpus_file file = entry_of(&fault_table[HAK_FAULT_ERRNO_MISSING]);
    struct program program = read_bytes(file.bytes, file.size_bytes);
    struct verdict verdict;
    assert_true(world_arm_fault("errno-missing"));
    assert_false(world_arm_fault("errno-mising"));
    assert_int_equal(world_run(file.target, &program, NULL, &verdict), CHECK_ERRNO_CONTRACT);
    assert_true(world_arm_fault("none"));
    assert_int_equal(world_run(file.target, &program, NULL, &verdict), CHECK_NONE);
    corpus_unload(&file);
}

int main(void) {
    static struct CMUnitTest tests[HAK_FAULT_COUNT - 1 + 7];
    unsigned count = 0;
    for (unsigned i = 1; i < HAK_FAULT_COUNT; i++) {
        tests[count++] = (struct CMUnitTest){
            .name = fault_table[i].name, .test_func = test_fault, .initial_state = (void *)(uintptr_t)&fault_table[i]};
    }
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_reached_only);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_triggered_only);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_first_trigger_latches);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_latched_fault_still_acts);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_finding_in_front_of_the_trigger);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_catalogue_is_complete);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_unknown_fault_changes_nothing);
    return cmocka_run_group_tests_name("faults", tests, open_world, close_world);
}
