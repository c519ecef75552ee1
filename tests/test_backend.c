/* backend and board: where the malloc under test comes from, and who meets whom among live intervals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "oracle/backend.h"
#include "oracle/board.h"

static char why[512];

/* What stands in the build tree. */
static const char *built(const char *name) {
    static char path[1024];
    const char *build = getenv("HAKMEM_BUILD");
    snprintf(path, sizeof path, "%s/%s", build != NULL ? build : ".", name);
    return path;
}

static void test_libc_is_the_malloc_of_the_process(void **state) {
    (void)state;
    struct backend backend;
    assert_true(backend_open(&backend, "libc", "", why, sizeof why));
    void *block = backend.malloc(100);
    assert_non_null(block);
    assert_true(backend.usable_size(block) >= 100);
    free(block);
    assert_null(backend.trial.begin);
    assert_null(backend.stats_json);
    assert_false(backend.strict);
    backend_close(&backend);
    assert_null(backend.malloc);
}

static void test_the_trial_has_everything(void **state) {
    (void)state;
    struct backend backend;
    if (!backend_open(&backend, built(TRIAL_FILE), "hak_", why, sizeof why)) {
        fail_msg("%s", why);
    }
#define HAS(field, name, result, arguments) assert_true(backend.field != NULL);
    BACKEND_TABLE(HAS)
#undef HAS
    assert_true(backend.strict);
    bool broken_count = false;
    backend.trial.begin(HAK_FAULT_NONE, 0, 0);
    void *block = backend.malloc(48);
    assert_null(backend.trial.prove(1, &broken_count));
    assert_non_null(backend.trial.prove(0, &broken_count));
    assert_true(broken_count);
    backend.free(block);
    assert_null(backend.trial.prove(0, &broken_count));
    backend_close(&backend);
}

static void test_what_is_no_malloc_is_refused(void **state) {
    (void)state;
    struct backend backend;
    assert_false(backend_open(&backend, "./no-such-library.so", "", why, sizeof why));
    assert_non_null(strstr(why, "no-such-library.so"));
    assert_false(backend_open(&backend, built(TRIAL_FILE), "nobody_", why, sizeof why));
    assert_non_null(strstr(why, "nobody_malloc"));
    /* libc's malloc, which it could be found by, is not its own */
    assert_false(backend_open(&backend, built(TRIAL_FILE), "", why, sizeof why));
    assert_non_null(strstr(why, "has no malloc"));
}

/* --- the board --- */

enum { PLACES = 8 };
static _Atomic uint64_t words[PLACES];
static const struct board board = {words, PLACES};

static void assert_packs(uintptr_t start, size_t bytes) {
    uintptr_t got_start;
    size_t got_bytes;
    board_unpack(board_pack(start, bytes), &got_start, &got_bytes);
    assert_int_equal(got_start, start);
    assert_true(got_bytes <= bytes);
    assert_true(bytes - got_bytes <= bytes / 4096);
}

static void test_an_interval_fits_a_word(void **state) {
    (void)state;
    for (size_t bytes = 1; bytes < 8192; bytes++) {
        uintptr_t start;
        size_t got_bytes;
        board_unpack(board_pack(0x7ffffffffff8, bytes), &start, &got_bytes);
        assert_int_equal(start, 0x7ffffffffff8);
        assert_int_equal(got_bytes, bytes);
    }
    for (unsigned shift = 13; shift < 47; shift++) {
        assert_packs(8, (size_t)1 << shift);
        assert_packs(0x555555555550, ((size_t)1 << shift) - 1);
        assert_packs(0x7f0000000000, ((size_t)1 << shift) + 4097);
    }
}

static enum shadow_conflict enter(size_t place, uintptr_t start, size_t bytes, size_t expected_other) {
    size_t other = PLACES;
    enum shadow_conflict conflict = board_enter(&board, place, start, bytes, &other);
    assert_int_equal(other, expected_other);
    if (conflict != SHADOW_CLEAR) {
        board_leave(&board, place);
    }
    return conflict;
}

static void test_who_meets_whom(void **state) {
    (void)state;
    assert_int_equal(enter(0, 0x1000, 64, PLACES), SHADOW_CLEAR);
    assert_int_equal(enter(1, 0x1040, 64, PLACES), SHADOW_CLEAR); /* neighbours do not meet */
    assert_int_equal(enter(2, 0xff8, 8, PLACES), SHADOW_CLEAR);
    assert_int_equal(enter(3, 0x1000, 8, 0), SHADOW_SAME_START);
    assert_int_equal(enter(3, 0x1038, 8, 0), SHADOW_OVERLAP);
    assert_int_equal(enter(3, 0xff0, 9, 2), SHADOW_OVERLAP);
    assert_int_equal(enter(3, 0x1048, 1, 1), SHADOW_OVERLAP);
    assert_int_equal(enter(0, 0x1000, 48, PLACES), SHADOW_CLEAR); /* a place does not meet itself */
    board_leave(&board, 1);
    assert_int_equal(enter(3, 0x1030, 200, PLACES), SHADOW_CLEAR);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_libc_is_the_malloc_of_the_process),
        cmocka_unit_test(test_the_trial_has_everything),
        cmocka_unit_test(test_what_is_no_malloc_is_refused),
        cmocka_unit_test(test_an_interval_fits_a_word),
        cmocka_unit_test(test_who_meets_whom),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
