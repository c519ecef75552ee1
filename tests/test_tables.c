/* The tables that bytes are looked up in: what stands where must never change. Pointed sizes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "oracle/check.h"
#include "oracle/program.h"
#include "oracle/target.h"

/* --- pointed --- */

static size_t named_boundary(const char *name) {
    for (unsigned i = 0; i < BOUNDARY_COUNT; i++)
        if (strcmp(program_boundaries[i].name, name) == 0)
            return i;
    fail_msg("no boundary is called %s", name);
    return 0;
}

/* The encoding must never change, so the table stands here a second time, in another form. */
static void test_boundaries_are_where_they_were(void **state) {
    (void)state;
    static const struct {
        unsigned index;
        size_t value_bytes;
        const char *name;
    } pinned[] = {
        {0, 0, "0"},
        {1, 8, "8"},
        {2, 16, "16"},
        {9, 128, "128"},
        {10, 144, "144"},
        {17, 256, "256"},
        {18, 288, "288"},
        {25, 512, "512"},
        {26, 576, "576"},
        {33, 1024, "1k"},
        {34, 2048, "2k"},
        {38, 32768, "32k"},
        {43, (size_t)1 << 20, "1m"},
        {45, (size_t)4 << 20, "4m"},
        {46, (size_t)16 << 20, "16m"},
        {48, (size_t)128 << 20, "128m"},
        {49, (size_t)2 << 30, "2g"},
        {51, (size_t)128 << 40, "128t"},
        {52, (size_t)PTRDIFF_MAX, "half"},
        {53, SIZE_MAX - 4095, "top-page"},
        {54, (size_t)PTRDIFF_MAX + 1, "top-half"},
        {55, SIZE_MAX, "max"},
    };
    for (size_t i = 0; i < sizeof pinned / sizeof pinned[0]; i++) {
        assert_true(program_boundaries[pinned[i].index].value_bytes == pinned[i].value_bytes);
        assert_string_equal(program_boundaries[pinned[i].index].name, pinned[i].name);
    }
    for (unsigned i = 1; i < 53; i++)
        assert_true(program_boundaries[i].value_bytes > program_boundaries[i - 1].value_bytes);
}

static void test_boundary_names_say_their_values(void **state) {
    (void)state;
    static const char suffixes[] = "kmgt";
    for (unsigned i = 0; i < 52; i++) {
        char *end;
        size_t value_bytes = strtoull(program_boundaries[i].name, &end, 10);
        const char *suffix = *end ? strchr(suffixes, *end) : NULL;
        assert_true(*end == '\0' || suffix != NULL);
        if (suffix)
            value_bytes <<= 10 * (size_t)(suffix - suffixes + 1);
        assert_true(program_boundaries[i].value_bytes == value_bytes);
    }
}

static void test_size_is_boundary_plus_distance(void **state) {
    (void)state;
    for (unsigned boundary = 0; boundary < BOUNDARY_COUNT; boundary++) {
        for (int distance = INT8_MIN; distance <= INT8_MAX; distance++) {
            struct record record = {.op = OP_MALLOC, .boundary = (uint8_t)boundary, .distance = (int8_t)distance};
            size_t value = program_boundaries[boundary].value_bytes;
            size_t expected = distance < 0 ? value - (size_t)-distance : value + (size_t)distance;
            assert_true(record_size_bytes(&record) == expected);
        }
    }
}

static void test_size_wraps_at_both_ends(void **state) {
    (void)state;
    struct record below = {.op = OP_MALLOC, .boundary = (uint8_t)named_boundary("0"), .distance = -1};
    struct record above = {.op = OP_MALLOC, .boundary = (uint8_t)named_boundary("max"), .distance = 1};
    assert_true(record_size_bytes(&below) == SIZE_MAX);
    assert_true(record_size_bytes(&above) == 0);
}

static void test_alignment_is_a_power_of_two_or_one_more(void **state) {
    (void)state;
    for (unsigned exponent = 0; exponent < 32; exponent++) {
        uint8_t bytes[PROGRAM_RECORD_BYTES] = {OP_MEMALIGN, 0, 0, (uint8_t)exponent};
        struct record even = record_read(bytes, 16);
        bytes[3] |= 0x80;
        struct record odd = record_read(bytes, 16);
        assert_true(record_align_bytes(&even) == (size_t)1 << exponent);
        assert_true(record_align_bytes(&odd) == ((size_t)1 << exponent) + 1);
    }
}

/* --- tables --- */

static void test_operations_are_where_they_were(void **state) {
    (void)state;
    assert_int_equal(OP_NOP, 0);
    assert_int_equal(OP_MALLOC, 1);
    assert_int_equal(OP_FREE, 8);
    assert_int_equal(OP_THREAD_END, 15);
    assert_int_equal(OP_FREE_MANY, 21);
    for (unsigned i = 0; i < OP_COUNT; i++) {
        const struct op_info *info = &program_op_info[i];
        assert_int_equal((info->fields & FIELD_COUNT) != 0, info->count_word[0] != '\0');
        for (unsigned j = 0; j < i; j++)
            assert_string_not_equal(info->name, program_op_info[j].name);
    }
}

static void test_checks_have_ids_of_their_own(void **state) {
    (void)state;
    assert_string_equal(check_table[CHECK_NONE].id, "none");
    assert_string_equal(check_table[CHECK_DOUBLE_ALLOC].id, "double-alloc");
    for (unsigned i = 1; i < CHECK_COUNT; i++) {
        assert_true(check_table[i].meaning[0] && check_table[i].look_for[0]);
        for (unsigned j = 0; j < i; j++)
            assert_string_not_equal(check_table[i].id, check_table[j].id);
    }
}

static void test_targets_are_found_by_both_names(void **state) {
    (void)state;
    for (unsigned i = 0; i < TARGET_COUNT; i++) {
        char binary[64];
        snprintf(binary, sizeof binary, "fuzz_%s", target_table[i].name);
        assert_ptr_equal(target_find(target_table[i].name), &target_table[i]);
        assert_ptr_equal(target_find(binary), &target_table[i]);
    }
    assert_null(target_find("thread"));
    assert_null(target_find("fuzz_"));
    assert_null(target_find(""));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_boundaries_are_where_they_were),
        cmocka_unit_test(test_boundary_names_say_their_values),
        cmocka_unit_test(test_size_is_boundary_plus_distance),
        cmocka_unit_test(test_size_wraps_at_both_ends),
        cmocka_unit_test(test_alignment_is_a_power_of_two_or_one_more),
        cmocka_unit_test(test_operations_are_where_they_were),
        cmocka_unit_test(test_checks_have_ids_of_their_own),
        cmocka_unit_test(test_targets_are_found_by_both_names),
    };
    return cmocka_run_group_tests_name("tables", tests, NULL, NULL);
}
