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
#include "oracle/contract.h"
#include "oracle/fault.h"
#include "oracle/guide.h"
#include "tests/docs_page.h"

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

static void print_expected(FILE *out, const struct fault_info *fault) {
    fprintf(out, "`%s`", check_table[fault->check].id);
    for (unsigned i = CHECK_NONE + 1; i < CHECK_COUNT; i++) {
        if (i != fault->check && (fault->checks >> i & 1) != 0) {
            fprintf(out, ", `%s`", check_table[i].id);
        }
    }
}

static void print_catalogue(FILE *out) {
    fputs("| fault | class | origin | what was wrong | what it needs | target | expected checks |\n"
          "|---|---|---|---|---|---|---|\n",
          out);
    for (unsigned i = 1; i < HAK_FAULT_COUNT; i++) {
        const struct fault_info *fault = &fault_table[i];
        fprintf(out, "| `%s` | %s | %s | %s | %s | %s | ", fault->name, fault_class_names[fault->class], fault->origin,
                fault->title, fault->needs, target_table[fault->target].name);
        print_expected(out, fault);
        fputs(" |\n", out);
    }
}

/* Each class with its faults: none is empty, or oracle/fault.c would not compile. */
static void print_classes(FILE *out) {
    fputs("| class | faults |\n|---|---|\n", out);
    for (unsigned class = 0; class < FAULT_CLASS_COUNT; class ++) {
        const char *separator = "";
        fprintf(out, "| %s | ", fault_class_names[class]);
        for (unsigned i = 1; i < HAK_FAULT_COUNT; i++) {
            if (fault_table[i].class == (enum fault_class) class) {
                fprintf(out, "%s`%s`", separator, fault_table[i].name);
                separator = ", ";
            }
        }
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

static void print_facts(FILE *out) {
    for (int is_fixed = 1; is_fixed >= 0; is_fixed--) {
        fprintf(out, "%s| %s | who says so | what |\n|---|---|---|\n", is_fixed ? "" : "\n",
                is_fixed ? "fixed" : "open");
        for (unsigned i = 0; i < FACT_COUNT; i++) {
            if (fact_table[i].is_fixed == (is_fixed != 0)) {
                fprintf(out, "| `%s` | %s | %s |\n", fact_table[i].name, fact_table[i].says, fact_table[i].meaning);
            }
        }
    }
}

static void test_differential_page_is_current(void **state) {
    (void)state;
    docs_page_is_current(&(struct docs_page){
        "docs/differential.md", "<!-- made from oracle/contract.h by tests/test_docs.c: begin -->\n", print_facts});
}

static void test_checks_page_is_current(void **state) {
    (void)state;
    docs_page_is_current(&(struct docs_page){
        "docs/checks.md", "<!-- made from oracle/check.h and oracle/fault.c by tests/test_docs.c: begin -->\n",
        print_checks});
}

static void test_faults_page_is_current(void **state) {
    (void)state;
    docs_page_is_current(&(struct docs_page){
        "docs/faults.md", "<!-- made from oracle/fault.c by tests/test_docs.c: begin -->\n", print_catalogue});
    docs_page_is_current(&(struct docs_page){
        "docs/faults.md", "<!-- classes, made from oracle/fault.c by tests/test_docs.c: begin -->\n", print_classes});
}

static void test_options_page_is_current(void **state) {
    (void)state;
    docs_page_is_current(&(struct docs_page){
        "docs/options.md", "<!-- made from allocator/option.h by tests/test_docs.c: begin -->\n", print_options});
}

static void print_guides(FILE *out) {
    fputs("| guide | what it says to whom |\n|---|---|\n", out);
    for (unsigned i = 0; i < GUIDE_COUNT; i++) {
        fprintf(out, "| `%s` | %s |\n", guide_table[i].name, guide_table[i].meaning);
    }
}

static void test_ablation_page_is_current(void **state) {
    (void)state;
    docs_page_is_current(&(struct docs_page){
        "docs/ablation.md", "<!-- made from oracle/guide.h by tests/test_docs.c: begin -->\n", print_guides});
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_checks_page_is_current),       cmocka_unit_test(test_faults_page_is_current),
        cmocka_unit_test(test_differential_page_is_current), cmocka_unit_test(test_options_page_is_current),
        cmocka_unit_test(test_ablation_page_is_current),
    };
    return cmocka_run_group_tests_name("docs", tests, NULL, NULL);
}
