/* What the world says about a run: verdict, report for people, line for machines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "oracle/world.h"
#include "tests/world_fixture.h"

/* --- the verdict --- */

static void test_verdict_of_a_clean_run(void **state) {
    (void)state;
    static struct owned owned;
    struct verdict verdict;
    write_program(&owned,
                  "t0 malloc s0 96\nt0 malloc s0 96\nt0 malloc_many s0 16 n=3\nt0 free_many s0 n=2\nt0 free s9\n");
    assert_int_equal(world_run(target_find("threads"), &owned.program, NULL, &verdict), CHECK_NONE);
    assert_int_equal(verdict.check, CHECK_NONE);
    assert_string_equal(verdict.signature, "");
    assert_string_equal(verdict.message, "");
    assert_int_equal(verdict.record, owned.program.record_count);
    assert_int_equal(verdict.operations, 1 + 2 + 2); /* s0 is taken, s9 is empty */
    assert_true(verdict.fault_reached == 0 && verdict.fault_triggered == 0);
}

static void test_empty_program_is_clean(void **state) {
    (void)state;
    struct program program;
    struct verdict verdict;
    program_read(&program, NULL, 0);
    assert_int_equal(world_run(target_find("threads"), &program, NULL, &verdict), CHECK_NONE);
    assert_true(verdict.operations == 0 && verdict.record == 0);
}

/* Something that is found at record 2 of 3, on thread 1, about the block of thread 0. */
static void find(struct verdict *verdict, FILE *report) {
    static struct owned owned;
    write_program(&owned, "t0 malloc s0 96-6\nt0 write s0\nt1 usable s0\nt1 free s0\n");
    assert_true(world_arm_fault("usable-understates"));
    assert_int_equal(world_run(target_find("threads"), &owned.program, report, verdict), CHECK_USABLE_SMALL);
}

static void test_verdict_of_a_finding(void **state) {
    (void)state;
    struct verdict verdict;
    find(&verdict, NULL);
    assert_int_equal(verdict.check, CHECK_USABLE_SMALL);
    assert_string_equal(verdict.signature, "usable-small/usable/9-128/remote/partial/t0>t1");
    char message[64];
    (void)snprintf(message, sizeof message, "usable size %d of a block of 90 bytes", 88 - HAK_HEADER);
    assert_string_equal(verdict.message, message);
    assert_int_equal(verdict.record, 2);
    assert_int_equal(verdict.operations, 2);
    assert_true(verdict.fault_reached == 1 && verdict.fault_triggered == 1);
}

static void test_finding_in_the_final_checks(void **state) {
    (void)state;
    static struct owned owned;
    struct verdict verdict;
    write_program(&owned, "t0 malloc s0 96\n");
    assert_true(world_arm_fault("trim-forgets"));
    assert_int_equal(world_run(target_find("sequence"), &owned.program, NULL, &verdict), CHECK_NOT_RETURNED);
    assert_int_equal(verdict.record, owned.program.record_count);
    assert_non_null(strstr(verdict.signature, "not-returned/end/"));
}

static void test_a_run_after_a_finding_is_clean(void **state) {
    (void)state;
    static struct owned owned;
    struct verdict verdict;
    write_program(&owned, "t0 malloc s0 96\nt1 usable s0\nt1 free s0\n");
    uint64_t trace = run_clean(target_find("threads"), &owned.program);
    find(&verdict, NULL);
    assert_true(world_arm_fault(""));
    assert_true(run_clean(target_find("threads"), &owned.program) == trace);
}

/* A finding ends the run with eight requests still to fail: they are not the next run's. */
static void test_failures_end_with_their_run(void **state) {
    (void)state;
    static struct owned failing, owned;
    struct verdict verdict;
    write_program(&failing, "t0 fail n=9\nt0 malloc s0 96\n");
    write_program(&owned, "t0 malloc s0 96\nt0 malloc s1 64k\n");
    uint64_t trace = run_clean(target_find("oom"), &owned.program);
    assert_true(world_arm_fault("errno-missing"));
    assert_int_equal(world_run(target_find("oom"), &failing.program, NULL, &verdict), CHECK_ERRNO_CONTRACT);
    assert_true(world_arm_fault(""));
    assert_true(run_clean(target_find("oom"), &owned.program) == trace);
}

static void test_report_is_for_people(void **state) {
    (void)state;
    struct verdict verdict;
    char *text = NULL;
    size_t length = 0;
    FILE *report = open_memstream(&text, &length);
    assert_non_null(report);
    find(&verdict, report);
    assert_int_equal(fclose(report), 0);
    static const char *const needed[] = {"hakmem found usable-small",
                                         "record 2 (of 0 to 3), thread t1: usable, slot s0",
                                         "fault usable-understates",
                                         "history",
                                         "allocated",
                                         "map",
                                         "t0>t1",
                                         "usable-small/usable/9-128/remote/partial/t0>t1"};
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
        if (strstr(text, needed[i]) == NULL) {
            fail_msg("'%s' is not in the report:\n%s", needed[i], text);
        }
    }
    free(text);
}

/* The report is about the block that the message names, also where one record allocates many. */
static void test_report_is_about_the_block(void **state) {
    (void)state;
    static struct owned owned;
    struct verdict verdict;
    char *text = NULL, wanted[80];
    size_t length = 0;
    FILE *report = open_memstream(&text, &length);
    assert_non_null(report);
    write_program(&owned, "t0 malloc_many s0 16 n=4\n");
    assert_true(world_arm_fault("cache-keeps-head"));
    assert_int_equal(world_run(target_find("sequence"), &owned.program, report, &verdict), CHECK_DOUBLE_ALLOC);
    assert_int_equal(fclose(report), 0);
    unsigned long long offset = 0;
    const char *named = strstr(verdict.message, "offset 0x");
    assert_non_null(named);
    assert_int_equal(sscanf(named, "offset 0x%llx", &offset), 1);
    snprintf(wanted, sizeof wanted, "history     of the bytes at offset 0x%llx", offset);
    assert_non_null(strstr(text, wanted));
    free(text);
}

/* What lies outside the arena has another address in every process, so no report shows it. */
static void test_report_has_no_address_of_the_process(void **state) {
    (void)state;
    static struct owned owned;
    struct verdict verdict;
    write_program(&owned,
                  "t0 malloc s0 16\nt0 malloc s1 32\nt0 malloc s2 48\nt0 fail n=1\nt0 malloc s3 64\nt0 malloc s4 80\n");
    static const char *const faults[] = {"lock-kept", "fallback-malloc"};
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        char *text = NULL;
        size_t length = 0;
        FILE *report = open_memstream(&text, &length);
        assert_non_null(report);
        assert_true(world_arm_fault(faults[i]));
        assert_int_not_equal(world_run(target_find("oom"), &owned.program, report, &verdict), CHECK_NONE);
        assert_int_equal(fclose(report), 0);
        assert_null(strstr(text, "history"));
        free(text);
    }
}

static const cJSON *member(const cJSON *object, const char *name) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    assert_non_null(item);
    return item;
}

static void test_finding_line_is_json(void **state) {
    (void)state;
    static const char prefix[] = "hakmem-finding: ";
    struct verdict verdict;
    char *text = NULL, trace[32];
    size_t length = 0;
    find(&verdict, NULL);
    strcpy(verdict.message, "a \"quote\", a \\ and a\ttab");
    FILE *out = open_memstream(&text, &length);
    assert_non_null(out);
    world_print_finding(target_find("threads"), &verdict, out);
    assert_int_equal(fclose(out), 0);
    assert_memory_equal(text, prefix, sizeof prefix - 1);
    assert_ptr_equal(strchr(text, '\n'), text + length - 1); /* one line */
    cJSON *json = cJSON_Parse(text + sizeof prefix - 1);
    assert_non_null(json);
    assert_string_equal(member(json, "check")->valuestring, "usable-small");
    assert_string_equal(member(json, "signature")->valuestring, verdict.signature);
    assert_non_null(strstr(member(json, "message")->valuestring, "quote"));
    assert_string_equal(member(json, "target")->valuestring, "threads");
    assert_string_equal(member(json, "fault")->valuestring, "usable-understates");
    assert_int_equal(member(json, "record")->valueint, 2);
    assert_int_equal(member(json, "operations")->valueint, 2);
    snprintf(trace, sizeof trace, "0x%016llx", (unsigned long long)verdict.trace_hash);
    assert_string_equal(member(json, "trace_hash")->valuestring, trace);
    cJSON_Delete(json);
    free(text);
}

int main(void) {
#define TEST(name) cmocka_unit_test_teardown(test_##name, tidy)
    const struct CMUnitTest tests[] = {
        TEST(verdict_of_a_clean_run),         TEST(empty_program_is_clean),
        TEST(verdict_of_a_finding),           TEST(finding_in_the_final_checks),
        TEST(a_run_after_a_finding_is_clean), TEST(failures_end_with_their_run),
        TEST(report_is_for_people),           TEST(finding_line_is_json),
        TEST(report_is_about_the_block),      TEST(report_has_no_address_of_the_process),
    };
#undef TEST
    return cmocka_run_group_tests_name("verdict", tests, open_world, close_world);
}
