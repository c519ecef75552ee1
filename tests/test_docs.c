/* docs/checks.md holds a table that is made from check_table and fault_table: they must agree.
 *
 * After a change of either table run this with HAKMEM_DOCS_WRITE=1: it writes the table anew between its two marks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "oracle/fault.h"
#include "tests/corpus_files.h"

static const char page[] = "docs/checks.md";
static const char mark_begin[] = "<!-- made from oracle/check.h and oracle/fault.c by tests/test_docs.c: begin -->\n";
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

static char *make_table(void) {
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    assert_non_null(out);
    fputs("| check | meaning | look for | tripped by fault |\n|---|---|---|---|\n", out);
    for (unsigned i = CHECK_NONE + 1; i < CHECK_COUNT; i++) {
        fprintf(out, "| `%s` | %s | %s | ", check_table[i].id, check_table[i].meaning, check_table[i].look_for);
        print_faults(out, (enum check)i);
        fputs(" |\n", out);
    }
    assert_int_equal(fclose(out), 0);
    return text;
}

static void write_page(const char *before, size_t before_bytes, const char *table, const char *after) {
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

static void test_checks_page_is_current(void **state) {
    (void)state;
    size_t length;
    char *text = corpus_read(page, &length);
    char *table = make_table();
    char *begin = strstr(text, mark_begin);
    char *end = begin == NULL ? NULL : strstr(begin, mark_end);
    if (end == NULL) {
        fail_msg("%s has no table between '%.40s...' and '%.12s'", page, mark_begin, mark_end);
    }
    char *body = begin + strlen(mark_begin);
    if (getenv("HAKMEM_DOCS_WRITE") != NULL) {
        write_page(text, (size_t)(body - text), table, end);
    } else if ((size_t)(end - body) != strlen(table) || memcmp(body, table, strlen(table)) != 0) {
        fail_msg("%s is out of date: run this test with HAKMEM_DOCS_WRITE=1. It should say:\n%s", page, table);
    }
    free(table);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_checks_page_is_current)};
    return cmocka_run_group_tests_name("docs", tests, NULL, NULL);
}
