/* option: what each row of the table accepts. Rows are tested from the table, so a new one is tested too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "allocator/option.h"

static struct hak_options options;

static void assert_all_default(void) {
    for (unsigned i = 0; i < HAK_OPTION_COUNT; i++)
        assert_int_equal(options.value[i], hak_option_table[i].initial);
    assert_string_equal(options.stats_file, "");
}

static bool parse(enum hak_option_id id, const char *text, uint32_t *value) {
    return hak_option_parse(id, text, strlen(text), value);
}

static void assert_accepts(enum hak_option_id id, const char *text, uint32_t expected) {
    uint32_t value = ~expected;
    if (!parse(id, text, &value) || value != expected) {
        fail_msg("HAKMEM_%s='%s' should be %u", hak_option_table[id].name, text, expected);
    }
}

static void assert_refuses(enum hak_option_id id, const char *text) {
    uint32_t value = 4711;
    if (parse(id, text, &value) || value != 4711) {
        fail_msg("HAKMEM_%s='%s' should be refused", hak_option_table[id].name, text);
    }
}

static void assert_value(enum hak_option_id id, uint64_t value, bool accepted) {
    char text[32];
    snprintf(text, sizeof text, "%ju", (uintmax_t)value);
    if (accepted)
        assert_accepts(id, text, (uint32_t)value);
    else
        assert_refuses(id, text);
}

/* --- the table --- */

static void test_defaults_are_valid(void **state) {
    (void)state;
    memset(&options, 0xff, sizeof options);
    assert_false(hak_options_is_valid(&options));
    hak_options_default(&options);
    assert_true(hak_options_is_valid(&options));
    assert_all_default();
}

static void test_each_row_accepts_its_bounds_and_nothing_beyond(void **state) {
    (void)state;
    for (unsigned i = 0; i < HAK_OPTION_COUNT; i++) {
        const struct hak_option_info *info = &hak_option_table[i];
        enum hak_option_id id = (enum hak_option_id)i;
        bool is_auto = info->zero == HAK_ZERO_AUTO;
        assert_true((info->initial >= info->minimum && info->initial <= info->maximum) ||
                    (is_auto && info->initial == 0));
        assert_value(id, info->initial, true);
        assert_value(id, info->minimum, true);
        assert_value(id, info->maximum, true);
        assert_value(id, (uint64_t)info->maximum + 1, false);
        assert_value(id, 0, is_auto || info->minimum == 0);
        if (info->minimum > 1)
            assert_value(id, info->minimum - 1, false);
    }
}

static void test_validity_is_each_rows_own(void **state) {
    (void)state;
    for (unsigned i = 0; i < HAK_OPTION_COUNT; i++) {
        hak_options_default(&options);
        options.value[i] = hak_option_table[i].maximum + 1;
        assert_false(hak_options_is_valid(&options));
        options.value[i] = hak_option_table[i].maximum;
        assert_true(hak_options_is_valid(&options));
        if (hak_option_table[i].minimum > 1) {
            options.value[i] = hak_option_table[i].minimum - 1;
            assert_false(hak_options_is_valid(&options));
        }
    }
    hak_options_default(&options);
    memset(options.stats_file, 'x', sizeof options.stats_file);
    assert_false(hak_options_is_valid(&options));
}

static void test_rows_have_names_of_their_own_and_a_meaning(void **state) {
    (void)state;
    for (unsigned i = 0; i < HAK_OPTION_COUNT; i++) {
        const char *name = hak_option_table[i].name;
        assert_int_equal(strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"), strlen(name));
        assert_true(hak_option_table[i].meaning[0] != '\0');
        assert_null(strpbrk(hak_option_table[i].meaning, "|\n"));
        assert_string_not_equal(name, "STATS_FILE");
        assert_int_equal(hak_option_find(name, strlen(name)), i); /* the first of its name */
    }
}

/* Promised to users, so it stands here a second time. */
static void test_pinned_defaults(void **state) {
    (void)state;
    hak_options_default(&options);
    assert_int_equal(options.value[HAK_OPTION_SUPERSLAB_MAX_CACHED], 256);
    assert_int_equal(options.value[HAK_OPTION_SUPERSLAB_MAX_MEMORY_MB], 512);
    assert_int_equal(options.value[HAK_OPTION_SUPERSLAB_TTL_SEC], 60);
    assert_int_equal(options.value[HAK_OPTION_VERBOSE], 0);
    assert_int_equal(options.value[HAK_OPTION_FAIL_FAST], 0);
    assert_int_equal(options.value[HAK_OPTION_ACE], 1);
    assert_int_equal(options.value[HAK_OPTION_THREAD_CACHE], 1);
    assert_int_equal(options.value[HAK_OPTION_LAZY_CACHE], 1);
    assert_int_equal(options.value[HAK_OPTION_REMOTE_BATCH], 256);
}

/* --- what a text means --- */

static void test_no_row_accepts_rubbish(void **state) {
    (void)state;
    static const char *const rubbish[] = {
        "",  " ",  "abc", "-1", "-0",  "+1", " 1",   "1 ",  "1x",  "1k1",   "1kk", "0x1", "1.0",  "1,0", "1e0", "k",
        "m", "1t", "1b",  "o",  "onn", "0x", "offf", "tru", "aut", "autom", "1\n", "\n1", "\xff", "1=1", "0k0"};
    for (unsigned i = 0; i < HAK_OPTION_COUNT; i++)
        for (size_t j = 0; j < sizeof rubbish / sizeof rubbish[0]; j++)
            assert_refuses((enum hak_option_id)i, rubbish[j]);
}

/* What is small, or in range, only after 32 or 64 bits have overflowed. */
static void test_no_row_accepts_an_overflow(void **state) {
    (void)state;
    static const char *const large[] = {"4294967295",
                                        "4294967296",
                                        "4294967297",
                                        "4294967360",
                                        "4194304g",
                                        "4294967295g",
                                        "17179869185g",
                                        "18014398509481985k",
                                        "18446744073709551616",
                                        "18446744073709551617",
                                        "18446744073709551680",
                                        "340282366920938463463374607431768211457"};
    for (unsigned i = 0; i < HAK_OPTION_COUNT; i++)
        for (size_t j = 0; j < sizeof large / sizeof large[0]; j++)
            assert_refuses((enum hak_option_id)i, large[j]);
}

static void test_leading_zeros_are_decimal(void **state) {
    (void)state;
    assert_accepts(HAK_OPTION_SUPERSLAB_TTL_SEC, "0010", 10);
    assert_accepts(HAK_OPTION_SUPERSLAB_TTL_SEC, "0000000000000000000000000000000000000000000000000000060", 60);
}

/* A size is converted to the unit of its option, and must be a multiple of it. */
static void test_suffixes(void **state) {
    (void)state;
    assert_accepts(HAK_OPTION_CACHE_MAX_KB, "64k", 64);
    assert_accepts(HAK_OPTION_CACHE_MAX_KB, "64K", 64);
    assert_accepts(HAK_OPTION_CACHE_MAX_KB, "4m", 4096);
    assert_accepts(HAK_OPTION_CACHE_MAX_KB, "1g", 1048576);
    assert_refuses(HAK_OPTION_CACHE_MAX_KB, "2g");
    assert_refuses(HAK_OPTION_CACHE_MAX_KB, "63k");
    assert_refuses(HAK_OPTION_CACHE_MAX_KB, "1025m");
    assert_accepts(HAK_OPTION_DIRTY_MAX_MB, "0k", 0);
    assert_accepts(HAK_OPTION_DIRTY_MAX_MB, "1024k", 1);
    assert_refuses(HAK_OPTION_DIRTY_MAX_MB, "1023k");
    assert_refuses(HAK_OPTION_DIRTY_MAX_MB, "1025k");
    assert_accepts(HAK_OPTION_DIRTY_MAX_MB, "12M", 12);
    assert_accepts(HAK_OPTION_DIRTY_MAX_MB, "1024G", 1048576);
    assert_refuses(HAK_OPTION_DIRTY_MAX_MB, "1025g");
    assert_accepts(HAK_OPTION_DIRTY_MAX_MB, "1073741824k", 1048576);
}

static void test_only_sizes_take_suffixes(void **state) {
    (void)state;
    for (unsigned i = 0; i < HAK_OPTION_COUNT; i++) {
        const struct hak_option_info *info = &hak_option_table[i];
        if (info->kind == HAK_KIND_SWITCH || info->kind == HAK_KIND_NUMBER) {
            assert_refuses((enum hak_option_id)i, "0k");
            assert_refuses((enum hak_option_id)i, "1k");
            assert_refuses((enum hak_option_id)i, "1m");
        }
    }
}

static void test_words_belong_to_switches_and_auto(void **state) {
    (void)state;
    static const struct {
        const char *text;
        uint32_t value;
    } words[] = {{"on", 1}, {"yes", 1}, {"true", 1}, {"off", 0}, {"no", 0}, {"false", 0}, {"ON", 1}, {"False", 0}};
    for (unsigned i = 0; i < HAK_OPTION_COUNT; i++) {
        for (size_t j = 0; j < sizeof words / sizeof words[0]; j++) {
            if (hak_option_table[i].kind == HAK_KIND_SWITCH)
                assert_accepts((enum hak_option_id)i, words[j].text, words[j].value);
            else
                assert_refuses((enum hak_option_id)i, words[j].text);
        }
        if (hak_option_table[i].zero == HAK_ZERO_AUTO) {
            assert_accepts((enum hak_option_id)i, "auto", 0);
            assert_accepts((enum hak_option_id)i, "Auto", 0);
        } else {
            assert_refuses((enum hak_option_id)i, "auto");
        }
    }
}

/* Lengths count, not terminators. */
static void test_texts_need_no_terminator(void **state) {
    (void)state;
    uint32_t value = 0;
    assert_true(hak_option_parse(HAK_OPTION_SUPERSLAB_TTL_SEC, "123", 2, &value));
    assert_int_equal(value, 12);
    assert_true(hak_option_parse(HAK_OPTION_ACE, "only", 2, &value));
    assert_int_equal(value, 1);
    assert_false(hak_option_parse(HAK_OPTION_ACE, "on\0", 3, &value));
    assert_false(hak_option_parse(HAK_OPTION_ACE, "1\0", 2, &value));
    assert_false(hak_option_parse(HAK_OPTION_ACE, "1", 0, &value));
    assert_int_equal(hak_option_find("STATS_FILE", 5), HAK_OPTION_STATS);
    assert_int_equal(hak_option_find("STATS_FILE", 10), HAK_OPTION_COUNT);
    assert_int_equal(hak_option_find("STATS", 4), HAK_OPTION_COUNT);
    assert_int_equal(hak_option_find("", 0), HAK_OPTION_COUNT);
}

static bool set(const char *name, const char *text) {
    return hak_option_set(&options, name, strlen(name), text, strlen(text));
}

static void test_set_changes_one_or_nothing(void **state) {
    (void)state;
    hak_options_default(&options);
    assert_true(set("RUN_SHARDS", "8"));
    assert_int_equal(options.value[HAK_OPTION_RUN_SHARDS], 8);
    assert_false(set("RUN_SHARDS", "65"));
    assert_false(set("RUN_SHARD", "1"));
    assert_false(set("HAKMEM_RUN_SHARDS", "1"));
    assert_false(set("run_shards", "1"));
    assert_false(set("STATS_FILE", "1"));
    assert_false(set("", ""));
    assert_int_equal(options.value[HAK_OPTION_RUN_SHARDS], 8);
    assert_true(set("RUN_SHARDS", "auto"));
    assert_all_default();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults_are_valid),
        cmocka_unit_test(test_each_row_accepts_its_bounds_and_nothing_beyond),
        cmocka_unit_test(test_validity_is_each_rows_own),
        cmocka_unit_test(test_rows_have_names_of_their_own_and_a_meaning),
        cmocka_unit_test(test_pinned_defaults),
        cmocka_unit_test(test_no_row_accepts_rubbish),
        cmocka_unit_test(test_no_row_accepts_an_overflow),
        cmocka_unit_test(test_leading_zeros_are_decimal),
        cmocka_unit_test(test_suffixes),
        cmocka_unit_test(test_only_sizes_take_suffixes),
        cmocka_unit_test(test_words_belong_to_switches_and_auto),
        cmocka_unit_test(test_texts_need_no_terminator),
        cmocka_unit_test(test_set_changes_one_or_nothing),
    };
    return cmocka_run_group_tests_name("option", tests, NULL, NULL);
}
