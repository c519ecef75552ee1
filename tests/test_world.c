/* The world: one input decides everything, nothing is left behind, and what it says about a run is true. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dlfcn.h>
#include <errno.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "allocator/annotate.h"
#include "oracle/fault.h"
#include "oracle/mutate.h"
#include "oracle/text.h"
#include "oracle/world.h"

enum { PROGRAM_BYTES = 2048, PROGRAMS = 4000, HASH_EVERY = 8 };

static uint64_t opening_hash;

static int open_world(void **state) {
    (void)state;
    char why[256];
    if (world_open(why, sizeof why) != 0) {
        fprintf(stderr, "%s\n", why);
        return -1;
    }
    opening_hash = world_state_hash();
    return 0;
}

static int close_world(void **state) {
    (void)state;
    world_close();
    return 0;
}

/* Each test leaves no fault and no observer behind, also when it fails. */
static int tidy(void **state) {
    (void)state;
    world_observe(NULL, NULL);
    return world_arm_fault("") ? 0 : -1;
}

/* --- programs --- */

struct owned {
    uint8_t bytes[PROGRAM_BYTES];
    struct program program;
};

static void generate(struct mutate_random *random, struct owned *owned) {
    size_t size_bytes = mutate_generate(random, 1 + mutate_below(random, 80), owned->bytes, sizeof owned->bytes);
    program_read(&owned->program, owned->bytes, size_bytes);
}

/* Lines of text form, without the first one. */
static void write_program(struct owned *owned, const char *lines) {
    char text[1024];
    struct text_error error;
    size_t size_bytes;
    int length = snprintf(text, sizeof text, "hakmem 1\n%s", lines);
    uint8_t *bytes = text_assemble(text, (size_t)length, &size_bytes, &error);
    if (bytes == NULL || size_bytes > sizeof owned->bytes) {
        fail_msg("line %u: %s", error.line, error.message);
    }
    memcpy(owned->bytes, bytes, size_bytes);
    free(bytes);
    program_read(&owned->program, owned->bytes, size_bytes);
}

static const struct target_info *target_of(unsigned i) {
    return &target_table[i % TARGET_COUNT];
}

static uint64_t run_clean(const struct target_info *target, const struct program *program) {
    struct verdict verdict;
    if (world_run(target, program, stderr, &verdict) != CHECK_NONE) {
        fail_msg("%s: %s", check_table[verdict.check].id, verdict.message);
    }
    return verdict.trace_hash;
}

/* Faults that end a run in many ways, and none that touches memory AddressSanitizer would stop the process for. */
static const char *const harmless_faults[] = {"errno-missing", "usable-understates", "calloc-skips-zero",
                                              "born-marked",   "trim-forgets",       "align-ignored",
                                              "lock-kept",     "growth-limit"};
enum { HARMLESS_FAULTS = sizeof harmless_faults / sizeof harmless_faults[0] };

/* --- reset and replay --- */

static void test_reset_is_proven(void **state) {
    (void)state;
    static struct owned owned;
    struct mutate_random random;
    mutate_seed(&random, 11);
    for (unsigned i = 0; i < PROGRAMS; i++) {
        generate(&random, &owned);
        run_clean(target_of(i), &owned.program);
        if (i % HASH_EVERY == 0) {
            assert_true(world_state_hash() == opening_hash);
        }
    }
}

static void test_reset_is_proven_after_findings(void **state) {
    (void)state;
    static struct owned owned;
    struct mutate_random random;
    unsigned found = 0;
    mutate_seed(&random, 12);
    for (unsigned i = 0; i < PROGRAMS / 4; i++) {
        struct verdict verdict;
        generate(&random, &owned);
        assert_true(world_arm_fault(harmless_faults[i % HARMLESS_FAULTS]));
        if (world_run(target_of(i / HARMLESS_FAULTS), &owned.program, NULL, &verdict) != CHECK_NONE) {
            found++;
            assert_true(world_state_hash() == opening_hash);
            assert_true(world_arm_fault(""));
            run_clean(target_of(i / HARMLESS_FAULTS), &owned.program);
        }
    }
    assert_true(found > PROGRAMS / 40);
}

/* What the hash would not see, it would not prove. */
static void test_state_hash_sees_memory(void **state) {
    (void)state;
    unsigned char *byte = os_reserve(HAK_PAGE_BYTES, HAK_PAGE_BYTES);
    assert_non_null(byte);
    assert_true(os_commit(byte, HAK_PAGE_BYTES));
    hak_mark_open(byte, HAK_PAGE_BYTES);
    byte[77] = 1;
    assert_true(world_state_hash() != opening_hash);
    hak_mark_open(byte, HAK_PAGE_BYTES); /* the hash closed the arena */
    byte[77] = 0;
    assert_true(world_state_hash() == opening_hash);
    os_release(byte, HAK_PAGE_BYTES);
}

static void test_equal_runs_leave_equal_traces(void **state) {
    (void)state;
    static struct owned owned;
    struct mutate_random random;
    uint64_t traces[TARGET_COUNT] = {0};
    mutate_seed(&random, 13);
    for (unsigned i = 0; i < PROGRAMS / 4; i++) {
        generate(&random, &owned);
        for (unsigned t = 0; t < TARGET_COUNT; t++) {
            traces[t] = run_clean(&target_table[t], &owned.program);
        }
        for (unsigned t = TARGET_COUNT; t-- > 0;) {
            assert_true(run_clean(&target_table[t], &owned.program) == traces[t]);
        }
    }
}

static void test_a_run_does_not_depend_on_the_one_before(void **state) {
    (void)state;
    static struct owned a, b;
    struct mutate_random random;
    unsigned differ = 0;
    mutate_seed(&random, 14);
    for (unsigned i = 0; i < PROGRAMS / 4; i++) {
        generate(&random, &a);
        generate(&random, &b);
        uint64_t trace = run_clean(target_of(i), &a.program);
        differ += run_clean(target_of(i / 3), &b.program) != trace;
        assert_true(run_clean(target_of(i), &a.program) == trace);
    }
    assert_true(differ > PROGRAMS / 5);
}

static void test_sampled_runs_are_clean(void **state) {
    (void)state;
    static struct owned owned;
    struct mutate_random random;
    struct world_totals before = world_totals();
    mutate_seed(&random, 15);
    for (unsigned i = 0; i < PROGRAMS; i++) {
        struct verdict verdict;
        generate(&random, &owned);
        assert_int_equal(world_run_sampled(target_of(i), &owned.program, stderr, &verdict), CHECK_NONE);
    }
    struct world_totals after = world_totals();
    assert_true(after.executions - before.executions > PROGRAMS); /* some were replayed */
    assert_true(after.operations > before.operations && after.dirty_pages > before.dirty_pages);
}

/* --- the observer --- */

enum { STEPS_KEPT = 4096 };
struct steps {
    unsigned count;
    struct world_step kept[STEPS_KEPT];
};

static void keep(void *context, const struct world_step *step) {
    struct steps *steps = context;
    assert_true(steps->count < STEPS_KEPT);
    steps->kept[steps->count++] = *step;
}

static const struct steps *observe(const char *target, const char *lines) {
    static struct owned owned;
    static struct steps steps;
    steps.count = 0;
    write_program(&owned, lines);
    world_observe(keep, &steps);
    run_clean(target_find(target), &owned.program);
    world_observe(NULL, NULL);
    assert_int_equal(steps.count, owned.program.record_count);
    return &steps;
}

static void test_observer_sees_execution_order(void **state) {
    (void)state;
    static const unsigned expected[] = {1, 3, 0, 2, 4};
    const struct steps *steps = observe("threads", "t1 malloc s0 96\nt0 malloc s1 96\nt1 free s1\nt0 nop\nt0 free s9\n"
                                                   "gene at=0 yield=0 hold=2\n");
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(steps->kept[i].index, expected[i]);
        assert_int_equal(steps->kept[i].thread, expected[i] == 0 || expected[i] == 2);
        assert_int_equal(steps->kept[i].applied, i == 0 || i == 2 || i == 3);
    }
    assert_int_equal(steps->kept[0].size_bytes, 96);
    assert_true(steps->kept[0].offset != 0 && steps->kept[0].offset == steps->kept[3].offset);
    assert_int_equal(steps->kept[3].record.op, OP_FREE);
}

static void test_observer_gets_each_record_once(void **state) {
    (void)state;
    static struct owned owned;
    static struct steps steps;
    struct mutate_random random;
    mutate_seed(&random, 16);
    for (unsigned i = 0; i < PROGRAMS / 8; i++) {
        bool seen[PROGRAM_BYTES / PROGRAM_RECORD_BYTES] = {false};
        generate(&random, &owned);
        uint64_t unobserved = run_clean(target_of(i), &owned.program);
        steps.count = 0;
        world_observe(keep, &steps);
        assert_true(run_clean(target_of(i), &owned.program) == unobserved);
        world_observe(NULL, NULL);
        run_clean(target_of(i), &owned.program);
        assert_int_equal(steps.count, owned.program.record_count);
        for (unsigned s = 0; s < steps.count; s++) {
            const struct world_step *step = &steps.kept[s];
            assert_true(step->index < owned.program.record_count && !seen[step->index]);
            seen[step->index] = true;
            assert_int_equal(step->record.op, program_record(&owned.program, step->index).op);
            assert_int_equal(step->thread, step->record.thread % target_of(i)->threads);
        }
    }
}

static void test_one_thread_runs_the_sequence_target(void **state) {
    (void)state;
    const struct steps *steps = observe("sequence", "t1 malloc s0 96\nt2 end\nt3 free s0\n");
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(steps->kept[i].thread, 0);
        assert_int_equal(steps->kept[i].applied, i != 1); /* thread 0 never ends */
    }
}

static void test_operations_switched_off_do_nothing(void **state) {
    (void)state;
    const struct steps *steps = observe("threads", "off malloc trim\nt0 malloc s0 96\nt0 calloc s0 96 n=1\nt0 trim\n");
    assert_false(steps->kept[0].applied);
    assert_true(steps->kept[1].applied);
    assert_false(steps->kept[2].applied);
}

/* --- what comes from the input --- */

/* Time passes in the world only; nothing of the allocator looks at it yet, so it must not change anything. */
static void test_clock_is_virtual(void **state) {
    (void)state;
    const struct steps *steps =
        observe("threads", "clock-step 255\nt0 malloc s0 96\nt0 clock ms=65535\nt0 malloc s1 96\n");
    uint64_t first = steps->kept[0].offset, second = steps->kept[2].offset;
    assert_true(steps->kept[1].applied);
    steps = observe("threads", "t0 malloc s0 96\nt0 nop\nt0 malloc s1 96\n");
    assert_true(steps->kept[0].offset == first && steps->kept[2].offset == second);
}

static void test_failures_are_injected(void **state) {
    (void)state;
    static const char lines[] = "t0 fail n=1\nt0 malloc s0 96\nt0 malloc s0 96\nt0 fail n=1\nt0 realloc s0 64k\n"
                                "t0 posix_memalign s1 4k align=4k\n";
    const struct steps *steps = observe("oom", lines);
    assert_true(steps->kept[0].applied && steps->kept[1].applied);
    assert_int_equal(steps->kept[1].error, ENOMEM);
    assert_int_equal(steps->kept[2].error, 0);
    assert_int_equal(steps->kept[4].error, ENOMEM);
    assert_int_equal(steps->kept[5].error, 0);
    steps = observe("threads", lines);
    assert_false(steps->kept[0].applied); /* only where the target says so */
    for (unsigned i = 1; i < 6; i++) {
        assert_int_equal(steps->kept[i].error, 0);
    }
}

static void test_every_nth_request_fails(void **state) {
    (void)state;
    const struct steps *steps =
        observe("oom", "fail-every 1\nt0 malloc s0 96\nt1 calloc s1 4k n=1\nt0 memalign s2 8 align=64\n");
    for (unsigned i = 0; i < 3; i++) {
        assert_true(steps->kept[i].applied && steps->kept[i].offset == 0);
        assert_int_equal(steps->kept[i].error, ENOMEM);
    }
    steps = observe("canary", "fail-every 1\nt0 malloc s0 96\n");
    assert_int_equal(steps->kept[0].error, 0);
}

static void test_bad_alignment_is_refused(void **state) {
    (void)state;
    const struct steps *steps = observe("sequence", "t0 aligned_alloc s0 64 align=32+1\nt0 memalign s0 64 align=64+1\n"
                                                    "t0 posix_memalign s0 64 align=4\n");
    for (unsigned i = 0; i < 3; i++) {
        assert_true(steps->kept[i].applied && steps->kept[i].offset == 0);
        assert_int_equal(steps->kept[i].error, EINVAL);
    }
}

/* --- the system layer --- */

static const struct steps *observe_placement(const char *placement) {
    char lines[256];
    snprintf(lines, sizeof lines, "place %s\nt0 malloc s0 4k\nt0 free s0\nt0 malloc s1 4k\nt0 malloc s2 4k\n",
             placement);
    const struct steps *steps = observe("sequence", lines);
    for (unsigned i = 0; i < 4; i++) {
        assert_true(steps->kept[i].offset != 0);
        assert_true(steps->kept[i].offset >> HAK_ADDRESS_BITS == 0);
        assert_int_equal(steps->kept[i].offset % HAK_PAGE_BYTES, 0);
    }
    return steps;
}

static void test_placements_differ(void **state) {
    (void)state;
    const uint64_t middle = UINT64_C(1) << (HAK_ADDRESS_BITS - 1);
    const struct steps *steps = observe_placement("low");
    assert_true(steps->kept[0].offset < middle && steps->kept[2].offset == steps->kept[0].offset);
    assert_true(steps->kept[3].offset > steps->kept[2].offset);
    steps = observe_placement("high");
    assert_true(steps->kept[0].offset >= middle && steps->kept[2].offset == steps->kept[0].offset);
    assert_true(steps->kept[3].offset < steps->kept[2].offset);
    steps = observe_placement("fresh");
    assert_true(steps->kept[2].offset > steps->kept[0].offset); /* although the first place is free again */
    assert_true(steps->kept[3].offset > steps->kept[2].offset);
}

static void test_every_block_lies_in_the_arena(void **state) {
    (void)state;
    static struct owned owned;
    static struct steps steps;
    struct mutate_random random;
    unsigned blocks = 0;
    mutate_seed(&random, 17);
    world_observe(keep, &steps);
    for (unsigned i = 0; i < PROGRAMS / 8; i++) {
        generate(&random, &owned);
        steps.count = 0;
        run_clean(target_of(i), &owned.program);
        for (unsigned s = 0; s < steps.count; s++) {
            assert_true(steps.kept[s].offset >> HAK_ADDRESS_BITS == 0);
            blocks += steps.kept[s].offset != 0;
        }
    }
    assert_true(blocks > PROGRAMS);
}

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
    write_program(&owned, "t0 malloc s0 96\nt0 write s0\nt1 usable s0\nt1 free s0\n");
    assert_true(world_arm_fault("usable-understates"));
    assert_int_equal(world_run(target_find("threads"), &owned.program, report, verdict), CHECK_USABLE_SMALL);
}

static void test_verdict_of_a_finding(void **state) {
    (void)state;
    struct verdict verdict;
    find(&verdict, NULL);
    assert_int_equal(verdict.check, CHECK_USABLE_SMALL);
    assert_string_equal(verdict.signature, "usable-small/usable/9-128/remote/partial/t0>t1");
    assert_string_equal(verdict.message, "usable size 88 of a block of 96 bytes");
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
                                         "record 2 of 4, thread t1: usable, slot s0",
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

/* cJSON is loaded, not linked: this is the only test that needs it. */
static cJSON *parse_json(const char *text) {
    void *library = dlopen("libcjson.so.1", RTLD_NOW);
    cJSON *(*parse)(const char *) = NULL;
    if (library != NULL) {
        *(void **)&parse = dlsym(library, "cJSON_Parse");
    }
    if (parse == NULL) {
        fail_msg("cannot load cJSON: %s", dlerror());
    }
    return parse(text);
}

static const cJSON *member(const cJSON *object, const char *name) {
    const cJSON *item = object->child;
    while (item != NULL && strcmp(item->string, name) != 0) {
        item = item->next;
    }
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
    cJSON *json = parse_json(text + sizeof prefix - 1);
    assert_non_null(json);
    assert_string_equal(member(json, "check")->valuestring, "usable-small");
    assert_string_equal(member(json, "signature")->valuestring, verdict.signature);
    assert_non_null(strstr(member(json, "message")->valuestring, "quote"));
    assert_string_equal(member(json, "target")->valuestring, "threads");
    assert_string_equal(member(json, "fault")->valuestring, "usable-understates");
    assert_int_equal(member(json, "record")->valueint, 2);
    assert_int_equal(member(json, "operations")->valueint, 2);
    snprintf(trace, sizeof trace, "%016llx", (unsigned long long)verdict.trace_hash);
    assert_string_equal(member(json, "trace")->valuestring, trace);
    free(text);
}

int main(void) {
#define TEST(name) cmocka_unit_test_teardown(test_##name, tidy)
    const struct CMUnitTest tests[] = {
        TEST(reset_is_proven),
        TEST(reset_is_proven_after_findings),
        TEST(state_hash_sees_memory),
        TEST(equal_runs_leave_equal_traces),
        TEST(a_run_does_not_depend_on_the_one_before),
        TEST(sampled_runs_are_clean),
        TEST(observer_sees_execution_order),
        TEST(observer_gets_each_record_once),
        TEST(one_thread_runs_the_sequence_target),
        TEST(operations_switched_off_do_nothing),
        TEST(clock_is_virtual),
        TEST(failures_are_injected),
        TEST(every_nth_request_fails),
        TEST(bad_alignment_is_refused),
        TEST(placements_differ),
        TEST(every_block_lies_in_the_arena),
        TEST(verdict_of_a_clean_run),
        TEST(empty_program_is_clean),
        TEST(verdict_of_a_finding),
        TEST(finding_in_the_final_checks),
        TEST(a_run_after_a_finding_is_clean),
        TEST(report_is_for_people),
        TEST(finding_line_is_json),
    };
#undef TEST
    return cmocka_run_group_tests_name("world", tests, open_world, close_world);
}
