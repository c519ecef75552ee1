/* The text form: exact both ways. Errors are in test_text_errors.c. */
#include <errno.h>
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

/* --- bytes, text, bytes --- */

static void test_noise_of_every_length_survives(void **state) {
    (void)state;
    struct mutate_random random;
    mutate_seed(&random, 11);
    for (size_t size_bytes = 0; size_bytes <= 200; size_bytes++) {
        for (unsigned i = 0; i < 25; i++) {
            uint8_t *bytes = malloc(size_bytes ? size_bytes : 1);
            assert_non_null(bytes);
            for (size_t j = 0; j < size_bytes; j++)
                bytes[j] = (uint8_t)mutate_next(&random);
            assert_bytes_survive(bytes, size_bytes);
            free(bytes);
        }
    }
}

/* Noise nearly always needs raw bytes; mostly small values nearly never do. */
static void test_small_values_of_every_length_survive(void **state) {
    (void)state;
    struct mutate_random random;
    mutate_seed(&random, 12);
    for (size_t size_bytes = 0; size_bytes <= 200; size_bytes++) {
        for (unsigned i = 0; i < 25; i++) {
            uint8_t bytes[200];
            for (size_t j = 0; j < size_bytes; j++)
                bytes[j] = (uint8_t)mutate_below(&random, mutate_below(&random, 3) == 0 ? 4 : 1);
            assert_bytes_survive(bytes, size_bytes);
        }
    }
}

static void test_canonical_programs_survive_without_raw_bytes(void **state) {
    (void)state;
    struct mutate_random random;
    mutate_seed(&random, 13);
    for (unsigned i = 0; i < 2000; i++) {
        uint8_t bytes[2048];
        size_t length, size_bytes = mutate_generate(&random, i % 100, bytes, sizeof bytes);
        for (unsigned j = mutate_below(&random, 4); j > 0; j--)
            size_bytes = mutate(&random, bytes, size_bytes, sizeof bytes);
        char *text = disassembled(bytes, size_bytes, &length);
        assert_null(strchr(text, '!'));
        free(text);
        assert_bytes_survive(bytes, size_bytes);
    }
}

static void test_programs_beyond_the_limit_survive(void **state) {
    (void)state;
    enum { LARGE_BYTES = 100 * 1024 + 5 };
    struct mutate_random random;
    uint8_t *bytes = malloc(LARGE_BYTES);
    assert_non_null(bytes);
    mutate_seed(&random, 14);
    for (size_t i = 0; i < LARGE_BYTES; i++)
        bytes[i] = (uint8_t)mutate_next(&random);
    for (unsigned genes = 0; genes <= PROGRAM_GENES_MAX; genes += 5) {
        bytes[12] = (uint8_t)genes;
        assert_bytes_survive(bytes, LARGE_BYTES);
        assert_bytes_survive(bytes,
                             (size_t)PROGRAM_HEADER_BYTES + PROGRAM_RECORD_BYTES * (PROGRAM_RECORDS_MAX + genes));
    }
    free(bytes);
}

/* --- text, bytes, text --- */

static void assert_text_is(const char *text, const char *expected) {
    size_t size_bytes, length;
    uint8_t *bytes = assembled(text, strlen(text), &size_bytes);
    char *again = disassembled(bytes, size_bytes, &length);
    assert_string_equal(again, expected);
    free(again);
    free(bytes);
}

static void test_written_text_comes_back_the_same(void **state) {
    (void)state;
    static const char text[] = "hakmem 1\n"
                               "geometry small\n"
                               "slots 64\n"
                               "place high\n"
                               "off calloc realloc\n"
                               "favour malloc 128\n"
                               "fail-every 3\n"
                               "clock-step 10\n"
                               "options fail-fast\n"
                               "mode pct 200\n"
                               "memory weak\n"
                               "t0 nop\n"
                               "t0 malloc s3 96+1                   # size 97\n"
                               "t0 malloc s4 96\n"
                               "t0 calloc s1 8 n=4                  # size 32\n"
                               "t1 realloc s3 1k-1                  # size 1023\n"
                               "t0 reallocarray s3 half n=3         # size overflows\n"
                               "t0 aligned_alloc s2 96+4 align=64   # size 100\n"
                               "t0 memalign s2 96 align=64+1\n"
                               "t0 posix_memalign s2 0 align=2147483648\n"
                               "t0 malloc s0 top-page-5             # size 18446744073709547515\n"
                               "t2 free s63\n"
                               "t0 clock ms=100\n"
                               "t0 fail n=3\n"
                               "t1 end\n"
                               "t0 malloc_many s0 96 n=12           # size 96 each\n"
                               "t3 free_many s0 n=65535\n"
                               "t1 free_aligned_sized s2\n"
                               "t2 option LAZY_CACHE=0\n"
                               "t0 option CACHE_CAPACITY=2048\n"
                               "t0 malloc s5 1152-1                 # size 1151\n"
                               "t0 malloc s6 36k                    # size 36864\n"
                               "gene at=5 yield=0 hold=3\n"
                               "gene at=6 yield=255 stale=2\n"
                               "gene at=7 yield=1 weak=1\n"
                               "gene at=8 yield=12 lower=255\n"
                               "gene at=9 yield=65535 go=2\n"
                               "tail ab cd\n";
    assert_text_is(text, text);
}

static void test_every_operation_comes_back(void **state) {
    (void)state;
    for (unsigned op = 0; op < OP_COUNT; op++) {
        uint8_t bytes[PROGRAM_HEADER_BYTES + PROGRAM_RECORD_BYTES] = {PROGRAM_VERSION};
        struct record record = {.op = (enum program_op)op, .slot = 3, .boundary = 7, .distance = -1, .argument = 2};
        char words[80], line[100], *text;
        size_t length;
        record_write(&record, bytes + PROGRAM_HEADER_BYTES);
        text_format_record(&record, words, sizeof words);
        text = disassembled(bytes, sizeof bytes, &length);
        snprintf(line, sizeof line, "\nt0 %s", words);
        assert_non_null(strstr(text, line));
        assert_null(strchr(text, '!'));
        free(text);
        assert_bytes_survive(bytes, sizeof bytes);
    }
}

static void test_blanks_comments_and_returns_mean_nothing(void **state) {
    (void)state;
    assert_text_is("# a comment\n\n  \t\r\n\thakmem\t1 # one\r\n\n t1   end#two\n   # three", "hakmem 1\n"
                                                                                              "geometry tiny\n"
                                                                                              "slots 16\n"
                                                                                              "t1 end\n");
}

static void test_left_out_header_lines_are_zero(void **state) {
    (void)state;
    size_t size_bytes;
    static const uint8_t expected[PROGRAM_HEADER_BYTES] = {1};
    uint8_t *bytes = assembled("hakmem 1", 8, &size_bytes);
    assert_int_equal(size_bytes, sizeof expected);
    assert_memory_equal(bytes, expected, sizeof expected);
    free(bytes);
}

static void test_short_programs_are_raw_headers(void **state) {
    (void)state;
    size_t size_bytes;
    static const char short_text[] = "hakmem 7\ngeometry small\nslots 16\nheader ! 07 01\n";
    static const char empty_text[] = "hakmem 0\ngeometry tiny\nslots 16\nheader !\n";
    uint8_t *bytes = assembled(empty_text, strlen(empty_text), &size_bytes);
    assert_int_equal(size_bytes, 0);
    free(bytes);
    assert_text_is(short_text, short_text);
    assert_text_is(empty_text, empty_text);
}

static void test_raw_bytes_win(void **state) {
    (void)state;
    static const char text[] = "hakmem 1\nslots 4\nheader ! 01060100 00000000 00000000 00002a00\n"
                               "t0 malloc s1 96+1 ! 1a 04 05 ff 85 01 12 34\n";
    static const uint8_t expected[] = {0x01, 0x06, 0x01, 0, 0,    0,    0,    0,    0,    0,    0,    0,
                                       0,    0,    0x2a, 0, 0x1a, 0x04, 0x05, 0xff, 0x85, 0x01, 0x12, 0x34};
    size_t size_bytes;
    uint8_t *bytes = assembled(text, strlen(text), &size_bytes);
    assert_int_equal(size_bytes, sizeof expected);
    assert_memory_equal(bytes, expected, sizeof expected);
    free(bytes);
}

/* --- fields --- */

static struct record only_record(const char *line) {
    char text[200];
    struct program program;
    size_t size_bytes;
    snprintf(text, sizeof text, "hakmem 1\nslots 64\n%s\n", line);
    uint8_t *bytes = assembled(text, strlen(text), &size_bytes);
    program_read(&program, bytes, size_bytes);
    assert_int_equal(program.record_count, 1);
    struct record record = program_record(&program, 0);
    free(bytes);
    return record;
}

static void test_sizes(void **state) {
    (void)state;
    static const struct {
        const char *word, *boundary;
        int distance;
    } cases[] = {
        {"0", "0", 0},
        {"96", "96", 0},
        {"96+1", "96", 1},
        {"96+0", "96", 0},
        {"96-128", "96", -128},
        {"96+127", "96", 127},
        {"0-1", "0", -1},
        {"max+1", "max", 1},
        {"max", "max", 0},
        {"half-1", "half", -1},
        {"top-page", "top-page", 0},
        {"top-page-5", "top-page", -5},
        {"top-half+2", "top-half", 2},
        {"128t", "128t", 0},
        {"97", "96", 1},
        {"100", "96", 4},
        {"104", "96", 8},
        {"105", "112", -7},
        {"1000", "1k", -24},
        {"1024", "1k", 0},
        {"1024+1", "1k", 1},
        {"4096-8", "4k", -8},
        {"0096", "96", 0},
        {"1023", "1k", -1},
        {"2175", "2k", 127},
        {"3967", "3840", 127},
        {"3968", "4k", -128},
        {"3000", "3k", -72},
        {"65537", "64k", 1},
        {"73728", "72k", 0},
        {"2048k", "2m", 0},
        {"140737488355327", "128t", -1},
        {"9223372036854775807", "half", 0},
        {"9223372036854775809", "top-half", 1},
        {"18446744073709547520", "top-page", 0},
        {"18446744073709551614", "max", -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char line[80];
        snprintf(line, sizeof line, "t0 malloc s0 %s", cases[i].word);
        struct record record = only_record(line);
        assert_string_equal(program_boundaries[record.boundary].name, cases[i].boundary);
        assert_int_equal(record.distance, cases[i].distance);
    }
}

static void test_every_expressible_integer_size(void **state) {
    (void)state;
    for (unsigned boundary = 0; boundary < BOUNDARY_COUNT; boundary = boundary == 51 ? 56 : boundary + 1) {
        for (int distance = -128; distance <= 127; distance += 5) {
            struct record record = {.op = OP_MALLOC, .boundary = (uint8_t)boundary, .distance = (int8_t)distance};
            size_t size_bytes = record_size_bytes(&record);
            char line[80];
            snprintf(line, sizeof line, "t0 malloc s0 %zu", size_bytes);
            struct record read = only_record(line);
            assert_true(record_size_bytes(&read) == size_bytes);
        }
    }
}

static void test_alignments(void **state) {
    (void)state;
    static const struct {
        const char *word;
        unsigned exponent;
        bool odd;
    } cases[] = {
        {"1", 0, false},   {"2", 1, false},    {"3", 1, true},   {"64", 6, false},
        {"64+1", 6, true}, {"65", 6, true},    {"1+1", 0, true}, {"2147483648", 31, false},
        {"4k", 12, false}, {"2m+1", 21, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char line[80];
        snprintf(line, sizeof line, "t0 memalign s0 96 align=%s", cases[i].word);
        struct record record = only_record(line);
        assert_int_equal(record.align_exponent, cases[i].exponent);
        assert_int_equal(record.align_odd, cases[i].odd);
    }
}

static void test_format_record_cuts(void **state) {
    (void)state;
    struct record record = only_record("t0 realloc s3 1k-1");
    char buffer[32];
    text_format_record(&record, buffer, sizeof buffer);
    assert_string_equal(buffer, "realloc s3 1k-1");
    text_format_record(&record, buffer, 8);
    assert_string_equal(buffer, "realloc");
}

/* --- the rest of the interface --- */

static void test_looks_like_text(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int expected;
    } cases[] = {
        {"hakmem 1\n", 1},
        {"# x\n\n \t# y\r\nhakmem\n", 1},
        {"hakmem", 1},
        {"hakmem#", 1},
        {"", 0},
        {"# only comment", 0},
        {"hakmemory 1", 0},
        {"hakme", 0},
        {"#\nhak", 0},
        {"HAKMEM 1", 0},
        {"t0 malloc s1 96", 0},
        {"\x01hakmem 1", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(text_looks_like((const uint8_t *)cases[i].text, strlen(cases[i].text)), cases[i].expected);
    assert_int_equal(text_looks_like(NULL, 0), 0);
}

static void test_a_full_disk_is_reported(void **state) {
    (void)state;
    static const uint8_t bytes[PROGRAM_HEADER_BYTES] = {1};
    FILE *full = fopen("/dev/full", "w");
    assert_non_null(full);
    errno = 0;
    assert_int_equal(text_disassemble(bytes, sizeof bytes, full), -1);
    assert_int_equal(errno, ENOSPC);
    fclose(full);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_noise_of_every_length_survives),
        cmocka_unit_test(test_small_values_of_every_length_survive),
        cmocka_unit_test(test_canonical_programs_survive_without_raw_bytes),
        cmocka_unit_test(test_programs_beyond_the_limit_survive),
        cmocka_unit_test(test_written_text_comes_back_the_same),
        cmocka_unit_test(test_every_operation_comes_back),
        cmocka_unit_test(test_blanks_comments_and_returns_mean_nothing),
        cmocka_unit_test(test_left_out_header_lines_are_zero),
        cmocka_unit_test(test_short_programs_are_raw_headers),
        cmocka_unit_test(test_raw_bytes_win),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_every_expressible_integer_size),
        cmocka_unit_test(test_alignments),
        cmocka_unit_test(test_format_record_cuts),
        cmocka_unit_test(test_looks_like_text),
        cmocka_unit_test(test_a_full_disk_is_reported),
    };
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
