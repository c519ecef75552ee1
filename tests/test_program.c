/* The encoding: total, local, swarming, exact when written. Its tables and the text form have files of their own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "allocator/geometry.h"
#include "oracle/mutate.h"
#include "oracle/preset.h"
#include "oracle/program.h"

enum { HEADER = PROGRAM_HEADER_BYTES, RECORD = PROGRAM_RECORD_BYTES };

static void fill(struct mutate_random *random, uint8_t *bytes, size_t size_bytes) {
    for (size_t i = 0; i < size_bytes; i++)
        bytes[i] = (uint8_t)mutate_next(random);
}

static void put_record(uint8_t *bytes, uint32_t i, struct record record) {
    record_write(&record, bytes + HEADER + (size_t)i * RECORD);
}

/* --- total --- */

/* Decode everything and hold it to its ranges. */
static void decode_all(const uint8_t *bytes, size_t size_bytes) {
    struct program program;
    program_read(&program, bytes, size_bytes);
    const struct program_header *header = &program.header;
    assert_true(header->geometry < HAK_GEOMETRY_COUNT);
    assert_true(header->placement < PLACEMENT_COUNT);
    assert_true(header->favoured_op < OP_COUNT);
    assert_true(header->gene_count <= PROGRAM_GENES_MAX);
    assert_true(header->preset < PRESET_COUNT);
    assert_true(program.gene_count <= header->gene_count);
    assert_true(program.record_count <= PROGRAM_RECORDS_MAX);
    size_t counted_bytes = (size_t)RECORD * (program.record_count + program.gene_count) + program.tail_bytes;
    assert_int_equal(counted_bytes, size_bytes > HEADER ? size_bytes - HEADER : 0);
    for (uint32_t i = 0; i < program.record_count; i++) {
        struct record record = program_record(&program, i);
        assert_true(record.op < OP_COUNT);
        assert_true(record.thread < PROGRAM_THREADS_MAX);
        assert_true(record.slot < header->slot_count);
        assert_true(record.align_exponent < 32);
        assert_true(record.boundary < BOUNDARY_COUNT);
        assert_true(record_option_choice(&record) < CHOICE_COUNT);
        assert_true(record_option_value(&record) < choice_table[record_option_choice(&record)].value_count);
    }
    for (uint32_t i = 0; i < program.gene_count; i++)
        (void)program_gene(&program, i);
}

static void test_every_short_length_is_a_program(void **state) {
    (void)state;
    struct mutate_random random;
    mutate_seed(&random, 1);
    for (size_t size_bytes = 0; size_bytes <= 64; size_bytes++) {
        for (unsigned i = 0; i < 64; i++) {
            uint8_t *bytes = malloc(size_bytes ? size_bytes : 1); /* exact, so that a sanitizer sees one byte too far */
            assert_non_null(bytes);
            fill(&random, bytes, size_bytes);
            decode_all(bytes, size_bytes);
            free(bytes);
        }
    }
}

static void test_a_large_input_is_a_program(void **state) {
    (void)state;
    enum { LARGE_BYTES = 100 * 1024 + 3 };
    struct mutate_random random;
    struct program program;
    uint8_t *bytes = malloc(LARGE_BYTES);
    assert_non_null(bytes);
    mutate_seed(&random, 2);
    fill(&random, bytes, LARGE_BYTES);
    for (unsigned genes = 0; genes <= PROGRAM_GENES_MAX; genes++) {
        bytes[12] = (uint8_t)genes;
        decode_all(bytes, LARGE_BYTES);
        program_read(&program, bytes, LARGE_BYTES);
        assert_int_equal(program.record_count, PROGRAM_RECORDS_MAX);
        assert_int_equal(program.gene_count, genes);
        /* One unit around the limit. */
        for (unsigned extra = 0; extra < 3; extra++) {
            size_t units = PROGRAM_RECORDS_MAX + genes + extra - 1;
            program_read(&program, bytes, HEADER + units * RECORD);
            assert_int_equal(program.record_count, extra == 0 ? PROGRAM_RECORDS_MAX - 1 : PROGRAM_RECORDS_MAX);
            assert_int_equal(program.tail_bytes, extra == 2 ? RECORD : 0);
        }
    }
    free(bytes);
}

static void test_nothing_at_all_is_a_program(void **state) {
    (void)state;
    struct program program;
    program_read(&program, NULL, 0);
    assert_int_equal(program.record_count, 0);
    assert_int_equal(program.gene_count, 0);
    assert_int_equal(program.tail_bytes, 0);
    assert_int_equal(program.header.geometry, HAK_GEOMETRY_TINY);
    assert_int_equal(program.header.slot_count, 16);
    assert_int_equal(program.header.preset, PRESET_DEFAULT);
}

static void test_missing_header_bytes_are_zero(void **state) {
    (void)state;
    static const uint8_t bytes[] = {7, 1, 3};
    struct program program;
    program_read(&program, bytes, sizeof bytes);
    assert_int_equal(program.header.version, 7);
    assert_int_equal(program.header.geometry, 1);
    assert_int_equal(program.header.slot_count, 64);
    assert_int_equal(program.header.placement, PLACE_LOW);
    assert_int_equal(program.header.clock_step_ms, 0);
}

static void test_as_many_genes_as_fit(void **state) {
    (void)state;
    uint8_t bytes[HEADER + 5 * RECORD + 7] = {0};
    static const struct {
        uint8_t asked;
        size_t size_bytes;
        uint32_t records, genes;
        size_t tail_bytes;
    } cases[] = {
        {0, HEADER + 5 * RECORD, 5, 0, 0}, {2, HEADER + 5 * RECORD, 3, 2, 0}, {5, HEADER + 5 * RECORD, 0, 5, 0},
        {9, HEADER + 5 * RECORD, 0, 5, 0}, {18, sizeof bytes, 3, 2, 7},       {15, HEADER + 7, 0, 0, 7},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct program program;
        bytes[12] = cases[i].asked;
        program_read(&program, bytes, cases[i].size_bytes);
        assert_int_equal(program.record_count, cases[i].records);
        assert_int_equal(program.gene_count, cases[i].genes);
        assert_int_equal(program.tail_bytes, cases[i].tail_bytes);
    }
}

static void test_genes_stand_behind_the_records(void **state) {
    (void)state;
    uint8_t bytes[HEADER + 3 * RECORD] = {0};
    struct program program;
    bytes[12] = 1;
    gene_write(&(struct gene){.record = 0x0102, .yield = 3, .value = 4, .kind = GENE_WEAK},
               bytes + HEADER + 2 * RECORD);
    program_read(&program, bytes, sizeof bytes);
    struct gene gene = program_gene(&program, 0);
    assert_int_equal(gene.record, 0x0102);
    assert_int_equal(gene.yield, 3);
    assert_int_equal(gene.value, 4);
    assert_int_equal(gene.kind, GENE_WEAK);
    bytes[HEADER + 2 * RECORD + 4] = GENE_KIND_COUNT + GENE_LOWER;
    assert_int_equal(program_gene(&program, 0).kind, GENE_LOWER);
    gene_write(&(struct gene){.record = 1, .yield = 0x1234, .value = 2, .kind = GENE_GO}, bytes + HEADER + 2 * RECORD);
    gene = program_gene(&program, 0);
    assert_int_equal(gene.yield, 0x1234);
    assert_int_equal(gene.kind, GENE_GO);
}

/* --- local --- */

enum { LOCAL_RECORDS = 12 };

static void local_program(uint8_t bytes[HEADER + (LOCAL_RECORDS + 1) * RECORD]) {
    struct mutate_random random;
    mutate_seed(&random, 3);
    fill(&random, bytes, HEADER + (LOCAL_RECORDS + 1) * RECORD);
    bytes[12] = 0;
}

static void assert_same_record(const struct program *a, uint32_t i, const struct program *b, uint32_t j) {
    struct record first = program_record(a, i), second = program_record(b, j);
    uint8_t first_bytes[RECORD], second_bytes[RECORD];
    record_write(&first, first_bytes);
    record_write(&second, second_bytes);
    assert_memory_equal(first_bytes, second_bytes, RECORD);
}

static void test_changing_a_record_leaves_the_others(void **state) {
    (void)state;
    uint8_t before_bytes[HEADER + (LOCAL_RECORDS + 1) * RECORD], after_bytes[sizeof before_bytes];
    struct program before, after;
    size_t size_bytes = HEADER + LOCAL_RECORDS * RECORD;
    local_program(before_bytes);
    program_read(&before, before_bytes, size_bytes);
    for (uint32_t changed = 0; changed < LOCAL_RECORDS; changed++) {
        memcpy(after_bytes, before_bytes, sizeof after_bytes);
        for (unsigned i = 0; i < RECORD; i++)
            after_bytes[HEADER + changed * RECORD + i] ^= 0xff;
        program_read(&after, after_bytes, size_bytes);
        assert_int_equal(after.record_count, before.record_count);
        for (uint32_t i = 0; i < LOCAL_RECORDS; i++)
            if (i != changed)
                assert_same_record(&before, i, &after, i);
    }
}

static void test_inserting_a_record_leaves_the_others(void **state) {
    (void)state;
    uint8_t before_bytes[HEADER + (LOCAL_RECORDS + 1) * RECORD], after_bytes[sizeof before_bytes];
    struct program before, after;
    local_program(before_bytes);
    program_read(&before, before_bytes, HEADER + LOCAL_RECORDS * RECORD);
    for (uint32_t at = 0; at <= LOCAL_RECORDS; at++) {
        size_t front_bytes = HEADER + at * RECORD;
        memcpy(after_bytes, before_bytes, front_bytes);
        memset(after_bytes + front_bytes, 0x5a, RECORD);
        memcpy(after_bytes + front_bytes + RECORD, before_bytes + front_bytes, (LOCAL_RECORDS - at) * RECORD);
        program_read(&after, after_bytes, sizeof after_bytes);
        assert_int_equal(after.record_count, LOCAL_RECORDS + 1);
        for (uint32_t i = 0; i < LOCAL_RECORDS; i++)
            assert_same_record(&before, i, &after, i < at ? i : i + 1);
    }
}

static void test_removing_a_record_leaves_the_others(void **state) {
    (void)state;
    uint8_t before_bytes[HEADER + (LOCAL_RECORDS + 1) * RECORD], after_bytes[sizeof before_bytes];
    struct program before, after;
    local_program(before_bytes);
    program_read(&before, before_bytes, sizeof before_bytes);
    for (uint32_t at = 0; at <= LOCAL_RECORDS; at++) {
        size_t front_bytes = HEADER + at * RECORD;
        memcpy(after_bytes, before_bytes, front_bytes);
        memcpy(after_bytes + front_bytes, before_bytes + front_bytes + RECORD, (LOCAL_RECORDS - at) * RECORD);
        program_read(&after, after_bytes, sizeof after_bytes - RECORD);
        assert_int_equal(after.record_count, LOCAL_RECORDS);
        for (uint32_t i = 0; i < LOCAL_RECORDS; i++)
            assert_same_record(&before, i < at ? i : i + 1, &after, i);
    }
}

/* --- swarming --- */

static void test_header_fields_decode(void **state) {
    (void)state;
    static const uint8_t bytes[HEADER] = {1, 3, 1, 2, 0x02, 0x01, 0x10, 0, OP_FREE, 200, 7, 9, 0x25, 10, 0x82, 77};
    struct program program;
    program_read(&program, bytes, sizeof bytes);
    const struct program_header *header = &program.header;
    assert_int_equal(header->version, 1);
    assert_int_equal(header->geometry, HAK_GEOMETRY_REAL);
    assert_int_equal(header->slot_count, 4);
    assert_int_equal(header->placement, PLACE_FRESH);
    assert_int_equal(header->ops_off, 1U << OP_MALLOC | 1U << OP_FREE | 1U << OP_MALLOC_MANY);
    assert_int_equal(header->favoured_op, OP_FREE);
    assert_int_equal(header->favour_weight, 200);
    assert_int_equal(header->fail_every, 7);
    assert_int_equal(header->clock_step_ms, 9);
    assert_int_equal(header->gene_count, 5);
    assert_int_equal(header->preset, PRESET_FAIL_FAST);
    assert_int_equal(header->mode, MODE_PCT);
    assert_int_equal(header->mode_seed, 77);
    assert_true(header->weak);
}

static void test_header_fields_wrap(void **state) {
    (void)state;
    uint8_t bytes[HEADER];
    struct program program;
    memset(bytes, 0xff, sizeof bytes);
    program_read(&program, bytes, sizeof bytes);
    assert_int_equal(program.header.geometry, 0xff % HAK_GEOMETRY_COUNT);
    assert_int_equal(program.header.slot_count, 64);
    assert_int_equal(program.header.placement, 0xff % PLACEMENT_COUNT);
    assert_int_equal(program.header.favoured_op, 0xff % OP_COUNT);
    assert_int_equal(program.header.gene_count, 15);
    assert_int_equal(program.header.preset, 0xff % PRESET_COUNT);
    assert_int_equal(program.header.mode, 0x7f % MODE_COUNT);
    assert_int_equal(program.header.mode_seed, 0xff);
    assert_true(program.header.weak);
}

static void test_nop_and_the_unknown_cannot_be_switched_off(void **state) {
    (void)state;
    uint8_t bytes[HEADER] = {0};
    struct program program;
    memset(bytes + 4, 0xff, 4);
    program_read(&program, bytes, sizeof bytes);
    assert_int_equal(program.header.ops_off & 1U << OP_NOP, 0);
    assert_int_equal(program.header.ops_off, ((1U << OP_COUNT) - 1) & ~(1U << OP_NOP));
}

static void test_slot_counts(void **state) {
    (void)state;
    static const uint8_t expected[] = {16, 4, 8, 64};
    for (unsigned i = 0; i < 256; i++) {
        uint8_t bytes[HEADER + RECORD] = {0};
        struct program program;
        bytes[2] = (uint8_t)i;
        bytes[HEADER + 2] = 0xff;
        program_read(&program, bytes, sizeof bytes);
        assert_int_equal(program.header.slot_count, expected[i % 4]);
        assert_int_equal(program_record(&program, 0).slot, expected[i % 4] - 1);
    }
}

/* --- writing --- */

static void test_records_read_back_as_written(void **state) {
    (void)state;
    for (unsigned op = 0; op < OP_COUNT; op++) {
        struct record record = {.op = (enum program_op)op,
                                .thread = 3,
                                .slot = 63,
                                .align_exponent = 31,
                                .align_odd = true,
                                .boundary = 55,
                                .distance = -128,
                                .argument = 0xabcd};
        uint8_t bytes[RECORD], again[RECORD];
        unsigned fields = program_op_info[op].fields;
        record_write(&record, bytes);
        struct record read = record_read(bytes, 64);
        record_write(&read, again);
        assert_memory_equal(bytes, again, RECORD);
        assert_int_equal(read.op, op);
        assert_int_equal(read.thread, 3);
        assert_int_equal(read.slot, fields & FIELD_SLOT ? 63 : 0);
        assert_int_equal(read.align_exponent, fields & FIELD_ALIGN ? 31 : 0);
        assert_int_equal(read.align_odd, fields & FIELD_ALIGN ? 1 : 0);
        assert_int_equal(read.boundary, fields & FIELD_SIZE ? 55 : 0);
        assert_int_equal(read.distance, fields & FIELD_SIZE ? -128 : 0);
        if (fields & FIELD_OPTION) {
            assert_int_equal(record_option_choice(&read), 0xcd % CHOICE_COUNT);
            assert_int_equal(record_option_value(&read), record_option_value(&record));
            assert_true((read.argument & 0xff) < CHOICE_COUNT);
        } else {
            assert_int_equal(read.argument, fields & FIELD_COUNT ? 0xabcd : 0);
        }
    }
}

/* The layout itself, byte by byte: a symmetrical mistake in writing and reading would pass the test above. */
static void test_record_layout(void **state) {
    (void)state;
    uint8_t bytes[HEADER + RECORD] = {[2] = 3}; /* 64 slots */
    struct program program;
    static const uint8_t align[RECORD] = {OP_MEMALIGN, 2, 40, 0x86, 7, 0xfd, 0, 0};
    static const uint8_t count[RECORD] = {OP_CALLOC, 1, 5, 0, 9, 1, 0x34, 0x12};
    static const uint8_t option[RECORD] = {OP_OPTION, 3, 0, 0, 0, 0, CHOICE_REMOTE_BATCH, 2};
    put_record(bytes, 0,
               (struct record){.op = OP_MEMALIGN,
                               .thread = 2,
                               .slot = 40,
                               .align_exponent = 6,
                               .align_odd = true,
                               .boundary = 7,
                               .distance = -3});
    assert_memory_equal(bytes + HEADER, align, RECORD);
    put_record(
        bytes, 0,
        (struct record){.op = OP_CALLOC, .thread = 1, .slot = 5, .boundary = 9, .distance = 1, .argument = 0x1234});
    assert_memory_equal(bytes + HEADER, count, RECORD);
    program_read(&program, bytes, sizeof bytes);
    assert_int_equal(program_record(&program, 0).argument, 0x1234);
    put_record(
        bytes, 0,
        (struct record){.op = OP_OPTION, .thread = 3, .argument = record_option_argument(CHOICE_REMOTE_BATCH, 2)});
    assert_memory_equal(bytes + HEADER, option, RECORD);
}

static void test_header_reads_back_as_written(void **state) {
    (void)state;
    struct mutate_random random;
    mutate_seed(&random, 4);
    for (unsigned i = 0; i < 1000; i++) {
        uint8_t noise[HEADER], bytes[HEADER], again[HEADER];
        struct program program;
        fill(&random, noise, sizeof noise);
        program_read(&program, noise, sizeof noise);
        program_header_write(&program.header, bytes);
        program_read(&program, bytes, sizeof bytes);
        program_header_write(&program.header, again);
        assert_memory_equal(bytes, again, sizeof bytes);
        assert_int_equal(bytes[0], noise[0]);
        assert_int_equal(bytes[2], noise[2] % 4);
        assert_int_equal(bytes[11], noise[11]);
        assert_int_equal(bytes[13], noise[13] % PRESET_COUNT);
        assert_int_equal(bytes[14] & HEADER_MODE, (noise[14] & HEADER_MODE) % MODE_COUNT);
        assert_int_equal(bytes[14] & HEADER_WEAK, noise[14] & HEADER_WEAK);
        assert_int_equal(bytes[15], (bytes[14] & HEADER_MODE) == MODE_GENES
                                        ? 0
                                        : noise[15]); /* where nothing is drawn it means nothing */
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_short_length_is_a_program),
        cmocka_unit_test(test_a_large_input_is_a_program),
        cmocka_unit_test(test_nothing_at_all_is_a_program),
        cmocka_unit_test(test_missing_header_bytes_are_zero),
        cmocka_unit_test(test_as_many_genes_as_fit),
        cmocka_unit_test(test_genes_stand_behind_the_records),
        cmocka_unit_test(test_changing_a_record_leaves_the_others),
        cmocka_unit_test(test_inserting_a_record_leaves_the_others),
        cmocka_unit_test(test_removing_a_record_leaves_the_others),
        cmocka_unit_test(test_header_fields_decode),
        cmocka_unit_test(test_header_fields_wrap),
        cmocka_unit_test(test_nop_and_the_unknown_cannot_be_switched_off),
        cmocka_unit_test(test_slot_counts),
        cmocka_unit_test(test_records_read_back_as_written),
        cmocka_unit_test(test_record_layout),
        cmocka_unit_test(test_header_reads_back_as_written),
    };
    return cmocka_run_group_tests_name("program", tests, NULL, NULL);
}
