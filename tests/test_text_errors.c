/* What is wrong with a text, and where: the exact message at the exact place, whatever the input. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "oracle/mutate.h"
#include "oracle/program.h"
#include "oracle/text.h"
#include "tests/text_fixture.h"

/* --- errors --- */

#define KNOWN_OPERATIONS                                                                                               \
    " (known: nop, malloc, calloc, realloc, reallocarray, aligned_alloc, posix_memalign, memalign, free, free_sized, " \
    "usable, write, verify, trim, start, end, fork, clock, fail, check, malloc_many, free_many, free_aligned_sized, "  \
    "option, report)"
#define KNOWN_LINES                                                                                                    \
    " (known: geometry, slots, place, off, favour, fail-every, header, clock-step, options, mode, memory, gene, tail)"

static void assert_error(const char *text, size_t length, unsigned line, unsigned column, const char *message) {
    struct text_error error;
    size_t size_bytes = 1;
    assert_null(text_assemble(text, length, &size_bytes, &error));
    assert_string_equal(error.message, message);
    assert_int_equal(error.line, line);
    assert_int_equal(error.column, column);
    assert_int_equal(size_bytes, 0);
}

struct error_case {
    const char *text;
    unsigned line, column;
    const char *message;
};

static void assert_errors(const struct error_case *cases, size_t count, const char *prefix, unsigned prefix_lines) {
    for (size_t i = 0; i < count; i++) {
        char text[400];
        snprintf(text, sizeof text, "%s%s", prefix, cases[i].text);
        assert_error(text, strlen(text), prefix_lines + cases[i].line, cases[i].column, cases[i].message);
    }
}

static void test_errors_of_the_start(void **state) {
    (void)state;
    static const struct error_case cases[] = {
        {"", 1, 1, "a program starts with the line \"hakmem 1\""},
        {"\n# only a comment\n", 2, 1, "a program starts with the line \"hakmem 1\""},
        {"\n  t0 free s1\n", 2, 3, "a program starts with the line \"hakmem 1\""},
        {"hakmem", 1, 7, "expected the version"},
        {"hakmem 256", 1, 8, "the version must be from 0 to 255, not \"256\""},
        {"hakmem 1 2", 1, 10, "unexpected \"2\" at the end of the line"},
    };
    assert_errors(cases, sizeof cases / sizeof cases[0], "", 0);
}

static void test_errors_in_the_header(void **state) {
    (void)state;
    static const struct error_case cases[] = {
        {"geometry tinny\n", 1, 10, "unknown geometry \"tinny\" (did you mean \"tiny\"?)"},
        {"geometry\n", 1, 9, "expected geometry"},
        {"slots 20\n", 1, 7, "slots must be 4, 8, 16 or 64, not \"20\""},
        {"slots 4 4\n", 1, 9, "unexpected \"4\" at the end of the line"},
        {"slots 4\nslots 4\n", 2, 1, "slots is given twice"},
        {"place lo\n", 1, 7, "unknown placement \"lo\" (did you mean \"low\"?)"},
        {"off\n", 1, 4, "expected an operation"},
        {"off malloc nop\n", 1, 12, "nop cannot be switched off"},
        {"favour malloc\n", 1, 14, "expected the weight"},
        {"favour malloc 300\n", 1, 15, "the weight must be from 0 to 255, not \"300\""},
        {"fail-every x\n", 1, 12, "fail-every must be from 0 to 255, not \"x\""},
        {"options foo\n", 1, 9,
         "unknown set of options \"foo\" (known: default, no-thread-cache, no-remote-batch, no-lazy-cache, "
         "small-lazy-cache, no-controller, pinned, small-big-cache, no-big-cache, purge-at-once, fail-fast, "
         "large-chunks, many-shards, all-off, wrong-values)"},
        {"options fail-fats\n", 1, 9, "unknown set of options \"fail-fats\" (did you mean \"fail-fast\"?)"},
        {"options default\noptions pinned\n", 2, 1, "options is given twice"},
        {"options pinned\nheader ! 01\n", 2, 8, "these bytes and the header lines do not agree (delete one of them)"},
        {"clock-stop 1\n", 1, 1, "unknown line \"clock-stop\" (did you mean \"clock-step\"?)"},
        {"header\n", 1, 7, "expected \"!\" and the bytes of the header"},
        {"header ! 0\n", 1, 10, "expected pairs of hex digits, found \"0\""},
        {"header ! 01 0g\n", 1, 13, "expected pairs of hex digits, found \"0g\""},
        {"header ! 0000000000000000 0000000000000000 01\n", 1, 44, "too many bytes: at most 16 can stand here"},
        {"header ! 01 01\n", 1, 8, "these bytes and the header lines do not agree (delete one of them)"},
        {"header ! 01\n t0 free s1\n", 2, 2, "nothing can follow a header of only 1 bytes"},
        {"header ! 01000000000000000000000005000000\nt0 nop\nt0 nop\ngene at=0 yield=0 hold=0\n", 1, 8,
         "these bytes ask for 5 genes, the text has 1"},
    };
    assert_errors(cases, sizeof cases / sizeof cases[0], "hakmem 1\n", 1);
}

static void test_errors_in_records(void **state) {
    (void)state;
    static const struct error_case cases[] = {
        {"t0 mallok s1 96\n", 1, 4, "unknown operation \"mallok\" (did you mean \"malloc\"?)"},
        {"t0 xyzzy\n", 1, 4, "unknown operation \"xyzzy\"" KNOWN_OPERATIONS},
        {"malloc s1 96\n", 1, 1, "the thread is missing: \"t0 malloc\""},
        {"t4 malloc s1 96\n", 1, 1, "thread t4 is beyond t3"},
        {"t0x malloc s1 96\n", 1, 1, "expected a thread such as t0, found \"t0x\""},
        {"t0\n", 1, 3, "expected operation"},
        {"t0 free\n", 1, 8, "expected a slot such as s0"},
        {"t0 free  \t\r\n", 1, 8, "expected a slot such as s0"},
        {"t0 free # s1\n", 1, 8, "expected a slot such as s0"},
        {"t0 free 3\n", 1, 9, "expected a slot such as s0, found \"3\""},
        {"t0 free s70\n", 1, 9, "slot s70 is beyond s15"},
        {"t0 free s20\n", 1, 9, "slot s20 is beyond s15 (the header line \"slots\" sets how many there are)"},
        {"t0 free s1 96\n", 1, 12, "unexpected \"96\" at the end of the line"},
        {"t0 malloc s1\n", 1, 13, "expected a size such as 96, 96+1 or max-1"},
        {"t0 malloc s1 big\n", 1, 14, "expected a size such as 96, 96+1 or max-1, found \"big\""},
        {"t0 malloc s1 96+\n", 1, 16, "a distance must be from -128 to +127, not \"+\""},
        {"t0 malloc s1 96+128\n", 1, 16, "a distance must be from -128 to +127, not \"+128\""},
        {"t0 malloc s1 96-129\n", 1, 16, "a distance must be from -128 to +127, not \"-129\""},
        {"t0 malloc s1 99+1\n", 1, 14, "99 is no boundary to measure from: write the sum, it will be split"},
        {"t0 malloc s1 30000\n", 1, 14,
         "size 30000 cannot be expressed: the nearest are 28k+127 (28799) and 30k-128 (30592)"},
        {"t0 option\n", 1, 10, "expected an option such as LAZY_CACHE=0"},
        {"t0 option LAZY_CACHE\n", 1, 11, "expected an option such as LAZY_CACHE=0, found \"LAZY_CACHE\""},
        {"t0 option LAZY_CASH=0\n", 1, 11, "unknown option \"LAZY_CASH\" (did you mean \"LAZY_CACHE\"?)"},
        {"t0 option LAZY_CACHE=2\n", 1, 22, "LAZY_CACHE must be 0 or 1, not \"2\""},
        {"t0 option REMOTE_BATCH=x\n", 1, 24, "REMOTE_BATCH must be 1, 2 or 16, not \"x\""},
        {"t0 option RING=0 1\n", 1, 18, "unexpected \"1\" at the end of the line"},
        {"t0 malloc s1 1024m\n", 1, 14,
         "size 1073741824 cannot be expressed: the nearest are 128m+127 (134217855) and 2g-128 (2147483520)"},
        {"t0 malloc s1 99999999999999999999\n", 1, 14,
         "expected a size such as 96, 96+1 or max-1, found \"99999999999999999999\""},
        {"t0 calloc s1 8\n", 1, 15, "expected \"n=\""},
        {"t0 calloc s1 8 4\n", 1, 16, "expected \"n=\", found \"4\""},
        {"t0 calloc s1 8 n=65536\n", 1, 18, "n must be from 0 to 65535, not \"65536\""},
        {"t0 clock n=4\n", 1, 10, "expected \"ms=\", found \"n=4\""},
        {"t0 memalign s1 8 align=48\n", 1, 24,
         "align must be a power of two up to 2147483648, or one and \"+1\", not \"48\""},
        {"t0 memalign s1 8 align=64+2\n", 1, 24,
         "align must be a power of two up to 2147483648, or one and \"+1\", not \"64+2\""},
        {"t0 memalign s1 8 align=\n", 1, 24,
         "align must be a power of two up to 2147483648, or one and \"+1\", not \"\""},
        {"t0 free s1 ! 08 00\n", 1, 12, "2 bytes follow, 8 are needed"},
        {"t0 free s1 ! 08 00 02 00 00 00 00 01\n", 1, 12,
         "these bytes say \"t0 free s2\" (delete them or correct the words)"},
        {"t0 free s1\nslots 64\n", 2, 1, "header lines come before records"},
        {"hakmem 1\n", 1, 1, "unknown line \"hakmem\"" KNOWN_LINES},
    };
    assert_errors(cases, sizeof cases / sizeof cases[0], "hakmem 1\n", 1);
}

static void test_slots_are_beyond_the_last(void **state) {
    (void)state;
    static const char text[] = "hakmem 1\nslots 64\nt0 free s70";
    assert_error(text, strlen(text), 3, 9, "slot s70 is beyond s63");
}

static void test_errors_behind_records(void **state) {
    (void)state;
    static const struct error_case cases[] = {
        {"gene at=1 yield=0\n", 1, 18, "expected \"hold=\""},
        {"gene at=1 yield=0 1\n", 1, 19, "expected \"hold=\""},
        {"gene at=1 yield=0 hold=256\n", 1, 24, "hold must be from 0 to 255, not \"256\""},
        {"gene at=1 yield=0 weak=1 ! 01 00 00 01 00 00 00 00\n", 1, 26,
         "these bytes say another gene (delete them or correct the words)"},
        {"gene at=65536 yield=0 hold=1\n", 1, 9, "at must be from 0 to 65535, not \"65536\""},
        {"gene at=1 yield=0 hold=1 ! 02 00 00 01 00 00 00 00\n", 1, 26,
         "these bytes say another gene (delete them or correct the words)"},
        {"gene at=1 yield=0 hold=1\nt0 free s1\n", 2, 1, "records come before genes"},
        {"tail 00\nt0 free s1\n", 2, 1, "records come before the tail"},
        {"tail 00\ngene at=1 yield=0 hold=1\n", 2, 1, "genes come before the tail"},
        {"tail 0\n", 1, 6, "expected pairs of hex digits, found \"0\""},
        {"tail 00 00 00 00\n tail 00 00 00 00\n", 1, 1,
         "the tail is so long that it would be read as records: it has at most 7 bytes"},
    };
    assert_errors(cases, sizeof cases / sizeof cases[0], "hakmem 1\n", 1);
}

/* `count` times the same line behind the version. */
static char *repeated(const char *line, size_t count, size_t *length) {
    char *text = NULL;
    FILE *out = open_memstream(&text, length);
    assert_non_null(out);
    fputs("hakmem 1\n", out);
    for (size_t i = 0; i < count; i++)
        fputs(line, out);
    fclose(out);
    return text;
}

static void test_limits_of_records_and_genes(void **state) {
    (void)state;
    size_t length, size_bytes;
    char *text = repeated("t0 nop\n", PROGRAM_RECORDS_MAX, &length);
    free(assembled(text, length, &size_bytes));
    assert_int_equal(size_bytes, PROGRAM_HEADER_BYTES + PROGRAM_RECORD_BYTES * PROGRAM_RECORDS_MAX);
    free(text);
    text = repeated("t0 nop\n", PROGRAM_RECORDS_MAX + 1, &length);
    assert_error(text, length, PROGRAM_RECORDS_MAX + 2, 1, "more than 4096 records");
    free(text);
    text = repeated("gene at=0 yield=0 hold=0\n", PROGRAM_GENES_MAX + 1, &length);
    assert_error(text, length, PROGRAM_GENES_MAX + 2, 1, "more than 15 genes");
    free(text);
}

static void test_bytes_that_are_no_text(void **state) {
    (void)state;
    static const char nul[] = "hakmem 1\nt0 fr\0ee s1\n";
    static const char high[] = "hakmem 1\n\xff\"\\\n";
    assert_error(nul, sizeof nul - 1, 2, 4, "unknown operation \"fr\\x00ee\" (did you mean \"free\"?)");
    assert_error(high, sizeof high - 1, 2, 1, "unknown line \"\\xff\\x22\\x5c\"" KNOWN_LINES);
}

static void test_very_long_words_and_lines(void **state) {
    (void)state;
    enum { LONG_BYTES = 10 * 1000 * 1000 };
    static const char start[] = "hakmem 1\nt0 ";
    char *text = malloc(LONG_BYTES);
    size_t size_bytes;
    assert_non_null(text);
    memset(text, 'a', LONG_BYTES);
    memcpy(text, start, sizeof start - 1);
    assert_error(text, LONG_BYTES, 2, 4, "unknown operation \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...\"" KNOWN_OPERATIONS);
    memset(text + sizeof start - 1, '9', LONG_BYTES - sizeof start + 1);
    assert_error(text, LONG_BYTES, 2, 4, "unknown operation \"99999999999999999999999999999999...\"" KNOWN_OPERATIONS);
    memset(text + 9, '\n', LONG_BYTES - 9);
    free(assembled(text, LONG_BYTES, &size_bytes));
    assert_int_equal(size_bytes, PROGRAM_HEADER_BYTES);
    free(text);
}

static void test_megabytes_of_noise(void **state) {
    (void)state;
    enum { NOISE_BYTES = 10 * 1000 * 1000 };
    struct mutate_random random;
    struct text_error error;
    size_t size_bytes;
    char *text = malloc(NOISE_BYTES);
    assert_non_null(text);
    mutate_seed(&random, 15);
    for (size_t i = 0; i < NOISE_BYTES; i++)
        text[i] = (char)mutate_next(&random);
    assert_null(text_assemble(text, NOISE_BYTES, &size_bytes, &error));
    assert_true(error.message[0] && error.line == 1 && error.column > 0);
    free(text);
}

/* Damaged text: an error with a place, or a program whose text is stable. Never anything else. */
static void test_damaged_text(void **state) {
    (void)state;
    struct mutate_random random;
    unsigned accepted = 0, refused = 0;
    mutate_seed(&random, 16);
    for (unsigned i = 0; i < 3000; i++) {
        uint8_t bytes[512];
        size_t length, size_bytes = mutate_generate(&random, 12, bytes, sizeof bytes);
        struct text_error error;
        char *text = disassembled(bytes, size_bytes, &length);
        for (unsigned j = 1 + mutate_below(&random, 3); j > 0; j--) {
            static const char letters[] = "0123456789abstn+-=! #\n";
            text[mutate_below(&random, (uint32_t)length)] = letters[mutate_below(&random, sizeof letters - 1)];
        }
        uint8_t *read = text_assemble(text, length, &size_bytes, &error);
        if (read) {
            accepted++;
            assert_bytes_survive(read, size_bytes);
        } else {
            refused++;
            assert_true(error.line > 0 && error.column > 0 && error.message[0]);
        }
        free(read);
        free(text);
    }
    assert_true(accepted > 100 && refused > 100);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errors_of_the_start),    cmocka_unit_test(test_errors_in_the_header),
        cmocka_unit_test(test_errors_in_records),      cmocka_unit_test(test_slots_are_beyond_the_last),
        cmocka_unit_test(test_errors_behind_records),  cmocka_unit_test(test_limits_of_records_and_genes),
        cmocka_unit_test(test_bytes_that_are_no_text), cmocka_unit_test(test_very_long_words_and_lines),
        cmocka_unit_test(test_megabytes_of_noise),     cmocka_unit_test(test_damaged_text),
    };
    return cmocka_run_group_tests_name("text_errors", tests, NULL, NULL);
}
