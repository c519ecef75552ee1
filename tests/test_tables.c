/* The tables that bytes are looked up in: what stands where must never change. Pointed sizes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "allocator/class.h"
#include "oracle/check.h"
#include "oracle/preset.h"
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
        {56, 1152, "1152"},
        {62, 1920, "1920"},
        {63, 2304, "2304"},
        {70, 4608, "4608"},
        {71, 5120, "5k"},
        {90, 30720, "30k"},
        {97, 61440, "60k"},
        {98, 73728, "72k"},
        {119, 589824, "576k"},
        {125, 983040, "960k"},
    };
    for (size_t i = 0; i < sizeof pinned / sizeof pinned[0]; i++) {
        assert_true(program_boundaries[pinned[i].index].value_bytes == pinned[i].value_bytes);
        assert_string_equal(program_boundaries[pinned[i].index].name, pinned[i].name);
    }
    for (unsigned i = 1; i < 53; i++)
        assert_true(program_boundaries[i].value_bytes > program_boundaries[i - 1].value_bytes);
    for (unsigned i = 57; i < BOUNDARY_COUNT; i++)
        assert_true(program_boundaries[i].value_bytes > program_boundaries[i - 1].value_bytes);
}

/* Every class edge is a boundary, and so is every length of a run that is a step. */
static void test_boundaries_have_every_class(void **state) {
    (void)state;
    for (unsigned class_id = 0; class_id < HAK_CLASS_COUNT; class_id++) {
        unsigned found = 0;
        for (unsigned i = 0; i < BOUNDARY_COUNT; i++)
            found += program_boundaries[i].value_bytes == hak_class_bytes[class_id];
        assert_int_equal(found, 1);
    }
    for (size_t doubling = 32 << 10; doubling < 1 << 20; doubling *= 2) {
        for (size_t eighth = 9; eighth <= 16; eighth++) {
            unsigned found = 0;
            for (unsigned i = 0; i < BOUNDARY_COUNT; i++)
                found += program_boundaries[i].value_bytes == doubling / 8 * eighth;
            assert_int_equal(found, 1);
        }
    }
}

static void test_boundary_names_say_their_values(void **state) {
    (void)state;
    static const char suffixes[] = "kmgt";
    for (unsigned i = 0; i < BOUNDARY_COUNT; i = i == 51 ? 56 : i + 1) {
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
    assert_int_equal(OP_FREE_ALIGNED_SIZED, 22);
    assert_int_equal(OP_OPTION, 23);
    assert_int_equal(OP_REPORT, 24);
    for (unsigned i = 0; i < OP_COUNT; i++) {
        const struct op_info *info = &program_op_info[i];
        assert_int_equal((info->fields & FIELD_COUNT) != 0, info->count_word[0] != '\0');
        for (unsigned j = 0; j < i; j++)
            assert_string_not_equal(info->name, program_op_info[j].name);
    }
}

/* The order of presets, choices and values is the encoding. */
static void test_presets_are_where_they_were(void **state) {
    (void)state;
    assert_int_equal(PRESET_DEFAULT, 0);
    assert_int_equal(PRESET_NO_THREAD_CACHE, 1);
    assert_int_equal(PRESET_PINNED, 6);
    assert_int_equal(PRESET_FAIL_FAST, 10);
    assert_int_equal(PRESET_ALL_OFF, 13);
    assert_int_equal(PRESET_WRONG_VALUES, 14);
    assert_int_equal(CHOICE_FAIL_FAST, 0);
    assert_int_equal(CHOICE_REMOTE_BATCH, 5);
    assert_int_equal(CHOICE_RING, 17);
    for (unsigned i = 0; i < PRESET_COUNT; i++)
        for (unsigned j = 0; j < i; j++)
            assert_string_not_equal(preset_table[i].name, preset_table[j].name);
}

static void test_presets_are_valid_and_do_something(void **state) {
    (void)state;
    struct hak_options defaults, options;
    hak_options_default(&defaults);
    for (unsigned i = 0; i < PRESET_COUNT; i++) {
        memset(&options, 0xff, sizeof options);
        preset_apply(&options, i);
        assert_true(hak_options_is_valid(&options));
        assert_null(preset_table[i].environment[PRESET_VARIABLES_MAX]);
        assert_int_equal(memcmp(options.value, defaults.value, sizeof options.value) == 0, i == PRESET_DEFAULT);
        unsigned changed = 0, variables = 0; /* each variable counts, but for wrong ones */
        for (unsigned j = 0; j < HAK_OPTION_COUNT; j++)
            changed += options.value[j] != defaults.value[j];
        while (preset_table[i].environment[variables] != NULL)
            variables++;
        assert_int_equal(changed, i == PRESET_WRONG_VALUES ? 2 : variables); /* VERBOSE, SUPERSLAB_MAX_MEMORY_MB */
    }
}

static void test_choices_are_valid(void **state) {
    (void)state;
    for (unsigned i = 0; i < CHOICE_COUNT; i++) {
        const struct choice_info *choice = &choice_table[i];
        assert_true(choice->value_count > 0 && choice->value_count <= CHOICE_VALUES_MAX);
        for (unsigned j = 0; j < choice->value_count; j++) {
            struct hak_options options;
            hak_options_default(&options);
            options.value[choice->option] = choice->values[j];
            assert_true(hak_options_is_valid(&options));
        }
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
        cmocka_unit_test(test_boundaries_have_every_class),
        cmocka_unit_test(test_boundary_names_say_their_values),
        cmocka_unit_test(test_size_is_boundary_plus_distance),
        cmocka_unit_test(test_size_wraps_at_both_ends),
        cmocka_unit_test(test_alignment_is_a_power_of_two_or_one_more),
        cmocka_unit_test(test_operations_are_where_they_were),
        cmocka_unit_test(test_presets_are_where_they_were),
        cmocka_unit_test(test_presets_are_valid_and_do_something),
        cmocka_unit_test(test_choices_are_valid),
        cmocka_unit_test(test_checks_have_ids_of_their_own),
        cmocka_unit_test(test_targets_are_found_by_both_names),
    };
    return cmocka_run_group_tests_name("tables", tests, NULL, NULL);
}
