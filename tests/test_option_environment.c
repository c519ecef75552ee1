/* option: what an environment can do (nothing bad), and the exact words that a user reads. */
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
static char said[16384];

/* Read an environment, and leave the complaints in `said`. Valid whatever it holds. */
static void read_environment(char *const *environment) {
    struct hak_print print;
    memset(&options, 0xff, sizeof options);
    hak_print_open_text(&print, said, sizeof said);
    hak_options_read(&options, environment, &print);
    assert_true(hak_print_close(&print) < sizeof said);
    assert_true(hak_options_is_valid(&options));
}
#define READ(...) read_environment((char *[]){__VA_ARGS__, NULL})

static void assert_all_default(void) {
    for (unsigned i = 0; i < HAK_OPTION_COUNT; i++)
        assert_int_equal(options.value[i], hak_option_table[i].initial);
    assert_string_equal(options.stats_file, "");
}

/* --- what an environment holds --- */

static void test_no_environment_is_the_default(void **state) {
    (void)state;
    read_environment(NULL);
    assert_all_default();
    read_environment((char *[]){NULL});
    assert_all_default();
    READ("PATH=/bin", "HAKMEM", "HAKMEM_", "HAKMEM_STATS", "", "=", "=HAKMEM_STATS=1", "XHAKMEM_STATS=1", "HAKMEM_ACE",
         "hakmem_ACE=0", "HAKMEMSTATS=1", "HAKMEM_ STATS=1");
    assert_all_default();
    assert_string_equal(said, "");
}

static void test_every_row_is_read_from_its_variable(void **state) {
    (void)state;
    for (unsigned i = 0; i < HAK_OPTION_COUNT; i++) {
        const struct hak_option_info *info = &hak_option_table[i];
        uint32_t other = info->initial == info->maximum ? info->minimum : info->maximum;
        char entry[64];
        snprintf(entry, sizeof entry, "HAKMEM_%s=%u", info->name, other);
        READ("A=1", entry, "B=2");
        assert_int_equal(options.value[i], other);
        options.value[i] = info->initial;
        assert_all_default();
    }
}

static void test_first_of_a_name_counts(void **state) {
    (void)state;
    READ("HAKMEM_STATS=2", "HAKMEM_STATS=1", "HAKMEM_STATS=x", "HAKMEM_STATS_FILE=a", "HAKMEM_STATS_FILE=b");
    assert_int_equal(options.value[HAK_OPTION_STATS], 2);
    assert_string_equal(options.stats_file, "a");
    assert_string_equal(said, "");
    READ("HAKMEM_STATS=x", "HAKMEM_STATS=1");
    assert_int_equal(options.value[HAK_OPTION_STATS], 0);
    assert_string_equal(said, "hakmem: HAKMEM_STATS='x' is not a number from 0 to 2; using 0\n");
    READ("HAKMEM_STATS_FILE=", "HAKMEM_STATS_FILE=b");
    assert_string_equal(options.stats_file, "");
}

static void test_names_that_begin_alike_are_not_confused(void **state) {
    (void)state;
    READ("HAKMEM_STATS_FILE=1");
    assert_string_equal(options.stats_file, "1");
    options.stats_file[0] = '\0';
    assert_all_default();
    READ("HAKMEM_STATS=1");
    assert_int_equal(options.value[HAK_OPTION_STATS], 1);
    assert_string_equal(options.stats_file, "");
    READ("HAKMEM_STATS_=1", "HAKMEM_STAT=1", "HAKMEM_STATS_FIL=x", "HAKMEM_STATS_FILES=x", "HAKMEM_HAKMEM_STATS=1");
    assert_all_default();
    READ("HAKMEM_STATS_FILE=/tmp/a=b c");
    assert_string_equal(options.stats_file, "/tmp/a=b c");
}

/* Programs overwrite their environment, to show another name in lists of processes. */
static void test_file_is_a_copy(void **state) {
    (void)state;
    char entry[] = "HAKMEM_STATS_FILE=/tmp/first";
    READ(entry);
    memset(entry, 'x', sizeof entry);
    assert_string_equal(options.stats_file, "/tmp/first");
}

static void test_file_with_too_long_a_name_is_ignored(void **state) {
    (void)state;
    enum { NAME = sizeof "HAKMEM_STATS_FILE=" - 1 };
    char entry[NAME + HAK_OPTION_PATH_BYTES_MAX + 1] = "HAKMEM_STATS_FILE=";
    memset(entry + NAME, 'p', HAK_OPTION_PATH_BYTES_MAX);
    entry[NAME + HAK_OPTION_PATH_BYTES_MAX - 1] = '\0';
    READ(entry);
    assert_int_equal(strlen(options.stats_file), HAK_OPTION_PATH_BYTES_MAX - 1);
    assert_string_equal(said, "");
    entry[NAME + HAK_OPTION_PATH_BYTES_MAX - 1] = 'p';
    READ(entry, "HAKMEM_STATS=1", "HAKMEM_STATS_FILE=b");
    assert_string_equal(options.stats_file, "");
    assert_int_equal(options.value[HAK_OPTION_STATS], 1);
    assert_non_null(strstr(said, "hakmem: HAKMEM_STATS_FILE='ppp"));
    assert_non_null(strstr(said, "' is longer than 1023 bytes; no file is written\n"));
}

static void test_bad_values_are_named_and_the_default_holds(void **state) {
    (void)state;
    READ("HAKMEM_SUPERSLAB_TTL_SEC=abc", "HAKMEM_ACE=2", "HAKMEM_CACHE_CAPACITY=15", "HAKMEM_CACHE_MAX_KB=x",
         "HAKMEM_STATS=", "HAKMEM_DIRTY_MAX_MB=1k", "HAKMEM_RING=off");
    assert_string_equal(said, "hakmem: HAKMEM_SUPERSLAB_TTL_SEC='abc' is not a number from 0 to 86400; using 60\n"
                              "hakmem: HAKMEM_ACE='2' is not on or off or a number from 0 to 1; using 1\n"
                              "hakmem: HAKMEM_CACHE_CAPACITY='15' is not auto or a number from 16 to 2048; using auto\n"
                              "hakmem: HAKMEM_CACHE_MAX_KB='x' is not a number of KB from 64 to 1048576; using 4096\n"
                              "hakmem: HAKMEM_DIRTY_MAX_MB='1k' is not a number of MB from 0 to 1048576; using 12\n");
    assert_int_equal(options.value[HAK_OPTION_RING], 0);
    options.value[HAK_OPTION_RING] = 1;
    assert_all_default();
}

static void test_a_complaint_is_one_short_line(void **state) {
    (void)state;
    char entry[4000] = "HAKMEM_STATS=\n\x1b[31m";
    memset(entry + strlen(entry), 'x', sizeof entry - 1 - strlen(entry));
    READ(entry);
    assert_int_equal(strcspn(said, "\n"), strlen(said) - 1);
    assert_string_equal(said,
                        "hakmem: HAKMEM_STATS='??[31mxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...' is not a number "
                        "from 0 to 2; using 0\n");
}

static void test_complaints_may_go_nowhere(void **state) {
    (void)state;
    char *environment[] = {"HAKMEM_VERBOSE=1", "HAKMEM_STATS=x", "HAKMEM_FOO=1", NULL};
    hak_options_read(&options, environment, NULL);
    assert_int_equal(options.value[HAK_OPTION_VERBOSE], 1);
    assert_true(hak_options_is_valid(&options));
}

static void test_unknown_names_are_named_once_and_only_when_verbose(void **state) {
    (void)state;
    READ("HAKMEM_STAT=1", "HAKMEM_BUILD=x", "HAKMEM_VERBOSE=0");
    assert_string_equal(said, "");
    READ("HAKMEM_STAT=1", "HAKMEM_BUILD=x", "HAKMEM_STAT=2", "HAKMEM_VERBOSE=1",
         "HAKMEM_BUILD=", "HAKMEM_STATS_FILE=f");
    assert_string_equal(said, "hakmem: HAKMEM_STAT is not an option; did you mean HAKMEM_STATS?\n"
                              "hakmem: HAKMEM_BUILD is not an option\n");
    READ("HAKMEM_VERBOSE=2", "HAKMEM_=1", "HAKMEM_NOEQUAL", "HAKMEM_Q\nQ=1");
    assert_string_equal(said, "hakmem: HAKMEM_ is not an option\n"
                              "hakmem: HAKMEM_Q?Q is not an option\n");
}

static void assert_suggests(const char *name, const char *known) {
    char entry[128], expected[256];
    snprintf(entry, sizeof entry, "HAKMEM_%s=1", name);
    if (known == NULL)
        snprintf(expected, sizeof expected, "hakmem: HAKMEM_%s is not an option\n", name);
    else
        snprintf(expected, sizeof expected, "hakmem: HAKMEM_%s is not an option; did you mean HAKMEM_%s?\n", name,
                 known);
    READ(entry, "HAKMEM_VERBOSE=1");
    assert_string_equal(said, expected);
}

static void test_the_nearest_name_is_suggested(void **state) {
    (void)state;
    assert_suggests("STATE", "STATS");
    assert_suggests("STATS_FIEL", "STATS_FILE");
    assert_suggests("stats", "STATS");
    assert_suggests("SUPERSLAB_MAX_MEMORY", "SUPERSLAB_MAX_MEMORY_MB");
    assert_suggests("cache", "CACHE_CAPACITY");
    assert_suggests("CA", NULL);
    assert_suggests("SUPERSLAB_MAX_MEMORY_M", "SUPERSLAB_MAX_MEMORY_MB");
    assert_suggests("SUPERSLAB_MAX_MEMORY_GB", "SUPERSLAB_MAX_MEMORY_MB");
    assert_suggests("BIG_CACHE_MAX_COUNTER", "BIG_CACHE_MAX_COUNT");
    assert_suggests("VREBOSE", "VERBOSE");
    assert_suggests("RINGS", "RING");
    assert_suggests("RINGING", NULL);
    assert_suggests("C", NULL);
    assert_suggests("AC", "ACE");
    assert_suggests("AX", NULL); /* nothing of it would be left */
    assert_suggests("ACEE", "ACE");
    assert_suggests("SUPERSLAB_MAX_MEMORY_MBSUPERSLAB_MAX_MEM", NULL);
}

/* Bytes that mean nothing, near to what means something: always valid, and each complaint is a line. */
static void test_any_environment_is_survived(void **state) {
    (void)state;
    static const char *const pieces[] = {"HAKMEM_", "STATS", "_FILE", "=", "1",    "k",  "m",       "g",
                                         "auto",    "on",    "",      "9", "\xff", "\n", "VERBOSE", "CACHE_MAX_KB"};
    uint32_t random = 7;
    for (unsigned round = 0; round < 5000; round++) {
        char entries[6][128];
        char *environment[7] = {NULL};
        for (unsigned i = 0; i < 6; i++) {
            random = random * 1664525 + 1013904223;
            strcpy(entries[i], random >> 30 == 0 ? "" : "HAKMEM_");
            for (unsigned j = 0; j < 6; j++) {
                random = random * 1664525 + 1013904223;
                strcat(entries[i], pieces[random >> 28]);
            }
            environment[i] = entries[i];
        }
        read_environment(environment);
        for (const char *line = said; *line != '\0'; line = strchr(line, '\n') + 1)
            assert_int_equal(strncmp(line, "hakmem: HAKMEM_", 15), 0);
    }
}

/* --- how it is shown --- */

static const char *line_of(const char *name) {
    static char line[512];
    struct hak_print print;
    hak_print_open_text(&print, said, sizeof said);
    hak_options_print(&options, &print);
    assert_true(hak_print_close(&print) < sizeof said);
    const char *found = strstr(said, name);
    if (found == NULL || found < said + 2) {
        fail_msg("%s is not in the table", name);
    }
    snprintf(line, sizeof line, "%.*s", (int)strcspn(found - 2, "\n"), found - 2);
    return line;
}

static void test_table_of_options_word_for_word(void **state) {
    (void)state;
    READ("HAKMEM_SUPERSLAB_TTL_SEC=5", "HAKMEM_RUN_SHARDS=4", "HAKMEM_ACE=1");
    assert_string_equal(line_of("variable "),
                        "  variable                        value    default  range             meaning");
    assert_string_equal(line_of("HAKMEM_SUPERSLAB_TTL_SEC "),
                        "* HAKMEM_SUPERSLAB_TTL_SEC        5        60       0..86400          "
                        "seconds that an empty SuperSlab, or region of page runs, waits at most");
    assert_string_equal(line_of("HAKMEM_RUN_SHARDS "),
                        "* HAKMEM_RUN_SHARDS               4        auto     auto, 1..64       "
                        "regions of page runs that threads spread over; auto: follows contention");
    assert_string_equal(line_of("HAKMEM_ACE "), "  HAKMEM_ACE                      1        1        0..1              "
                                                "the controller tunes what is not pinned, from what it sees");
    assert_string_equal(line_of("HAKMEM_STATS_FILE "),
                        "  HAKMEM_STATS_FILE               -        -        a file            "
                        "at exit, append statistics to this file, as one line of JSON");
    READ("HAKMEM_STATS_FILE=/tmp/a\nb");
    assert_string_equal(line_of("HAKMEM_STATS_FILE "),
                        "* HAKMEM_STATS_FILE               /tmp/a?b -        a file            "
                        "at exit, append statistics to this file, as one line of JSON");
}

static void test_table_has_each_option_once_and_stars_what_differs(void **state) {
    (void)state;
    unsigned lines = 0;
    hak_options_default(&options);
    for (unsigned i = 0; i < HAK_OPTION_COUNT; i++) {
        const struct hak_option_info *info = &hak_option_table[i];
        char name[64];
        snprintf(name, sizeof name, "HAKMEM_%s ", info->name);
        assert_int_equal(line_of(name)[0], ' ');
        options.value[i] = info->initial == info->maximum ? info->minimum : info->maximum;
        assert_int_equal(line_of(name)[0], '*');
        assert_string_equal(line_of(name) + 70, info->meaning); /* the columns hold the widest of each */
        options.value[i] = info->initial;
        assert_null(strchr(line_of(name), '*'));
    }
    for (const char *c = said; *c != '\0'; c++)
        lines += *c == '\n';
    assert_int_equal(lines, HAK_OPTION_COUNT + 3); /* two lines of heading, and STATS_FILE */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_environment_is_the_default),
        cmocka_unit_test(test_every_row_is_read_from_its_variable),
        cmocka_unit_test(test_first_of_a_name_counts),
        cmocka_unit_test(test_names_that_begin_alike_are_not_confused),
        cmocka_unit_test(test_file_is_a_copy),
        cmocka_unit_test(test_file_with_too_long_a_name_is_ignored),
        cmocka_unit_test(test_bad_values_are_named_and_the_default_holds),
        cmocka_unit_test(test_a_complaint_is_one_short_line),
        cmocka_unit_test(test_complaints_may_go_nowhere),
        cmocka_unit_test(test_unknown_names_are_named_once_and_only_when_verbose),
        cmocka_unit_test(test_the_nearest_name_is_suggested),
        cmocka_unit_test(test_any_environment_is_survived),
        cmocka_unit_test(test_table_of_options_word_for_word),
        cmocka_unit_test(test_table_has_each_option_once_and_stars_what_differs),
    };
    return cmocka_run_group_tests_name("option environment", tests, NULL, NULL);
}
