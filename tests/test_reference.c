/* reference and beside: each fact of the plain model is one that an answer can break, and what is open is none; and
 * what target differential sees of hakmem, no other target does. */
#include <errno.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "oracle/reference.h"
#include "oracle/world.h"
#include "tests/world_fixture.h"

static char words[128];

#define CALL(...) (&(const struct reference_call){__VA_ARGS__})
#define ANSWER(...) (&(const struct reference_answer){.nonzero = -1, .lost = -1, __VA_ARGS__})
/* With both offsets. */
#define HARM(...) (&(const struct reference_answer){__VA_ARGS__})
#define JUDGE(call, answer) ((int)reference_judge(call, answer, words, sizeof words))

/* --- the model --- */

static void test_what_is_right_is_no_fact(void **state) {
    (void)state;
    const struct reference_call *call = CALL(.op = OP_MALLOC, .size_bytes = 100);
    assert_int_equal(JUDGE(call, ANSWER(.start = 4096)), FACT_COUNT);
    assert_int_equal(JUDGE(call, ANSWER(.error = ENOMEM, .was_refused = true)), FACT_COUNT);
    assert_int_equal(JUDGE(CALL(.op = OP_MALLOC, .size_bytes = 8), ANSWER(.start = 4104)), FACT_COUNT);
    call = CALL(.op = OP_REALLOC, .size_bytes = 100, .block_bytes = 50, .has_block = true);
    assert_int_equal(JUDGE(call, ANSWER(.start = 4096)), FACT_COUNT);
    assert_int_equal(JUDGE(CALL(.op = OP_FREE, .has_block = true), ANSWER(.error = 0)), FACT_COUNT);
    call = CALL(.op = OP_USABLE, .has_block = true, .block_bytes = 20, .told_bytes = 24);
    assert_int_equal(JUDGE(call, ANSWER(.usable_bytes = 24)), FACT_COUNT);
}

static void test_each_fact_can_be_broken(void **state) {
    (void)state;
    const size_t above = (size_t)PTRDIFF_MAX + 1;
    const struct reference_call *call = CALL(.op = OP_MALLOC, .size_bytes = 100);
    assert_int_equal(JUDGE(call, ANSWER(.error = ENOMEM)), FACT_SUCCESS);
    assert_int_equal(JUDGE(call, ANSWER(.was_refused = true)), FACT_ERRNO_FAILURE);
    assert_int_equal(JUDGE(call, ANSWER(.start = 4104)), FACT_ALIGNMENT);
    assert_int_equal(JUDGE(CALL(.op = OP_MALLOC, .size_bytes = 8), ANSWER(.start = 4100)), FACT_ALIGNMENT);
    assert_int_equal(JUDGE(CALL(.op = OP_MALLOC, .size_bytes = above), ANSWER(.start = 4096)), FACT_IMPOSSIBLE);
    assert_int_equal(JUDGE(CALL(.op = OP_MALLOC, .size_bytes = above), ANSWER(.error = 0)), FACT_ERRNO_FAILURE);
    assert_int_equal(JUDGE(CALL(.op = OP_CALLOC, .overflows = true), ANSWER(.start = 4096)), FACT_IMPOSSIBLE);
    assert_int_equal(JUDGE(CALL(.op = OP_CALLOC, .overflows = true), ANSWER(.error = EINVAL)), FACT_ERRNO_FAILURE);
    assert_int_equal(JUDGE(CALL(.op = OP_CALLOC, .size_bytes = 9), HARM(.start = 4096, .nonzero = 8, .lost = -1)),
                     FACT_ZERO);
    call = CALL(.op = OP_REALLOC, .size_bytes = 100, .block_bytes = 50, .has_block = true);
    assert_int_equal(JUDGE(call, HARM(.start = 4096, .lost = 49, .nonzero = -1)), FACT_PREFIX);
    assert_int_equal(JUDGE(call, HARM(.error = ENOMEM, .was_refused = true, .nonzero = -1)), FACT_CONTENT);
    assert_int_equal(JUDGE(CALL(.op = OP_FREE, .has_block = true, .block_bytes = 9), HARM(.lost = 3, .nonzero = -1)),
                     FACT_CONTENT);
    assert_int_equal(JUDGE(CALL(.op = OP_FREE, .has_block = true), ANSWER(.error = EINVAL)), FACT_ERRNO_FREE);
    assert_int_equal(JUDGE(CALL(.op = OP_FREE), ANSWER(.error = EINVAL)), FACT_ERRNO_FREE);
    call = CALL(.op = OP_USABLE, .has_block = true, .block_bytes = 20, .told_bytes = 24);
    assert_int_equal(JUDGE(call, ANSWER(.usable_bytes = 20)), FACT_USABLE);
    call = CALL(.op = OP_USABLE, .has_block = true, .block_bytes = 20);
    assert_int_equal(JUDGE(call, ANSWER(.usable_bytes = 19)), FACT_USABLE);
    assert_int_equal(JUDGE(CALL(.op = OP_USABLE), ANSWER(.usable_bytes = 1)), FACT_USABLE);
}

static void test_alignments(void **state) {
    (void)state;
    const struct reference_call *small = CALL(.op = OP_POSIX_MEMALIGN, .size_bytes = 64, .align_bytes = 4);
    assert_int_equal(JUDGE(small, ANSWER(.start = 4096)), FACT_POSIX_ALIGN);
    assert_int_equal(JUDGE(small, ANSWER(.error = ENOMEM)), FACT_POSIX_ALIGN);
    assert_int_equal(JUDGE(small, ANSWER(.error = EINVAL)), FACT_COUNT);
    const struct reference_call *odd = CALL(.op = OP_ALIGNED_ALLOC, .size_bytes = 64, .align_bytes = 17);
    assert_int_equal(JUDGE(odd, ANSWER(.start = 4096)), FACT_ALIGNED_BAD);
    assert_int_equal(JUDGE(odd, ANSWER(.error = EINVAL)), FACT_COUNT);
    assert_true(reference_is_hopeless(small) && reference_is_hopeless(odd));
    const struct reference_call *good = CALL(.op = OP_ALIGNED_ALLOC, .size_bytes = 64, .align_bytes = 4);
    assert_int_equal(JUDGE(good, ANSWER(.start = 4096)), FACT_COUNT);
    assert_false(reference_is_hopeless(good));
    const struct reference_call *large = CALL(.op = OP_MEMALIGN, .size_bytes = 64, .align_bytes = 4096);
    assert_int_equal(JUDGE(large, ANSWER(.start = 8192)), FACT_COUNT);
    assert_int_equal(JUDGE(large, ANSWER(.start = 2048)), FACT_ALIGNMENT);
}

static void test_what_is_open_is_passed_over(void **state) {
    (void)state;
    assert_int_equal(JUDGE(CALL(.op = OP_MALLOC, .size_bytes = 0), ANSWER(.error = 0)), FACT_COUNT);
    assert_int_equal(JUDGE(CALL(.op = OP_MALLOC, .size_bytes = 0), ANSWER(.start = 4096)), FACT_COUNT);
    const struct reference_call *gone = CALL(.op = OP_REALLOC, .block_bytes = 50, .has_block = true);
    assert_int_equal(JUDGE(gone, ANSWER(.error = 0)), FACT_COUNT);
    assert_int_equal(JUDGE(gone, ANSWER(.start = 4096)), FACT_COUNT);
    const struct reference_call *odd = CALL(.op = OP_MEMALIGN, .size_bytes = 64, .align_bytes = 17);
    assert_int_equal(JUDGE(odd, ANSWER(.start = 4096)), FACT_COUNT);
    assert_int_equal(JUDGE(odd, ANSWER(.error = EINVAL)), FACT_COUNT);
    assert_int_equal(JUDGE(CALL(.op = OP_MALLOC, .size_bytes = 9), ANSWER(.start = 4096, .error = ENOENT)), FACT_COUNT);
}

/* --- the target --- */

static enum check run_on(enum target target, const char *lines, struct verdict *verdict) {
    static struct owned owned;
    write_program(&owned, lines);
    return world_run(&target_table[target], &owned.program, NULL, verdict);
}

static void test_no_other_target_sees_it(void **state) {
    (void)state;
    static const char text[] = "t0 malloc s0 16\nt0 free s1\nt0 free s0\n";
    struct verdict verdict;
    assert_true(world_arm_fault("free-null-errno"));
    for (unsigned target = 0; target < TARGET_COUNT; target++) {
        bool is_it = target == TARGET_DIFFERENTIAL, is_whole = *target_table[target].component == '\0';
        if (!is_whole) {
            continue;
        }
        assert_int_equal(run_on((enum target)target, text, &verdict), is_it ? CHECK_DIVERGENCE : CHECK_NONE);
        assert_true(verdict.fault_triggered > 0);
    }
    assert_true(world_arm_fault(""));
    assert_int_equal(run_on(TARGET_DIFFERENTIAL, text, &verdict), CHECK_NONE);
}

/* What libc holds is in no trace, and a run that ends early leaves nothing of it behind. */
static void test_runs_do_not_know_of_each_other(void **state) {
    (void)state;
    static const char keeps[] = "t0 malloc s0 32k\nt0 malloc s1 48k\nt0 free s2\n",
                      uses[] = "t0 usable s0\nt0 calloc s0 8 n=8\nt0 realloc s1 48\nt0 usable s1\n";
    struct verdict first, again;
    assert_int_equal(run_on(TARGET_DIFFERENTIAL, uses, &first), CHECK_NONE);
    size_t before_bytes = mallinfo2().uordblks;
    assert_true(world_arm_fault("free-null-errno"));
    assert_int_equal(run_on(TARGET_DIFFERENTIAL, keeps, &again), CHECK_DIVERGENCE);
    assert_in_range(mallinfo2().uordblks, 0, before_bytes + 4096); /* small ones are kept by the thread, as used */
    assert_true(world_arm_fault(""));
    assert_int_equal(run_on(TARGET_DIFFERENTIAL, uses, &again), CHECK_NONE);
    assert_true(again.trace_hash == first.trace_hash);
    assert_int_equal(run_on(TARGET_SEQUENCE, uses, &again), CHECK_NONE);
    assert_true(again.trace_hash == first.trace_hash);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_right_is_no_fact),
        cmocka_unit_test(test_each_fact_can_be_broken),
        cmocka_unit_test(test_alignments),
        cmocka_unit_test(test_what_is_open_is_passed_over),
        cmocka_unit_test(test_no_other_target_sees_it),
        cmocka_unit_test(test_runs_do_not_know_of_each_other),
    };
    return cmocka_run_group_tests_name("reference", tests, open_world, close_world);
}
