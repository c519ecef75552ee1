/* docs_page: pages of docs/ hold tables that are made from tables of the sources, and must agree with them. With
 * HAKMEM_DOCS_WRITE=1 each table is written anew between its two marks.
 *
 * Included by the test files that need it: each is an executable of its own. One OS thread. */
#ifndef HAKMEM_TESTS_DOCS_PAGE_H
#define HAKMEM_TESTS_DOCS_PAGE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/corpus_files.h"

/* A table and the line in front of it; behind it stands docs_mark_end. */
struct docs_page {
    const char *path;
    const char *mark_begin;
    void (*print_table)(FILE *out);
};
static const char docs_mark_end[] = "<!-- end -->\n";

static inline char *docs_page_make(const struct docs_page *page) {
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    assert_non_null(out);
    page->print_table(out);
    assert_int_equal(fclose(out), 0);
    return text;
}

static inline void docs_page_write(const char *page, const char *before, size_t before_bytes, const char *table,
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

static inline void docs_page_is_current(const struct docs_page *page) {
    size_t length;
    char *text = corpus_read(page->path, &length);
    char *table = docs_page_make(page);
    char *begin = strstr(text, page->mark_begin);
    char *end = begin == NULL ? NULL : strstr(begin, docs_mark_end);
    if (end == NULL) {
        fail_msg("%s has no table between '%.40s...' and '%.12s'", page->path, page->mark_begin, docs_mark_end);
    }
    char *body = begin + strlen(page->mark_begin);
    if (getenv("HAKMEM_DOCS_WRITE") != NULL) {
        docs_page_write(page->path, text, (size_t)(body - text), table, end);
    } else if ((size_t)(end - body) != strlen(table) || memcmp(body, table, strlen(table)) != 0) {
        fail_msg("%s is out of date: run this test with HAKMEM_DOCS_WRITE=1. It should say:\n%s", page->path, table);
    }
    free(table);
    free(text);
}

#endif
