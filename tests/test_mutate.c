/* The mutator: what it writes is always a program that fits, and reaches everything. Quality is in test_mutate_make.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "oracle/mutate.h"
#include "oracle/mutate_edit.h"
#include "oracle/mutate_make.h"
#include "oracle/program.h"

enum { HEADER = PROGRAM_HEADER_BYTES, RECORD = PROGRAM_RECORD_BYTES, BUFFER_BYTES = 4096, GUARD = 0xa5 };

/* --- the generator --- */

/* These numbers are the same on every machine, or seeds in reports mean nothing. */
static void test_known_sequence(void **state) {
    (void)state;
    struct mutate_random random;
    mutate_seed(&random, 0);
    assert_true(random.state[0] == UINT64_C(0xe220a8397b1dcdaf));
    assert_true(random.state[1] == UINT64_C(0x6e789e6aa1b965f4));
    assert_true(random.state[2] == UINT64_C(0x06c45d188009454f));
    assert_true(random.state[3] == UINT64_C(0xf88bb8a8724c81ec));
    assert_true(mutate_next(&random) == UINT64_C(0x99ec5f36cb75f2b4));
    assert_true(mutate_next(&random) == UINT64_C(0xbf6e1f784956452a));
}

static void test_below_stays_below_and_reaches_all(void **state) {
    (void)state;
    struct mutate_random random;
    mutate_seed(&random, 1);
    for (uint32_t bound = 1; bound <= 70; bound++) {
        bool seen[70] = {false};
        for (unsigned i = 0; i < 2000; i++) {
            uint32_t value = mutate_below(&random, bound);
            assert_true(value < bound);
            seen[value] = true;
        }
        for (uint32_t value = 0; value < bound; value++)
            assert_true(seen[value]);
    }
    assert_true(mutate_below(&random, UINT32_MAX) < UINT32_MAX);
}

/* --- shape --- */

static void assert_canonical(const uint8_t *bytes, size_t size_bytes) {
    uint8_t *again = malloc(size_bytes);
    assert_non_null(again);
    assert_int_equal(size_bytes % RECORD, 0);
    assert_int_equal(mutate_canonical(bytes, size_bytes, again, size_bytes), size_bytes);
    assert_memory_equal(again, bytes, size_bytes);
    free(again);
}

static void fill(struct mutate_random *random, uint8_t *bytes, size_t size_bytes) {
    for (size_t i = 0; i < size_bytes; i++)
        bytes[i] = (uint8_t)mutate_next(random);
}

static void assert_guarded(const uint8_t *bytes, size_t capacity_bytes, size_t end_bytes) {
    for (size_t i = capacity_bytes; i < end_bytes; i++)
        assert_int_equal(bytes[i], GUARD);
}

/* Any bytes, any capacity from a header on: the result fits, is whole and canonical, and nothing behind it is touched.
 */
static void test_mutate_stays_inside(void **state) {
    (void)state;
    enum { END_BYTES = 256 };
    struct mutate_random random;
    mutate_seed(&random, 2);
    for (size_t capacity_bytes = HEADER; capacity_bytes < 200; capacity_bytes++) {
        for (unsigned i = 0; i < 60; i++) {
            uint8_t bytes[END_BYTES];
            size_t size_bytes = mutate_below(&random, (uint32_t)capacity_bytes + 1);
            memset(bytes, GUARD, sizeof bytes);
            fill(&random, bytes, size_bytes);
            size_bytes = mutate(&random, bytes, size_bytes, capacity_bytes);
            assert_true(size_bytes >= HEADER && size_bytes <= capacity_bytes);
            assert_guarded(bytes, capacity_bytes, sizeof bytes);
            assert_canonical(bytes, size_bytes);
        }
    }
}

static void test_mutate_without_room_for_a_header(void **state) {
    (void)state;
    struct mutate_random random;
    mutate_seed(&random, 3);
    for (size_t capacity_bytes = 1; capacity_bytes < HEADER; capacity_bytes++) {
        for (size_t size_bytes = 0; size_bytes <= capacity_bytes; size_bytes++) {
            uint8_t bytes[2 * HEADER], other[HEADER] = {0};
            memset(bytes, GUARD, sizeof bytes);
            size_t mutated_bytes = mutate(&random, bytes, size_bytes, capacity_bytes);
            assert_true(mutated_bytes > 0 && mutated_bytes <= capacity_bytes);
            mutated_bytes = mutate_cross(&random, other, sizeof other, other, size_bytes, bytes, capacity_bytes);
            assert_true(mutated_bytes > 0 && mutated_bytes <= capacity_bytes);
            assert_guarded(bytes, capacity_bytes, sizeof bytes);
        }
    }
}

static void test_cross_stays_inside(void **state) {
    (void)state;
    enum { END_BYTES = 256 };
    struct mutate_random random;
    mutate_seed(&random, 4);
    for (size_t capacity_bytes = HEADER; capacity_bytes < 200; capacity_bytes++) {
        for (unsigned i = 0; i < 60; i++) {
            uint8_t a[END_BYTES], b[END_BYTES], out[END_BYTES];
            size_t a_bytes = mutate_below(&random, END_BYTES), b_bytes = mutate_below(&random, END_BYTES);
            memset(out, GUARD, sizeof out);
            fill(&random, a, a_bytes);
            fill(&random, b, b_bytes);
            size_t size_bytes = mutate_cross(&random, a, a_bytes, b, b_bytes, out, capacity_bytes);
            assert_true(size_bytes >= HEADER && size_bytes <= capacity_bytes);
            assert_guarded(out, capacity_bytes, sizeof out);
            assert_canonical(out, size_bytes);
        }
    }
}

static void test_generate_stays_inside(void **state) {
    (void)state;
    struct mutate_random random;
    mutate_seed(&random, 5);
    for (size_t capacity_bytes = HEADER; capacity_bytes < 600; capacity_bytes += 3) {
        uint8_t bytes[700];
        memset(bytes, GUARD, sizeof bytes);
        size_t size_bytes = mutate_generate(&random, 50, bytes, capacity_bytes);
        assert_true(size_bytes >= HEADER && size_bytes <= capacity_bytes);
        assert_guarded(bytes, capacity_bytes, sizeof bytes);
        assert_canonical(bytes, size_bytes);
    }
}

static void test_the_largest_program_stays_inside(void **state) {
    (void)state;
    enum { LARGE_BYTES = PROGRAM_BYTES_MAX + 1000 };
    struct mutate_random random;
    uint8_t *bytes = malloc(LARGE_BYTES);
    assert_non_null(bytes);
    mutate_seed(&random, 6);
    size_t size_bytes = mutate_generate(&random, 100000, bytes, LARGE_BYTES);
    struct program program;
    program_read(&program, bytes, size_bytes);
    assert_int_equal(program.record_count, PROGRAM_RECORDS_MAX);
    assert_int_equal(program.tail_bytes, 0);
    for (unsigned i = 0; i < 200; i++) {
        size_bytes = mutate(&random, bytes, size_bytes, LARGE_BYTES);
        assert_true(size_bytes <= PROGRAM_BYTES_MAX);
        program_read(&program, bytes, size_bytes);
        assert_int_equal(program.tail_bytes, 0);
    }
    assert_canonical(bytes, size_bytes);
    free(bytes);
}

static void test_a_long_walk_does_not_die_out(void **state) {
    (void)state;
    struct mutate_random random;
    uint8_t bytes[BUFFER_BYTES];
    unsigned tiny = 0;
    enum { STEPS = 50000 };
    mutate_seed(&random, 7);
    size_t size_bytes = mutate_generate(&random, 30, bytes, sizeof bytes);
    for (unsigned i = 0; i < STEPS; i++) {
        size_bytes = mutate(&random, bytes, size_bytes, sizeof bytes);
        assert_true(size_bytes >= HEADER && size_bytes <= sizeof bytes);
        tiny += size_bytes < HEADER + 4 * RECORD;
    }
    assert_true(tiny < STEPS / 10);
    assert_canonical(bytes, size_bytes);
}

static void test_equal_seeds_give_equal_programs(void **state) {
    (void)state;
    uint8_t bytes[2][BUFFER_BYTES], crossed[2][BUFFER_BYTES];
    size_t size_bytes[2], crossed_bytes[2];
    for (unsigned run = 0; run < 2; run++) {
        struct mutate_random random;
        mutate_seed(&random, 8);
        memset(bytes[run], run ? 0x11 : 0xee, sizeof bytes[run]); /* what was in the buffer must not matter */
        size_bytes[run] = mutate_generate(&random, 40, bytes[run], sizeof bytes[run]);
        for (unsigned i = 0; i < 500; i++)
            size_bytes[run] = mutate(&random, bytes[run], size_bytes[run], sizeof bytes[run]);
        crossed_bytes[run] = mutate_cross(&random, bytes[run], size_bytes[run], bytes[run], size_bytes[run],
                                          crossed[run], sizeof crossed[run]);
    }
    assert_int_equal(size_bytes[0], size_bytes[1]);
    assert_memory_equal(bytes[0], bytes[1], size_bytes[0]);
    assert_int_equal(crossed_bytes[0], crossed_bytes[1]);
    assert_memory_equal(crossed[0], crossed[1], crossed_bytes[0]);
}

/* --- canonical form --- */

static void test_canonical_form_means_the_same(void **state) {
    (void)state;
    struct mutate_random random;
    mutate_seed(&random, 9);
    for (unsigned i = 0; i < 3000; i++) {
        uint8_t bytes[300], out[300];
        struct program before, after;
        size_t size_bytes = mutate_below(&random, sizeof bytes);
        fill(&random, bytes, size_bytes);
        size_t out_bytes = mutate_canonical(bytes, size_bytes, out, sizeof out);
        program_read(&before, bytes, size_bytes);
        program_read(&after, out, out_bytes);
        assert_int_equal(after.tail_bytes, 0);
        assert_int_equal(after.header.version, PROGRAM_VERSION);
        assert_int_equal(after.record_count, before.record_count);
        assert_int_equal(after.gene_count, before.gene_count);
        assert_int_equal(after.header.gene_count, before.gene_count);
        assert_int_equal(after.header.geometry, before.header.geometry);
        assert_int_equal(after.header.slot_count, before.header.slot_count);
        assert_int_equal(after.header.placement, before.header.placement);
        assert_int_equal(after.header.ops_off, before.header.ops_off);
        assert_int_equal(after.header.fail_every, before.header.fail_every);
        assert_int_equal(after.header.clock_step_ms, before.header.clock_step_ms);
        assert_int_equal(after.header.preset, before.header.preset);
        for (uint32_t j = 0; j < before.record_count; j++) {
            struct record a = program_record(&before, j), b = program_record(&after, j);
            unsigned fields = program_op_info[a.op].fields;
            assert_int_equal(a.op, b.op);
            assert_int_equal(a.thread, b.thread);
            assert_int_equal(fields & FIELD_SLOT ? a.slot : 0, b.slot);
            assert_true((fields & FIELD_SIZE ? record_size_bytes(&a) : 0) == record_size_bytes(&b));
            assert_true((fields & FIELD_ALIGN ? record_align_bytes(&a) : 1) == record_align_bytes(&b));
            if (fields & FIELD_OPTION) {
                assert_int_equal(record_option_choice(&a), record_option_choice(&b));
                assert_int_equal(record_option_value(&a), record_option_value(&b));
            } else {
                assert_int_equal(fields & FIELD_COUNT ? a.argument : 0, b.argument);
            }
        }
        for (uint32_t j = 0; j < before.gene_count; j++) {
            struct gene a = program_gene(&before, j), b = program_gene(&after, j);
            assert_memory_equal(&a, &b, sizeof a);
        }
        assert_canonical(out, out_bytes);
    }
}

static void test_canonical_form_in_place(void **state) {
    (void)state;
    struct mutate_random random;
    mutate_seed(&random, 10);
    for (unsigned i = 0; i < 1000; i++) {
        uint8_t bytes[300], out[300];
        size_t size_bytes = mutate_below(&random, sizeof bytes), capacity_bytes = HEADER + mutate_below(&random, 200);
        fill(&random, bytes, sizeof bytes);
        size_t out_bytes = mutate_canonical(bytes, size_bytes, out, capacity_bytes);
        assert_int_equal(mutate_canonical(bytes, size_bytes, bytes, capacity_bytes), out_bytes);
        assert_memory_equal(bytes, out, out_bytes);
    }
    uint8_t byte = 0;
    assert_int_equal(mutate_canonical(&byte, 1, &byte, 1), 0);
}

/* --- gene anchors --- */

/* Records carry their number as a clock argument, each gene the number of its record as hold. */
static void numbered(struct edit *edit, uint8_t *bytes, uint32_t count) {
    edit_open(edit, bytes, 0, BUFFER_BYTES);
    edit_insert(edit, 0, count);
    for (uint32_t i = 0; i < count; i++)
        edit_set_record(edit, i, (struct record){.op = OP_CLOCK, .argument = (uint16_t)(1 + i)});
    for (uint32_t i = 0; i < count; i++)
        assert_true(edit_add_gene(edit, (struct gene){.record = (uint16_t)i, .value = (uint8_t)(1 + i)}));
}

/* Each gene still names its record. Returns how many genes there are. */
static uint32_t assert_anchored(const struct edit *edit) {
    const struct program *program = &edit->program;
    for (uint32_t i = 0; i < program->gene_count; i++) {
        struct gene gene = program_gene(program, i);
        assert_true(gene.record < program->record_count);
        assert_int_equal(program_record(program, gene.record).argument, gene.value);
    }
    return program->gene_count;
}

static void test_anchors_follow_insertion(void **state) {
    (void)state;
    for (uint32_t at = 0; at <= 10; at++) {
        uint8_t bytes[BUFFER_BYTES];
        struct edit edit;
        numbered(&edit, bytes, 10);
        edit_insert(&edit, at, 3);
        assert_int_equal(assert_anchored(&edit), 10);
        assert_int_equal(edit.program.record_count, 13);
        for (uint32_t i = at; i < at + 3; i++)
            assert_int_equal(program_record(&edit.program, i).op, OP_NOP);
        assert_canonical(bytes, edit_close(&edit));
    }
}

static void test_anchors_follow_deletion(void **state) {
    (void)state;
    for (uint32_t at = 0; at < 10; at++) {
        for (uint32_t count = 0; at + count <= 10; count++) {
            uint8_t bytes[BUFFER_BYTES];
            struct edit edit;
            numbered(&edit, bytes, 10);
            edit_delete(&edit, at, count);
            assert_int_equal(assert_anchored(&edit), 10 - count); /* a gene goes with its record */
            assert_int_equal(edit.program.record_count, 10 - count);
            assert_canonical(bytes, edit_close(&edit));
        }
    }
}

static void test_anchors_follow_swaps(void **state) {
    (void)state;
    for (uint32_t i = 0; i < 10; i++) {
        for (uint32_t j = i + 1; j < 10; j++) {
            uint8_t bytes[BUFFER_BYTES];
            struct edit edit;
            numbered(&edit, bytes, 10);
            edit_swap(&edit, i, j);
            assert_int_equal(program_record(&edit.program, i).argument, j + 1);
            assert_int_equal(assert_anchored(&edit), 10);
        }
    }
}

static void test_removing_a_gene_leaves_the_others(void **state) {
    (void)state;
    for (uint32_t i = 0; i < 10; i++) {
        uint8_t bytes[BUFFER_BYTES];
        struct edit edit;
        numbered(&edit, bytes, 10);
        edit_remove_gene(&edit, i);
        assert_int_equal(assert_anchored(&edit), 9);
        for (uint32_t j = 0; j < 9; j++)
            assert_int_not_equal(program_gene(&edit.program, j).record, i);
    }
}

static void test_anchors_follow_through_cross(void **state) {
    (void)state;
    struct mutate_random random;
    unsigned genes_of_both = 0;
    mutate_seed(&random, 11);
    for (unsigned i = 0; i < 2000; i++) {
        uint8_t a[BUFFER_BYTES], b[BUFFER_BYTES], out[BUFFER_BYTES];
        struct edit edit;
        numbered(&edit, a, 5);
        size_t a_bytes = edit_close(&edit);
        numbered(&edit, b, 9);
        size_t b_bytes = edit_close(&edit);
        size_t size_bytes = mutate_cross(&random, a, a_bytes, b, b_bytes, out, sizeof out);
        edit_open(&edit, out, size_bytes, sizeof out);
        genes_of_both += assert_anchored(&edit) > 5;
    }
    assert_true(genes_of_both > 500);
}

/* --- what mutation reaches --- */

static void test_mutation_reaches_every_kind_of_change(void **state) {
    (void)state;
    struct mutate_random random;
    uint8_t start[BUFFER_BYTES];
    unsigned grown = 0, shrunk = 0, header = 0, genes_more = 0, genes_less = 0, genes_moved = 0, same = 0;
    unsigned op = 0, thread = 0, slot = 0, size = 0, argument = 0;
    mutate_seed(&random, 20);
    struct edit edit;
    numbered(&edit, start, 12);
    edit_set_record(&edit, 3, (struct record){.op = OP_MALLOC, .slot = 3, .boundary = 7});
    edit_set_record(&edit, 4, (struct record){.op = OP_FREE, .slot = 3});
    size_t start_bytes = edit_close(&edit);
    struct program before;
    program_read(&before, start, start_bytes);
    for (unsigned i = 0; i < 10000; i++) {
        uint8_t bytes[BUFFER_BYTES];
        struct program after;
        memcpy(bytes, start, start_bytes);
        size_t size_bytes = mutate(&random, bytes, start_bytes, sizeof bytes);
        same += size_bytes == start_bytes && memcmp(bytes, start, start_bytes) == 0;
        program_read(&after, bytes, size_bytes);
        grown += after.record_count > before.record_count;
        shrunk += after.record_count < before.record_count;
        bool same_records = after.record_count == before.record_count &&
                            memcmp(bytes + HEADER, start + HEADER, (size_t)before.record_count * RECORD) == 0;
        if (same_records) { /* a gene also goes with its record */
            genes_more += after.gene_count > before.gene_count;
            genes_less += after.gene_count < before.gene_count;
        }
        header += memcmp(bytes, start, 12) != 0;
        if (after.record_count != before.record_count || after.gene_count != before.gene_count)
            continue;
        genes_moved += memcmp(bytes + HEADER + 12 * RECORD, start + HEADER + 12 * RECORD, 12 * RECORD) != 0;
        for (uint32_t j = 0; j < after.record_count; j++) {
            struct record a = program_record(&before, j), b = program_record(&after, j);
            op += a.op != b.op;
            thread += a.thread != b.thread;
            slot += a.op == b.op && a.slot != b.slot;
            size += a.op == b.op && (a.boundary != b.boundary || a.distance != b.distance);
            argument += a.op == b.op && a.argument != b.argument;
        }
    }
    const unsigned counts[] = {grown, shrunk, header, genes_more, genes_less, genes_moved,
                               op,    thread, slot,   size,       argument};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        assert_true(counts[i] > 20);
    assert_true(same < 10000 / 20); /* a mutation that changes nothing is an execution lost */
}

static void test_cross_takes_from_both(void **state) {
    (void)state;
    struct mutate_random random;
    unsigned of_both = 0;
    mutate_seed(&random, 21);
    for (unsigned i = 0; i < 1000; i++) {
        uint8_t a[BUFFER_BYTES], b[BUFFER_BYTES], out[BUFFER_BYTES];
        struct program program;
        struct edit edit;
        bool from_a = false, from_b = false;
        edit_open(&edit, a, 0, sizeof a);
        edit.program.header.slot_count = 4;
        edit_insert(&edit, 0, 6);
        for (uint32_t j = 0; j < 6; j++)
            edit_set_record(&edit, j, (struct record){.op = OP_WRITE, .slot = 1});
        size_t a_bytes = edit_close(&edit);
        edit_open(&edit, b, 0, sizeof b);
        edit.program.header.slot_count = 64;
        edit_insert(&edit, 0, 6);
        for (uint32_t j = 0; j < 6; j++)
            edit_set_record(&edit, j, (struct record){.op = OP_VERIFY, .slot = 61});
        size_t b_bytes = edit_close(&edit);
        size_t size_bytes = mutate_cross(&random, a, a_bytes, b, b_bytes, out, sizeof out);
        program_read(&program, out, size_bytes);
        assert_int_equal(program.header.slot_count, 4);
        for (uint32_t j = 0; j < program.record_count; j++) {
            struct record record = program_record(&program, j);
            from_a |= record.op == OP_WRITE;
            from_b |= record.op == OP_VERIFY;
            assert_int_equal(record.slot, 1); /* 61 modulo 4 slots */
        }
        of_both += from_a && from_b;
    }
    assert_true(of_both > 500);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_sequence),
        cmocka_unit_test(test_below_stays_below_and_reaches_all),
        cmocka_unit_test(test_mutate_stays_inside),
        cmocka_unit_test(test_mutate_without_room_for_a_header),
        cmocka_unit_test(test_cross_stays_inside),
        cmocka_unit_test(test_generate_stays_inside),
        cmocka_unit_test(test_the_largest_program_stays_inside),
        cmocka_unit_test(test_a_long_walk_does_not_die_out),
        cmocka_unit_test(test_equal_seeds_give_equal_programs),
        cmocka_unit_test(test_canonical_form_means_the_same),
        cmocka_unit_test(test_canonical_form_in_place),
        cmocka_unit_test(test_anchors_follow_insertion),
        cmocka_unit_test(test_anchors_follow_deletion),
        cmocka_unit_test(test_anchors_follow_swaps),
        cmocka_unit_test(test_removing_a_gene_leaves_the_others),
        cmocka_unit_test(test_anchors_follow_through_cross),
        cmocka_unit_test(test_mutation_reaches_every_kind_of_change),
        cmocka_unit_test(test_cross_takes_from_both),
    };
    return cmocka_run_group_tests_name("mutate", tests, NULL, NULL);
}
