/* Pages of docs/ hold tables that are made from tables of the sources: they must agree.
 *
 * After a change of such a table run this with HAKMEM_DOCS_WRITE=1: it writes each table anew between its two marks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "allocator/option.h"
#include "oracle/fault.h"
#include "tests/corpus_files.h"

/* A table and the line in front of it; behind it stands mark_end. */
struct page {
    const char *path;
    const char *mark_begin;
    void (*print_table)(FILE *out);
};
static const char mark_end[] = "<!-- end -->\n";

static void print_faults(FILE *out, enum check check) {
    const char *separator = "";
    for (unsigned i = 1; i < HAK_FAULT_COUNT; i++) {
        if (fault_table[i].check == check) {
            fprintf(out, "%s`%s`", separator, fault_table[i].name);
            separator = ", ";
        }
    }
}

static void print_checks(FILE *out) {
    fputs("| check | meaning | look for | tripped by fault |\n|---|---|---|---|\n", out);
    for (unsigned i = CHECK_NONE + 1; i < CHECK_COUNT; i++) {
        fprintf(out, "| `%s` | %s | %s | ", check_table[i].id, check_table[i].meaning, check_table[i].look_for);
        print_faults(out, (enum check)i);
        fputs(" |\n", out);
    }
}

static void print_option(FILE *out, enum hak_option_id id) {
    const struct hak_option_info *info = &hak_option_table[id];
    char initial[32], range[64];
    struct hak_print print;
    hak_print_open_text(&print, initial, sizeof initial);
    hak_option_print_value(id, info->initial, &print);
    assert_true(hak_print_close(&print) < sizeof initial);
    hak_print_open_text(&print, range, sizeof range);
    hak_option_print_range(id, &print);
    assert_true(hak_print_close(&print) < sizeof range);
    fprintf(out, "| `HAKMEM_%s` | %s | %s | %s |\n", info->name, initial, range, info->meaning);
}

static void print_options(FILE *out) {
    fputs("| variable | default | range | meaning |\n|---|---|---|---|\n", out);
    for (unsigned i = 0; i < HAK_OPTION_COUNT; i++) {
        print_option(out, (enum hak_option_id)i);
    }
    fprintf(out, "| `HAKMEM_STATS_FILE` | - | a file | %s |\n", HAK_OPTION_STATS_FILE_MEANING);
}

static char *make_table(const struct page *page) {
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    assert_non_null(out);
    page->print_table(out);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void write_page(const char *page, const char *before, size_t before_bytes, const char *table,
                       const char *after) {
    char path[2 * CORPUS_PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", corpus_root(), page);
    FILE *file = fopen(path, "wb");
    if (file == NULL) {
        fail_msg("cannot write %s", path);
    }
    fwrite(before, 1, before_bytes, file);
    fputs(table, file);
    fputs(after, file);
    assert_int_equal(fclose(file), 0);
}

static void assert_current(const struct page *page) {
    size_t length;
    char *text = corpus_read(page->path, &length);
    char *table = make_table(page);
    char *begin = strstr(text, page->mark_begin);
    char *end = begin == NULL ? NULL : strstr(begin, mark_end);
    if (end == NULL) {
        fail_msg("%s has no table between '%.40s...' and '%.12s'", page->path, page->mark_begin, mark_end);
    }
    char *body = begin + strlen(page->mark_begin);
    if (getenv("HAKMEM_DOCS_WRITE") != NULL) {
        write_page(page->path, text, (size_t)(body - text), table, end);
    } else if ((size_t)(end - body) != strlen(table) || memcmp(body, table, strlen(table)) != 0) {
        fail_msg("%s is out of date: run this test with HAKMEM_DOCS_WRITE=1. It should say:\n%s", page->path, table);
    }
    free(table);
    free(text);
}

static void test_checks_page_is_current(void **state) {
    (void)state;
    assert_current(&(struct page){"docs/checks.md",
                                  "<!-- made from oracle/check.h and oracle/fault.c by tests/test_docs.c: begin -->\n",
                                  print_checks});
}

static void test_options_page_is_current(void **state) {
    (void)state;
    assert_current(&(struct page){
        "docs/options.md", "<!-- made from allocator/option.h by tests/test_docs.c: begin -->\n", print_options});
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_checks_page_is_current),
        cmocka_unit_test(test_options_page_is_current),
    };
    return cmocka_run_group_tests_name("docs", tests, NULL, NULL);
}
