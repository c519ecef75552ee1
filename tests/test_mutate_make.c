/* What the mutator makes: programs worth running, steered by their header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "allocator/geometry.h"
#include "oracle/mutate.h"
#include "oracle/mutate_edit.h"
#include "oracle/mutate_make.h"
#include "oracle/preset.h"
#include "oracle/program.h"

enum { HEADER = PROGRAM_HEADER_BYTES, RECORD = PROGRAM_RECORD_BYTES, BUFFER_BYTES = 4096, GUARD = 0xa5 };

/* --- worth running --- */

struct usefulness {
    unsigned records, allocations, frees, frees_that_hit, remote_frees, ends, up_to_1k, up_to_1m, sized;
};

static void judge(const struct program *program, struct usefulness *sum) {
    uint64_t filled = 0;
    uint8_t owner[PROGRAM_SLOTS_MAX] = {0};
    for (uint32_t i = 0; i < program->record_count; i++) {
        struct record record = program_record(program, i);
        unsigned fields = program_op_info[record.op].fields;
        assert_false(program->header.ops_off >> record.op & 1); /* it would do nothing */
        bool frees = record.op == OP_FREE || record.op == OP_FREE_MANY || record.op == OP_FREE_SIZED ||
                     record.op == OP_FREE_ALIGNED_SIZED;
        bool many = record.op == OP_FREE_MANY || record.op == OP_MALLOC_MANY;
        unsigned slots = program->header.slot_count, count = many ? record.argument : 1;
        sum->records++;
        sum->ends += record.op == OP_THREAD_END;
        if (fields & FIELD_SIZE) {
            sum->sized++;
            sum->up_to_1k += program_boundaries[record.boundary].value_bytes <= 1 << 10;
            sum->up_to_1m += program_boundaries[record.boundary].value_bytes <= 1 << 20;
        }
        if (frees) {
            bool hit = (filled >> record.slot & 1) != 0;
            sum->frees++;
            sum->frees_that_hit += hit;
            sum->remote_frees += hit && owner[record.slot] != record.thread;
        } else if (fields & FIELD_SIZE) {
            sum->allocations++;
        } else {
            continue;
        }
        for (unsigned k = 0; k < count && k < slots; k++) {
            unsigned slot = (record.slot + k) % slots;
            if (!frees && !(filled >> slot & 1))
                owner[slot] = record.thread;
            filled = frees ? filled & ~(UINT64_C(1) << slot) : filled | UINT64_C(1) << slot;
        }
    }
}

static struct usefulness judge_generated(void) {
    struct usefulness sum = {0};
    struct mutate_random random;
    mutate_seed(&random, 12);
    for (unsigned i = 0; i < 1000; i++) {
        uint8_t bytes[BUFFER_BYTES];
        struct program program;
        program_read(&program, bytes, mutate_generate(&random, 64, bytes, sizeof bytes));
        assert_int_equal(program.record_count, 64);
        judge(&program, &sum);
    }
    return sum;
}

static void test_generated_frees_hit(void **state) {
    (void)state;
    struct usefulness sum = judge_generated();
    assert_true(sum.frees > sum.records / 5);
    assert_true(sum.frees_that_hit > sum.frees * 9 / 10);
}

static void test_generated_frees_are_often_remote(void **state) {
    (void)state;
    struct usefulness sum = judge_generated();
    assert_true(sum.remote_frees > sum.frees / 4);
    assert_true(sum.remote_frees < sum.frees * 3 / 4);
    assert_true(sum.ends > sum.records / 100);
}

static void test_generated_sizes_are_mostly_tiny(void **state) {
    (void)state;
    struct usefulness sum = judge_generated();
    assert_true(sum.allocations > sum.records / 4);
    assert_true(sum.up_to_1k > sum.sized * 75 / 100 && sum.up_to_1k < sum.sized * 85 / 100);
    assert_true(sum.up_to_1m > sum.sized * 96 / 100 && sum.up_to_1m < sum.sized);
}

static void test_generated_programs_allocate_early(void **state) {
    (void)state;
    struct mutate_random random;
    mutate_seed(&random, 13);
    unsigned early = 0;
    for (unsigned i = 0; i < 1000; i++) {
        uint8_t bytes[BUFFER_BYTES];
        struct program program;
        struct usefulness sum = {0};
        program_read(&program, bytes, mutate_generate(&random, 6, bytes, sizeof bytes));
        judge(&program, &sum);
        early += sum.allocations > 0;
    }
    assert_true(early > 950);
}

/* The boundaries that the weights count by index. */
static void test_every_boundary_is_made(void **state) {
    (void)state;
    struct mutate_random random;
    unsigned seen[BOUNDARY_COUNT] = {0};
    mutate_seed(&random, 14);
    for (unsigned i = 0; i < 200000; i++)
        seen[make_boundary(&random)]++;
    for (unsigned i = 0; i < BOUNDARY_COUNT; i++)
        assert_true(seen[i] > 50);
    assert_true(seen[33] > 2 * seen[34] && seen[43] > 4 * seen[44]);  /* from "1k" to "2k", from "1m" to "2m" */
    assert_true(seen[1] > 10 * seen[52] && seen[33] > 10 * seen[52]); /* "8" and "1k" are tiny, "half" is not */
}

static void test_every_option_is_changed(void **state) {
    (void)state;
    struct mutate_random random;
    unsigned seen[CHOICE_COUNT][CHOICE_VALUES_MAX] = {{0}};
    mutate_seed(&random, 20);
    for (unsigned i = 0; i < 20000; i++) {
        struct record record = {.op = OP_OPTION};
        make_fields(&random, &record, FIELD_OPTION);
        assert_true((record.argument & 0xff) < CHOICE_COUNT); /* canonical */
        seen[record_option_choice(&record)][record_option_value(&record)]++;
    }
    for (unsigned i = 0; i < CHOICE_COUNT; i++)
        for (unsigned j = 0; j < choice_table[i].value_count; j++)
            assert_true(seen[i][j] > 100);
}

/* Chance alone makes hardly any product that is small because it wrapped around. */
static void test_products_wrap(void **state) {
    (void)state;
    struct mutate_random random;
    unsigned wrapped = 0, products = 0;
    mutate_seed(&random, 21);
    for (unsigned i = 0; i < 2000; i++) {
        uint8_t bytes[PROGRAM_HEADER_BYTES + 64 * PROGRAM_RECORD_BYTES];
        struct program program;
        program_read(&program, bytes, mutate_generate(&random, 32, bytes, sizeof bytes));
        for (uint32_t r = 0; r < program.record_count; r++) {
            struct record record = program_record(&program, r);
            size_t size_bytes = record_size_bytes(&record), count = record.argument;
            bool is_product = record.op == OP_CALLOC || record.op == OP_REALLOCARRAY;
            products += is_product;
            wrapped += is_product && size_bytes != 0 && count > SIZE_MAX / size_bytes && count * size_bytes < 1024;
        }
    }
    assert_true(wrapped > products / 100 && wrapped < products / 10);
}

static void test_headers_vary(void **state) {
    (void)state;
    struct mutate_random random;
    unsigned geometries = 0, slots = 0, placements = 0, masks = 0, favours = 0, failures = 0, clocks = 0;
    unsigned presets = 0, changed = 0, modes[MODE_COUNT] = {0}, seeds = 0, weak = 0;
    mutate_seed(&random, 15);
    for (unsigned i = 0; i < 1000; i++) {
        struct program_header header;
        make_header(&random, &header);
        geometries |= 1U << header.geometry;
        slots |= header.slot_count;
        placements |= 1U << header.placement;
        masks += header.ops_off != 0;
        favours += header.favour_weight != 0;
        failures += header.fail_every != 0;
        clocks += header.clock_step_ms != 0;
        presets |= 1U << header.preset;
        changed += header.preset != PRESET_DEFAULT;
        modes[header.mode]++;
        weak += header.weak;
        seeds |= header.mode_seed;
        assert_true(header.mode != MODE_GENES || header.mode_seed == 0);
        assert_true((~header.ops_off & (1U << OP_MALLOC | 1U << OP_MALLOC_MANY)) != 0);
        assert_true((~header.ops_off & (1U << OP_FREE | 1U << OP_FREE_MANY)) != 0);
    }
    assert_int_equal(geometries, (1U << HAK_GEOMETRY_COUNT) - 1);
    assert_int_equal(presets, (1U << PRESET_COUNT) - 1);
    assert_true(changed > 150 && changed < 450);
    assert_true(modes[MODE_GENES] > 500 && modes[MODE_RANDOM] > 100 && modes[MODE_PCT] > 100);
    assert_int_equal(seeds, 0xff);
    assert_true(weak > 150 && weak < 350);
    assert_int_equal(slots, 4 | 8 | 16 | 64);
    assert_int_equal(placements, 7);
    assert_true(masks > 400 && masks < 600);
    assert_true(favours > 100 && failures > 50 && clocks > 100);
}

static void test_header_changes_reach_every_field(void **state) {
    (void)state;
    struct mutate_random random;
    uint8_t changed[HEADER] = {0};
    mutate_seed(&random, 16);
    for (unsigned i = 0; i < 1000; i++) {
        struct program_header header = {.version = 1, .slot_count = 16};
        uint8_t before[HEADER], after[HEADER];
        program_header_write(&header, before);
        make_header_change(&random, &header);
        program_header_write(&header, after);
        for (unsigned j = 0; j < HEADER; j++)
            changed[j] |= before[j] ^ after[j];
    }
    for (unsigned j = 1; j <= 15; j++)
        if (j != 7 && j != 12) /* there are no operations that far up; genes are counted elsewhere */
            assert_int_not_equal(changed[j], 0);
    assert_int_equal(changed[0] | changed[12], 0);
}

/* Genes are of every kind that means something in their mode, and stand in front of records and at all places inside.
 */
static void test_genes_are_of_every_kind(void **state) {
    (void)state;
    struct mutate_random random;
    unsigned kinds[MODE_COUNT][GENE_KIND_COUNT] = {{0}}, before = 0, early = 0, late = 0, going = 0;
    mutate_seed(&random, 17);
    for (unsigned i = 0; i < 3000; i++) {
        enum program_mode mode = (enum program_mode)(i % MODE_COUNT);
        struct gene gene = make_gene(&random, 10, mode);
        assert_true(gene.record < 10);
        assert_true(gene.kind == GENE_GO ? gene.value < PROGRAM_THREADS_MAX : gene.value > 0);
        going |= gene.kind == GENE_GO ? 1U << gene.value : 0;
        kinds[mode][gene.kind]++;
        before += gene.yield == 0;
        early += gene.yield > 0 && gene.yield <= 8;
        late += gene.yield > 32;
        assert_true(gene.yield != 0 || (gene.kind != GENE_WEAK && gene.kind != GENE_STALE));
    }
    for (unsigned mode = 0; mode < MODE_COUNT; mode++) {
        assert_true(kinds[mode][GENE_HOLD] > 100 && kinds[mode][GENE_WEAK] > 5 && kinds[mode][GENE_STALE] > 5);
        assert_int_equal(kinds[mode][GENE_LOWER] > 100, mode == MODE_PCT);
        assert_true(kinds[mode][GENE_GO] > 60);
    }
    assert_int_equal(going, (1U << PROGRAM_THREADS_MAX) - 1);
    assert_int_equal(kinds[MODE_GENES][GENE_LOWER], 0);
    assert_true(before > 500 && early > 700 && late > 200);
}

/* --- the header steers the mutator --- */

static void test_inserted_records_are_switched_on(void **state) {
    (void)state;
    struct mutate_random random;
    struct program_header header = {.slot_count = 16, .ops_off = ~(1U << OP_CALLOC | 1U << OP_FREE_MANY)};
    struct maker maker;
    unsigned seen[OP_COUNT] = {0};
    mutate_seed(&random, 17);
    maker_init(&maker, &random, &header, 4);
    for (unsigned i = 0; i < 2000; i++) {
        struct record record = make_record(&maker);
        maker_apply(&maker, &record);
        seen[record.op]++;
    }
    assert_true(seen[OP_CALLOC] > 100 && seen[OP_FREE_MANY] > 100);
    assert_int_equal(seen[OP_CALLOC] + seen[OP_FREE_MANY], 2000);
    header.ops_off = UINT32_MAX;
    assert_int_equal(make_op(&random, &header), OP_NOP);
}

static void test_favour_is_honoured(void **state) {
    (void)state;
    struct mutate_random random;
    uint8_t start[HEADER];
    unsigned favoured = 0, others = 0;
    program_header_write(
        &(struct program_header){.version = 1, .slot_count = 16, .favoured_op = OP_FORK, .favour_weight = 230}, start);
    mutate_seed(&random, 18);
    for (unsigned i = 0; i < 2000; i++) {
        uint8_t bytes[BUFFER_BYTES];
        struct program program;
        memcpy(bytes, start, sizeof start);
        program_read(&program, bytes, mutate(&random, bytes, sizeof start, sizeof bytes));
        for (uint32_t j = 0; j < program.record_count; j++) {
            struct record record = program_record(&program, j);
            favoured += record.op == OP_FORK;
            others += record.op != OP_FORK;
        }
    }
    assert_true(favoured > 2 * others);
}

static void test_a_favour_that_is_switched_off_is_none(void **state) {
    (void)state;
    struct mutate_random random;
    struct program_header header = {
        .slot_count = 16, .ops_off = 1U << OP_FORK, .favoured_op = OP_FORK, .favour_weight = 255};
    mutate_seed(&random, 19);
    for (unsigned i = 0; i < 1000; i++)
        assert_int_not_equal(make_op(&random, &header), OP_FORK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_generated_frees_hit),
        cmocka_unit_test(test_generated_frees_are_often_remote),
        cmocka_unit_test(test_generated_sizes_are_mostly_tiny),
        cmocka_unit_test(test_generated_programs_allocate_early),
        cmocka_unit_test(test_every_boundary_is_made),
        cmocka_unit_test(test_every_option_is_changed),
        cmocka_unit_test(test_products_wrap),
        cmocka_unit_test(test_headers_vary),
        cmocka_unit_test(test_header_changes_reach_every_field),
        cmocka_unit_test(test_genes_are_of_every_kind),
        cmocka_unit_test(test_inserted_records_are_switched_on),
        cmocka_unit_test(test_favour_is_honoured),
        cmocka_unit_test(test_a_favour_that_is_switched_off_is_none),
    };
    return cmocka_run_group_tests_name("mutate_make", tests, NULL, NULL);
}
