/* Reduction: failing programs of all faults become small and 1-minimal, keep their signature, and say their schedule in
 * genes. */
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
#include "oracle/mutate_edit.h"
#include "oracle/reduce.h"
#include "oracle/transcript.h"
#include "tests/corpus_files.h"
#include "tests/world_fixture.h"

enum { RECORDS = 64, SEEDS_MAX = 4000, TESTS_MAX = 30000 };

/* --- means --- */

struct wanted {
    const struct target_info *target;
    char signature[SIGNATURE_BYTES_MAX];
    uint64_t stop_after; /* tests */
    uint64_t told;       /* times a better one was shown */
};

static bool has_signature(const struct wanted *wanted, const struct program *program) {
    struct verdict verdict;
    world_run(wanted->target, program, NULL, &verdict);
    return strcmp(verdict.signature, wanted->signature) == 0;
}

static bool fails(void *context, const struct program *candidate) {
    return has_signature(context, candidate);
}

static uint32_t note(void *context, const struct program *candidate, struct gene *genes, uint32_t capacity) {
    uint32_t count = 0;
    transcript_note(genes, capacity, &count);
    assert_true(has_signature(context, candidate));
    transcript_note(NULL, 0, NULL);
    return count;
}

static bool goes_on(void *context, const struct reduce_counts *counts, const struct program *best) {
    struct wanted *wanted = context;
    wanted->told += best != NULL;
    return wanted->stop_after == 0 || counts->tests < wanted->stop_after;
}

static void reduce_program(struct wanted *wanted, const struct program *program, struct reduce_result *result) {
    const struct reduce_means means = {.context = wanted, .fails = fails, .note = note, .goes_on = goes_on};
    struct verdict verdict;
    assert_true(world_run(wanted->target, program, NULL, &verdict) != CHECK_NONE);
    memcpy(wanted->signature, verdict.signature, sizeof wanted->signature);
    reduce(wanted->target, program, &means, result);
    assert_non_null(result->bytes);
    struct program best;
    program_read(&best, result->bytes, result->size_bytes);
    assert_true(has_signature(wanted, &best));
}

/* --- 1-minimal --- */

/* The program without one record or one gene, by other code than that of the reduction. */
static void assert_is_needed(const struct wanted *wanted, const struct reduce_result *result, uint32_t unit) {
    static uint8_t bytes[PROGRAM_BYTES_MAX];
    struct edit edit;
    struct program without;
    memcpy(bytes, result->bytes, result->size_bytes);
    edit_open(&edit, bytes, result->size_bytes, sizeof bytes);
    uint32_t records = edit.program.record_count;
    if (unit < records) {
        edit_delete(&edit, unit, 1);
    } else {
        edit_remove_gene(&edit, unit - records);
    }
    program_read(&without, bytes, edit_close(&edit));
    if (has_signature(wanted, &without)) {
        fail_msg("%s %u can go: %s", unit < records ? "record" : "gene", unit < records ? unit : unit - records,
                 wanted->signature);
    }
}

static void assert_minimal(const struct wanted *wanted, const struct reduce_result *result) {
    struct program program;
    program_read(&program, result->bytes, result->size_bytes);
    assert_true(result->is_minimal);
    for (uint32_t i = 0; i < program.record_count + program.gene_count; i++) {
        assert_is_needed(wanted, result, i);
    }
}

/* --- 64 records that fail, for each fault --- */

/* The entry of the corpus, its records apart and others between them. */
static void pad(struct mutate_random *random, const struct corpus_file *file, struct owned *padded) {
    struct owned other;
    struct edit edit;
    memcpy(padded->bytes, file->bytes, file->size_bytes);
    edit_open(&edit, padded->bytes, file->size_bytes, sizeof padded->bytes);
    size_t size_bytes = mutate_generate(random, RECORDS, other.bytes, sizeof other.bytes);
    program_read(&other.program, other.bytes, size_bytes);
    for (uint32_t i = 0; i < other.program.record_count && edit.program.record_count < RECORDS; i++) {
        uint32_t at = mutate_below(random, edit.program.record_count + 1);
        edit_insert(&edit, at, 1);
        edit_set_record(&edit, at, program_record(&other.program, i));
    }
    program_read(&padded->program, padded->bytes, edit_close(&edit));
}

/* A generated program as it is, of any mode, where one trips the fault; else a padded entry that does. */
static bool make_failing(const struct fault_info *fault, struct owned *owned) {
    struct corpus_file file = corpus_load(&target_table[fault->target], "regress", fault->name);
    bool found = false;
    for (uint64_t seed = 0; seed < SEEDS_MAX && !found; seed++) {
        struct mutate_random random;
        struct verdict verdict;
        mutate_seed(&random, seed);
        if (seed < SEEDS_MAX / 2) {
            size_t size_bytes = mutate_generate(&random, RECORDS, owned->bytes, sizeof owned->bytes);
            program_read(&owned->program, owned->bytes, size_bytes);
        } else {
            pad(&random, &file, owned);
        }
        found = owned->program.record_count >= RECORDS / 2 &&
                world_run(file.target, &owned->program, NULL, &verdict) != CHECK_NONE;
    }
    corpus_unload(&file);
    return found;
}

/* Under sanitizers what a fault leads to may end the process, and some only repeated runs show: tests/cli_min.sh has
 * these. */
static bool needs_process(const struct fault_info *fault) {
    return HAK_ASAN || fault->check == CHECK_NONDETERMINISM;
}

static void needs_no_sanitizer(void) {
    if (HAK_ASAN) {
        skip();
    }
}

/* cmocka took them for itself when the test began. */
static void take_signals(void **state) {
    world_close();
    assert_int_equal(open_world(state), 0);
}

static void test_fault(void **state) {
    const struct fault_info *fault = *state;
    static struct owned owned;
    struct wanted wanted = {.target = &target_table[fault->target]};
    struct reduce_result result;
    if (needs_process(fault)) {
        skip();
    }
    take_signals(state);
    assert_true(world_arm_fault(fault->name));
    assert_true(make_failing(fault, &owned));
    reduce_program(&wanted, &owned.program, &result);
    assert_minimal(&wanted, &result);
    assert_true(result.after.tests < TESTS_MAX);
    assert_true(result.after.records <= result.before.records);
    free(result.bytes);
}

/* --- without a world --- */

/* What must be in a program: three callocs, and a schedule that is drawn, or two of the genes that were noted. */
static bool has_pieces(void *context, const struct program *candidate) {
    uint32_t callocs = 0, switches = 0;
    (void)context;
    for (uint32_t i = 0; i < candidate->record_count; i++) {
        callocs += program_record(candidate, i).op == OP_CALLOC;
    }
    for (uint32_t i = 0; i < candidate->gene_count; i++) {
        struct gene gene = program_gene(candidate, i);
        switches += gene.kind == GENE_GO && gene.yield % 20 == 19 && gene.record < candidate->record_count;
    }
    return callocs >= 3 && (switches >= 2 || candidate->header.mode == MODE_RANDOM);
}

/* More than an input holds. */
static uint32_t note_many(void *context, const struct program *candidate, struct gene *genes, uint32_t capacity) {
    enum { MANY = 100 };
    (void)context;
    assert_true(MANY <= capacity && candidate->header.mode == MODE_RANDOM);
    for (uint16_t i = 0; i < MANY; i++) {
        genes[i] = (struct gene){.record = (uint16_t)(i % candidate->record_count), .yield = i, .kind = GENE_GO};
    }
    return MANY;
}

static bool always(void *context, const struct reduce_counts *counts, const struct program *best) {
    (void)context;
    return counts->records > 0 && (best == NULL || best->gene_count <= PROGRAM_GENES_MAX);
}

static void test_pieces_are_found(void **state) {
    static struct owned owned;
    const struct reduce_means means = {.fails = has_pieces, .note = note_many, .goes_on = always};
    struct mutate_random random;
    struct reduce_result result;
    struct program best;
    unsigned reduced = 0;
    (void)state;
    for (uint64_t seed = 0; reduced < 20; seed++) {
        mutate_seed(&random, seed);
        size_t size_bytes = mutate_generate(&random, RECORDS, owned.bytes, sizeof owned.bytes);
        program_read(&owned.program, owned.bytes, size_bytes);
        if (owned.program.header.mode != MODE_RANDOM || !has_pieces(NULL, &owned.program)) {
            continue;
        }
        reduce(target_find("threads"), &owned.program, &means, &result);
        program_read(&best, result.bytes, result.size_bytes);
        assert_true(result.is_minimal && result.has_no_mode && has_pieces(NULL, &best));
        assert_in_range(result.after.records, 3, 5); /* a gene keeps the record it names */
        assert_int_equal(result.after.genes, 2);
        assert_int_equal(result.after.threads, 1);
        assert_int_equal(best.header.preset + best.header.geometry + best.header.fail_every, 0);
        free(result.bytes);
        reduced++;
    }
}

/* --- schedules --- */

/* The next generated program that fails under the mode. */
static bool next_failing(const struct wanted *wanted, enum program_mode mode, bool weak, uint64_t *seed,
                         struct owned *owned) {
    for (; *seed < 20000; (*seed)++) {
        struct mutate_random random;
        struct verdict verdict;
        mutate_seed(&random, *seed);
        size_t size_bytes = mutate_generate(&random, RECORDS, owned->bytes, sizeof owned->bytes);
        program_read(&owned->program, owned->bytes, size_bytes);
        if (owned->program.header.mode == mode && owned->program.header.weak == weak &&
            world_run(wanted->target, &owned->program, NULL, &verdict) != CHECK_NONE) {
            (*seed)++;
            return true;
        }
    }
    return false;
}

/* A mode that draws its schedule becomes genes; in the few others the program is 1-minimal all the same. */
static void test_schedules_become_genes(void **state) {
    static const struct {
        const char *fault;
        enum program_mode mode;
        bool weak;
    } rows[] = {{"push-keeps-head", MODE_RANDOM, false},
                {"push-keeps-head", MODE_PCT, false},
                {"push-keeps-head", MODE_RANDOM, true},
                {"take-relaxed", MODE_RANDOM, true},
                {"take-relaxed", MODE_PCT, true},
                {"release-under-remote", MODE_PCT, false},
                {"release-under-remote", MODE_RANDOM, false},
                {"lock-kept", MODE_RANDOM, false}};
    static struct owned owned;
    unsigned failing = 0, told = 0;
    needs_no_sanitizer();
    take_signals(state);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct wanted wanted = {.target = target_table + fault_table[fault_find(rows[i].fault)].target};
        uint64_t seed = 0;
        assert_true(world_arm_fault(rows[i].fault));
        for (unsigned n = 0; n < 4 && next_failing(&wanted, rows[i].mode, rows[i].weak, &seed, &owned); n++) {
            struct reduce_result result;
            reduce_program(&wanted, &owned.program, &result);
            assert_minimal(&wanted, &result);
            failing++;
            told += result.has_no_mode;
            free(result.bytes);
        }
    }
    assert_true(failing >= 16);
    assert_true(told + 1 >= failing); /* one takes more genes than an input holds */
}

/* Run it and take notes, then run what was noted, in mode genes. False when no list can hold the notes. */
static bool play_notes(const struct target_info *target, const struct program *noted, struct program *played,
                       struct verdict *verdict, struct verdict *again) {
    static uint8_t bytes[PROGRAM_BYTES_MAX + TRANSCRIPT_GENES_MAX * PROGRAM_RECORD_BYTES];
    static struct gene genes[TRANSCRIPT_GENES_MAX];
    uint32_t count = 0;
    memset(genes, 0xff, sizeof genes); /* what an earlier run left is no note of this one */
    transcript_note(genes, TRANSCRIPT_GENES_MAX, &count);
    world_run(target, noted, NULL, verdict);
    transcript_note(NULL, 0, NULL);
    *played = *noted;
    memcpy(bytes, noted->bytes, noted->size_bytes);
    played->bytes = bytes;
    played->header.mode = MODE_GENES;
    for (uint32_t i = 0; i < count && i < TRANSCRIPT_GENES_MAX; i++) {
        gene_write(&genes[i], bytes + PROGRAM_HEADER_BYTES + (played->record_count + i) * sizeof(uint64_t));
    }
    played->gene_count = count;
    if (count > TRANSCRIPT_GENES_MAX) {
        return false;
    }
    world_run(target, played, NULL, again);
    return true;
}

/* What was noted of a run leads through the same switches, however many genes it takes. */
static void test_a_long_program_repeats_a_run(void **state) {
    static struct owned owned;
    struct wanted wanted = {.target = target_find("threads")};
    uint64_t seed = 0;
    unsigned longs = 0;
    needs_no_sanitizer();
    take_signals(state);
    assert_true(world_arm_fault("release-under-remote"));
    while (longs < 3) {
        struct verdict verdict, again;
        struct program program;
        assert_true(next_failing(&wanted, MODE_RANDOM, false, &seed, &owned));
        assert_true(play_notes(wanted.target, &owned.program, &program, &verdict, &again));
        assert_true(program.gene_count > 0);
        if (transcript_is_long(&program)) {
            assert_string_equal(again.signature, verdict.signature);
            assert_string_equal(again.message, verdict.message);
            assert_int_equal(again.operations, verdict.operations);
            longs++;
        }
    }
}

/* So does that of a livelock, in which others have got their turn by force, if a list can hold it. */
static void test_a_noted_livelock_repeats(void **state) {
    static struct owned owned;
    struct wanted wanted = {.target = target_find("threads")};
    unsigned livelocks = 0, same = 0;
    needs_no_sanitizer();
    take_signals(state);
    assert_true(world_arm_fault("push-keeps-head"));
    for (enum program_mode mode = MODE_RANDOM; mode <= MODE_PCT; mode++) {
        uint64_t seed = 0;
        for (unsigned n = 0; n < 40 && next_failing(&wanted, mode, false, &seed, &owned); n++) {
            struct verdict verdict, again;
            struct program program;
            bool held = play_notes(wanted.target, &owned.program, &program, &verdict, &again);
            if (verdict.check == CHECK_LIVELOCK && held) {
                livelocks++;
                same += strcmp(again.signature, verdict.signature) == 0;
            }
        }
    }
    assert_true(livelocks >= 20);
    assert_int_equal(same, livelocks);
}

/* --- stopped --- */

static void test_stopped_early_keeps_the_best(void **state) {
    static struct owned owned;
    struct wanted wanted = {.target = target_find("sequence"), .stop_after = 12};
    uint64_t seed = 0;
    struct reduce_result result;
    needs_no_sanitizer();
    take_signals(state);
    assert_true(world_arm_fault("carve-by-used"));
    assert_true(next_failing(&wanted, MODE_GENES, false, &seed, &owned));
    reduce_program(&wanted, &owned.program, &result);
    assert_false(result.is_minimal);
    assert_true(result.after.tests <= 12 && wanted.told > 0);
    assert_true(result.after.records < result.before.records);
    free(result.bytes);
}

int main(void) {
    static struct CMUnitTest tests[HAK_FAULT_COUNT - 1 + 5];
    unsigned count = 0;
    for (unsigned i = 1; i < HAK_FAULT_COUNT; i++) {
        tests[count++] = (struct CMUnitTest){.name = fault_table[i].name,
                                             .test_func = test_fault,
                                             .teardown_func = tidy,
                                             .initial_state = (void *)(uintptr_t)&fault_table[i]};
    }
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_pieces_are_found);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test_teardown(test_schedules_become_genes, tidy);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test_teardown(test_a_long_program_repeats_a_run, tidy);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test_teardown(test_a_noted_livelock_repeats, tidy);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test_teardown(test_stopped_early_keeps_the_best, tidy);
    return cmocka_run_group_tests_name("reduce", tests, open_world, close_world);
}
