/* Ground truth: each fault of the catalogue has an entry in the corpus that trips it, seen by the check that is
 * expected to see it, every time in the same way; without the fault the entry is clean. And no check is without a
 * fault. */
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

/* With headers, what is written past a block meets the next one's header first: other checks see these. */
static enum check expected_check(const struct fault_info *fault) {
    static const struct {
        const char *fault;
        enum check check;
    } others[] = {{"link-past-block", CHECK_INVARIANT}, {"class-round-down", CHECK_CONTENT_CHANGED}};
    for (size_t i = 0; HAK_HEADER && i < sizeof others / sizeof others[0]; i++) {
        if (strcmp(others[i].fault, fault->name) == 0) {
            return others[i].check;
        }
    }
    return fault->check;
}

static void assert_found(const struct fault_info *fault, const struct verdict *verdict) {
    enum check expected = expected_check(fault);
    /* Where whole heaps are proven in front of each change, an assertion may be sooner. */
    bool is_sooner = HAK_CHECK >= 2 && verdict->check == CHECK_INVARIANT;
    if (verdict->check != expected && !is_sooner) {
        fail_msg("%s: expected %s, seen %s: %s", fault->name, check_table[expected].id, check_table[verdict->check].id,
                 verdict->message);
    }
    assert_true(verdict->fault_reached > 0);
    assert_true(verdict->fault_triggered > 0);
    assert_true(verdict->fault_triggered <= verdict->fault_reached);
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

/* --- the catalogue --- */

static void test_every_check_has_a_fault(void **state) {
    (void)state;
    unsigned without = 0;
    for (unsigned check = CHECK_NONE + 1; check < CHECK_COUNT; check++) {
        bool covered = false;
        for (unsigned i = 1; i < HAK_FAULT_COUNT; i++) {
            covered = covered || fault_table[i].check == (enum check)check;
        }
        if (!covered) {
            print_error("no fault trips check %s: it is not finished\n", check_table[check].id);
            without++;
        }
    }
    assert_int_equal(without, 0);
}

static void test_catalogue_is_complete(void **state) {
    (void)state;
    assert_string_equal(fault_table[HAK_FAULT_NONE].name, "none");
    for (int i = 1; i < HAK_FAULT_COUNT; i++) {
        const struct fault_info *fault = &fault_table[i];
        assert_non_null(fault->name); /* each id of allocator/fault.h has its row */
        assert_true(fault->name[0] && fault->origin[0] && fault->needs[0]);
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
    static struct CMUnitTest tests[HAK_FAULT_COUNT - 1 + 3];
    unsigned count = 0;
    for (unsigned i = 1; i < HAK_FAULT_COUNT; i++) {
        tests[count++] = (struct CMUnitTest){
            .name = fault_table[i].name, .test_func = test_fault, .initial_state = (void *)(uintptr_t)&fault_table[i]};
    }
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_every_check_has_a_fault);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_catalogue_is_complete);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_unknown_fault_changes_nothing);
    return cmocka_run_group_tests_name("faults", tests, open_world, close_world);
}
