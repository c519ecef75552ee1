/* print: every character reaches its end whole and in order whatever the size of the buffer, numbers at their edges,
 * and JSON that any text survives. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "allocator/print.h"

/* What a sink was handed. */
struct heard {
    char text[4096];
    size_t length;
    size_t longest;
    unsigned calls;
};

static void hear(void *context, const char *text, size_t length) {
    struct heard *heard = context;
    assert_true(length > 0 && length < sizeof heard->text - heard->length);
    memcpy(heard->text + heard->length, text, length);
    heard->length += length;
    heard->longest = length > heard->longest ? length : heard->longest;
    heard->calls++;
}

/* Something of everything. */
static void put_all(struct hak_print *print) {
    hak_print_string(print, "one");
    hak_print_char(print, '\n');
    hak_print_u64(print, 1234567890);
    hak_print_column(print, 16);
    hak_print_string(print, "-5");
    hak_print_column(print, 3);
    hak_print_hex(print, 0xbeef);
    hak_print_char(print, '\n');
    hak_print_u64_right(print, 42, 6);
    hak_print_u64_right(print, 7, 0);
    hak_print_json(print, "a\"b\n", 4);
}
static const char all[] = "one\n1234567890      -5 0xbeef\n    427\"a\\\"b\\n\"";

/* --- where it goes --- */

static void test_sink_hears_the_same_whatever_the_buffer(void **state) {
    (void)state;
    for (size_t capacity = 1; capacity <= sizeof all + 1; capacity++) {
        char buffer[sizeof all + 1];
        struct heard heard = {.length = 0};
        struct hak_print print;
        hak_print_open(&print, buffer, capacity, hear, &heard);
        put_all(&print);
        assert_int_equal(hak_print_close(&print), sizeof all - 1);
        assert_string_equal(heard.text, all);
        assert_true(heard.longest <= capacity);
        assert_int_equal(heard.calls, (sizeof all - 1 + capacity - 1) / capacity);
    }
}

static void test_flush_hands_over_at_once_and_only_once(void **state) {
    (void)state;
    char buffer[64];
    struct heard heard = {.length = 0};
    struct hak_print print;
    hak_print_open(&print, buffer, sizeof buffer, hear, &heard);
    hak_print_flush(&print);
    assert_int_equal(heard.calls, 0);
    hak_print_string(&print, "first\n");
    assert_int_equal(heard.calls, 0);
    hak_print_flush(&print);
    assert_string_equal(heard.text, "first\n");
    hak_print_flush(&print);
    assert_int_equal(hak_print_close(&print), 6);
    assert_int_equal(heard.calls, 1);
}

/* As snprintf: the length needed, a terminated beginning, and nothing behind it touched. */
static void test_text_is_cut_and_counted(void **state) {
    (void)state;
    for (size_t capacity = 0; capacity <= sizeof all + 3; capacity++) {
        char text[sizeof all + 4];
        struct hak_print print;
        memset(text, '#', sizeof text);
        hak_print_open_text(&print, capacity == 0 ? NULL : text, capacity);
        put_all(&print);
        assert_int_equal(hak_print_close(&print), sizeof all - 1);
        assert_int_equal(hak_print_close(&print), sizeof all - 1);
        size_t kept = capacity == 0 ? 0 : capacity <= sizeof all - 1 ? capacity - 1 : sizeof all - 1;
        assert_memory_equal(text, all, kept);
        assert_int_equal(text[kept], capacity == 0 ? '#' : '\0');
        for (size_t i = kept + 1; i < sizeof text; i++)
            assert_int_equal(text[i], '#');
    }
}

static void test_text_of_nothing_is_empty(void **state) {
    (void)state;
    char text[2] = "##";
    struct hak_print print;
    hak_print_open_text(&print, text, 1);
    assert_int_equal(hak_print_close(&print), 0);
    assert_int_equal(text[0], '\0');
    assert_int_equal(text[1], '#');
}

/* --- what it says --- */

static char said[4096];
static struct hak_print out;

static struct hak_print *begin(void) {
    hak_print_open_text(&out, said, sizeof said);
    return &out;
}

static void expect(const char *expected) {
    assert_int_equal(hak_print_close(&out), strlen(expected));
    assert_string_equal(said, expected);
}

static void test_numbers_at_their_edges(void **state) {
    (void)state;
    static const uint64_t natural[] = {0, 1, 9, 10, 99, 100, UINT32_MAX, (uint64_t)1 << 32, INT64_MAX, UINT64_MAX};
    char expected[64];
    for (size_t i = 0; i < sizeof natural / sizeof natural[0]; i++) {
        snprintf(expected, sizeof expected, "%ju 0x%jx", (uintmax_t)natural[i], (uintmax_t)natural[i]);
        hak_print_u64(begin(), natural[i]);
        hak_print_char(&out, ' ');
        hak_print_hex(&out, natural[i]);
        expect(expected);
    }
    hak_print_u64(begin(), UINT64_MAX);
    expect("18446744073709551615");
}

static void test_columns_align_and_words_never_touch(void **state) {
    (void)state;
    struct hak_print *print = begin();
    for (unsigned i = 0; i < 3; i++) {
        static const char *const words[] = {"a", "abcd", "abcdefgh"};
        hak_print_column(print, 0);
        hak_print_string(print, words[i]);
        hak_print_column(print, 4);
        hak_print_string(print, "|");
        hak_print_u64_right(print, i == 2 ? 12345 : i, 3);
        hak_print_string(print, "\n");
    }
    expect("a   |  0\n"
           "abcd |  1\n"
           "abcdefgh |12345\n");
}

static void test_column_counts_from_the_last_newline(void **state) {
    (void)state;
    hak_print_string(begin(), "long line\nx\nab");
    hak_print_column(&out, 4);
    hak_print_string(&out, "c\n");
    hak_print_column(&out, 2);
    hak_print_string(&out, "d");
    expect("long line\nx\nab  c\n  d");
}

static void test_visible_is_one_line_of_ascii(void **state) {
    (void)state;
    static const char text[] = "a\tb\nc\x1b[m\x7f\xc3\xa9~ ";
    hak_print_visible(begin(), text, sizeof text - 1, 100);
    expect("a?b?c?[m???~ ");
    hak_print_visible(begin(), text, sizeof text - 1, 3);
    expect("a?b...");
    hak_print_visible(begin(), "abc", 3, 3);
    expect("abc");
    hak_print_visible(begin(), "", 0, 0);
    expect("");
}

/* --- JSON --- */

static void test_json_escapes(void **state) {
    (void)state;
    static const char text[] = "\"\\/\b\f\n\r\t\x01\x0f\x10\x1f\x7f\0z";
    hak_print_json(begin(), text, sizeof text - 1);
    expect("\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u000f\\u0010\\u001f\x7f\\u0000z\"");
    hak_print_json(begin(), "", 0);
    expect("\"\"");
}

static void test_json_keeps_utf8_and_replaces_what_is_none(void **state) {
    (void)state;
    static const struct {
        const char *text, *json;
    } texts[] = {
        {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\""},
        {"\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf", "\"\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\""},
        {"\xee\x80\x80\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", "\"\xee\x80\x80\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\""},
        {"\x80", "\"\\ufffd\""},
        {"\xff", "\"\\ufffd\""},
        {"a\xc3", "\"a\\ufffd\""},
        {"\xc3(", "\"\\ufffd(\""},
        {"\xc1\xbf", "\"\\ufffd\\ufffd\""},
        {"\xe0\x9f\xbf", "\"\\ufffd\\ufffd\\ufffd\""},
        {"\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\""},
        {"\xf0\x8f\xbf\xbf", "\"\\ufffd\\ufffd\\ufffd\\ufffd\""},
        {"\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\""},
        {"\xf5\x80\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\""},
        {"\xe2\x82\"", "\"\\ufffd\\ufffd\\\"\""},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        hak_print_json(begin(), texts[i].text, strlen(texts[i].text));
        expect(texts[i].json);
    }
}

/* The rest of the sequence is there in memory, but not part of the text. */
static void test_json_ends_where_the_text_ends(void **state) {
    (void)state;
    hak_print_json(begin(), "\xc3\xa9", 1);
    expect("\"\\ufffd\"");
    hak_print_json(begin(), "\xf0\x9f\x98\x80", 3);
    expect("\"\\ufffd\\ufffd\\ufffd\"");
    hak_print_json(begin(), "ab", 1);
    expect("\"a\"");
}

/* Whatever the bytes: a JSON reader takes it, and finds the ASCII ones in their order. */
static void test_json_of_any_bytes_is_read_back(void **state) {
    (void)state;
    uint32_t random = 1;
    for (unsigned round = 0; round < 2000; round++) {
        char text[33];
        size_t length = round % sizeof text;
        for (size_t i = 0; i < length; i++) {
            random = random * 1664525 + 1013904223;
            text[i] = (char)(random >> 24 == 0 ? 1 : random >> 24);
        }
        hak_print_json(begin(), text, length);
        hak_print_close(&out);
        cJSON *json = cJSON_Parse(said);
        assert_non_null(json);
        const char *back = cJSON_GetStringValue(json);
        assert_non_null(back);
        for (size_t i = 0; i < length; i++) {
            if ((unsigned char)text[i] < 0x80) {
                while (*back != '\0' && (unsigned char)*back >= 0x80)
                    back++;
                assert_int_equal(*back++, text[i]);
            }
        }
        cJSON_Delete(json);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sink_hears_the_same_whatever_the_buffer),
        cmocka_unit_test(test_flush_hands_over_at_once_and_only_once),
        cmocka_unit_test(test_text_is_cut_and_counted),
        cmocka_unit_test(test_text_of_nothing_is_empty),
        cmocka_unit_test(test_numbers_at_their_edges),
        cmocka_unit_test(test_columns_align_and_words_never_touch),
        cmocka_unit_test(test_column_counts_from_the_last_newline),
        cmocka_unit_test(test_visible_is_one_line_of_ascii),
        cmocka_unit_test(test_json_escapes),
        cmocka_unit_test(test_json_keeps_utf8_and_replaces_what_is_none),
        cmocka_unit_test(test_json_ends_where_the_text_ends),
        cmocka_unit_test(test_json_of_any_bytes_is_read_back),
    };
    return cmocka_run_group_tests_name("print", tests, NULL, NULL);
}
