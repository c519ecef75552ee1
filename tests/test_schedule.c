/* The schedule: the order in which records run, from the genes of the trailer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "oracle/mutate.h"
#include "oracle/run.h"
#include "oracle/schedule.h"

enum { RECORDS_MAX = 64 };

/* A program of one NOP per letter of `threads` ("0110": threads 0, 1, 1, 0) and the given genes. */
struct made {
    uint8_t bytes[PROGRAM_HEADER_BYTES + PROGRAM_RECORD_BYTES * (RECORDS_MAX + PROGRAM_GENES_MAX)];
    struct program program;
    uint8_t threads_of[RECORDS_MAX];
    uint16_t order[RECORDS_MAX];
};

static void make(struct made *made, const char *threads, const struct gene *genes, uint8_t gene_count) {
    memset(made, 0, sizeof *made);
    size_t count = strlen(threads);
    const struct program_header header = {.version = 1, .slot_count = 16, .gene_count = gene_count};
    program_header_write(&header, made->bytes);
    uint8_t *unit = made->bytes + PROGRAM_HEADER_BYTES;
    for (size_t i = 0; i < count; i++, unit += PROGRAM_RECORD_BYTES) {
        made->threads_of[i] = (uint8_t)(threads[i] - '0');
        const struct record record = {.op = OP_NOP, .thread = made->threads_of[i]};
        record_write(&record, unit);
    }
    for (size_t i = 0; i < gene_count; i++, unit += PROGRAM_RECORD_BYTES) {
        gene_write(&genes[i], unit);
    }
    program_read(&made->program, made->bytes, (size_t)(unit - made->bytes));
    assert_int_equal(made->program.record_count, count);
    assert_int_equal(made->program.gene_count, gene_count);
    schedule_order(&made->program, made->threads_of, PROGRAM_THREADS_MAX, made->order);
}

/* expected: indices of records in the order in which they run */
static void assert_order(const char *threads, const struct gene *genes, uint8_t gene_count, const uint16_t *expected) {
    static struct made made;
    make(&made, threads, genes, gene_count);
    assert_memory_equal(made.order, expected, strlen(threads) * sizeof *expected);
}

#define ORDER(threads, genes, ...)                                                                                     \
    do {                                                                                                               \
        static const uint16_t expected[] = {__VA_ARGS__};                                                              \
        _Static_assert(sizeof expected / sizeof expected[0] == sizeof(threads) - 1, "one index a record");             \
        assert_order(threads, genes, sizeof genes / sizeof genes[0], expected);                                        \
    } while (0)

static void test_without_genes_records_run_as_they_stand(void **state) {
    (void)state;
    static const uint16_t expected[] = {0, 1, 2, 3, 4};
    assert_order("01320", NULL, 0, expected);
}

static void test_a_hold_ends_after_as_many_records_of_others(void **state) {
    (void)state;
    static const struct gene first[] = {{.record = 0, .value = 2}};
    ORDER("10100", first, 1, 3, 0, 2, 4);
    static const struct gene by_one[] = {{.record = 1, .value = 1}};
    ORDER("01010", by_one, 0, 2, 1, 3, 4);
    ORDER("0123", by_one, 0, 2, 1, 3);
    static const struct gene all_others_count[] = {{.record = 0, .value = 3}};
    ORDER("10232", all_others_count, 1, 2, 3, 0, 4);
}

static void test_waiting_records_keep_their_order(void **state) {
    (void)state;
    static const struct gene genes[] = {{.record = 1, .value = 2}};
    ORDER("0111001", genes, 0, 4, 5, 1, 2, 3, 6);
}

static void test_hold_past_the_end(void **state) {
    (void)state;
    static const struct gene genes[] = {{.record = 0, .value = 255}};
    ORDER("1010", genes, 1, 3, 0, 2);
    ORDER("1111", genes, 0, 1, 2, 3);
    ORDER("1", genes, 0);
}

static void test_two_holds(void **state) {
    (void)state;
    static const struct gene one_after_the_other[] = {{.record = 0, .value = 1}, {.record = 3, .value = 1}};
    ORDER("10201", one_after_the_other, 1, 0, 2, 4, 3);
    static const struct gene at_once[] = {{.record = 0, .value = 2}, {.record = 1, .value = 2}};
    ORDER("12000", at_once, 2, 3, 0, 1, 4);
    static const struct gene same_thread[] = {{.record = 0, .value = 1}, {.record = 2, .value = 1}};
    ORDER("10100", same_thread, 1, 0, 3, 2, 4);
}

static void test_every_thread_held_still_ends(void **state) {
    (void)state;
    static const struct gene genes[] = {{.record = 0, .value = 255},
                                        {.record = 1, .value = 255},
                                        {.record = 2, .value = 255},
                                        {.record = 3, .value = 255}};
    static struct made made;
    bool seen[8] = {false};
    make(&made, "01230123", genes, 4);
    for (unsigned i = 0; i < 8; i++) {
        assert_false(seen[made.order[i]]);
        seen[made.order[i]] = true;
    }
}

static void test_genes_that_mean_nothing(void **state) {
    (void)state;
    static const struct gene beyond[] = {{.record = 5, .value = 3}};
    ORDER("10100", beyond, 0, 1, 2, 3, 4);
    static const struct gene no_hold[] = {{.record = 0, .value = 0}};
    ORDER("10100", no_hold, 0, 1, 2, 3, 4);
    static const struct gene inside_an_operation[] = {{.record = 0, .yield = 1, .value = 3}};
    ORDER("10100", inside_an_operation, 0, 1, 2, 3, 4);
}

/* Whatever the genes: every record runs once, and a thread never overtakes itself. */
static void assert_is_schedule(const struct program *program, uint8_t threads, unsigned *moved) {
    static uint8_t threads_of[PROGRAM_RECORDS_MAX];
    static uint16_t order[PROGRAM_RECORDS_MAX];
    static bool seen[PROGRAM_RECORDS_MAX];
    int32_t last[PROGRAM_THREADS_MAX] = {-1, -1, -1, -1};
    for (uint32_t i = 0; i < program->record_count; i++) {
        threads_of[i] = program_record_thread(program, i) % threads;
        seen[i] = false;
    }
    schedule_order(program, threads_of, threads, order);
    for (uint32_t i = 0; i < program->record_count; i++) {
        assert_true(order[i] < program->record_count);
        assert_false(seen[order[i]]);
        seen[order[i]] = true;
        assert_true(order[i] > last[threads_of[order[i]]]);
        last[threads_of[order[i]]] = order[i];
        *moved += order[i] != i;
    }
}

static void test_order_within_a_thread_is_kept(void **state) {
    (void)state;
    static uint8_t bytes[8192];
    struct mutate_random random;
    unsigned moved = 0, moved_alone = 0;
    mutate_seed(&random, 7);
    for (unsigned i = 0; i < 20000; i++) {
        size_t size_bytes = mutate_generate(&random, 1 + i % 60, bytes, sizeof bytes);
        struct program program;
        if (i % 2 == 0) { /* also holds that no generator makes */
            for (size_t at = PROGRAM_HEADER_BYTES; at < size_bytes; at++) {
                bytes[at] = (uint8_t)mutate_next(&random);
            }
            for (size_t at = PROGRAM_HEADER_BYTES; at + 3 < size_bytes; at += PROGRAM_RECORD_BYTES) {
                bytes[at + 1] %= 4;
                bytes[at + 2] %= 2;
            }
            bytes[12] = (uint8_t)mutate_below(&random, PROGRAM_GENES_MAX + 1);
        }
        program_read(&program, bytes, size_bytes);
        assert_is_schedule(&program, PROGRAM_THREADS_MAX, &moved);
        assert_is_schedule(&program, 1, &moved_alone);
    }
    assert_true(moved > 10000);
    assert_int_equal(moved_alone, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_genes_records_run_as_they_stand),
        cmocka_unit_test(test_a_hold_ends_after_as_many_records_of_others),
        cmocka_unit_test(test_waiting_records_keep_their_order),
        cmocka_unit_test(test_hold_past_the_end),
        cmocka_unit_test(test_two_holds),
        cmocka_unit_test(test_every_thread_held_still_ends),
        cmocka_unit_test(test_genes_that_mean_nothing),
        cmocka_unit_test(test_order_within_a_thread_is_kept),
    };
    return cmocka_run_group_tests_name("schedule", tests, NULL, NULL);
}
