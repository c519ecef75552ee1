/* Repertoires: what is left out of programs for a target does nothing there, and what is made does something. All of it
 * is looked for by running programs that were made for no target in particular. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "oracle/guide.h"
#include "oracle/preset.h"
#include "oracle/repertoire.h"
#include "tests/world_fixture.h"

enum { PROGRAMS = 500, PRESET_PROGRAMS = 3000, RECORDS = 60, PRESET_BYTE = 13 };

static void generate_for(struct mutate_random *random, struct owned *owned) {
    program_read(&owned->program, owned->bytes, mutate_generate(random, RECORDS, owned->bytes, sizeof owned->bytes));
}

static uint64_t trace_of(const struct target_info *target, struct owned *owned) {
    program_read(&owned->program, owned->bytes, owned->program.size_bytes);
    return run_clean(target, &owned->program);
}

/* --- operations --- */

static unsigned applied[OP_COUNT];

static void count_applied(void *context, const struct world_event *step) {
    (void)context;
    applied[step->record.op] += step->applied;
}

static void run_programs(const struct target_info *target, const struct target_info *made_for, unsigned *records) {
    struct mutate_random random;
    mutate_seed_for(&random, 5, made_for);
    memset(applied, 0, sizeof applied);
    world_observe(count_applied, NULL);
    for (unsigned i = 0; i < PROGRAMS; i++) {
        static struct owned owned;
        generate_for(&random, &owned);
        run_clean(target, &owned.program);
        *records += owned.program.record_count;
    }
    world_observe(NULL, NULL);
}

/* An option that nothing depends on is set all the same. */
static bool is_of_use(const struct repertoire *repertoire, unsigned op) {
    return applied[op] > 0 && (op != OP_OPTION || repertoire->choices != 0);
}

static void test_only_idle_operations_are_left_out(void **state) {
    (void)state;
    for (unsigned i = 0; i < TARGET_COUNT; i++) {
        const struct target_info *target = &target_table[i];
        const struct repertoire repertoire = repertoire_of(target);
        unsigned records = 0;
        run_programs(target, NULL, &records);
        for (unsigned op = 0; op < OP_COUNT; op++) {
            if ((repertoire.weights[op] != 0) != is_of_use(&repertoire, op)) {
                fail_msg("%s: %s did something %u times, and its weight is %u", target->name, program_op_info[op].name,
                         applied[op], repertoire.weights[op]);
            }
        }
    }
}

/* Of the records of programs made for the target, at least as many do something as of those made for any, by and large.
 */
static void test_programs_for_a_target_waste_less(void **state) {
    (void)state;
    for (unsigned i = 0; i < TARGET_COUNT; i++) {
        const struct target_info *target = &target_table[i];
        unsigned records[2] = {0}, useful[2] = {0};
        for (unsigned known = 0; known < 2; known++) {
            run_programs(target, known ? target : NULL, &records[known]);
            for (unsigned op = 0; op < OP_COUNT; op++) {
                useful[known] += applied[op];
            }
        }
        assert_int_equal(records[0], records[1]);
        if (useful[1] * 100 < useful[0] * 98 || useful[1] * 2 < records[1]) {
            fail_msg("%s: %u of %u records did something, of those made for it %u", target->name, useful[0], records[0],
                     useful[1]);
        }
    }
}

static void test_mutation_makes_no_idle_operations(void **state) {
    (void)state;
    enum { ROUNDS = 400 };
    for (unsigned i = 0; i < TARGET_COUNT; i++) {
        const struct target_info *target = &target_table[i];
        const struct repertoire repertoire = repertoire_of(target);
        struct mutate_random random;
        unsigned idle = 0, records = 0, genes = 0;
        mutate_seed_for(&random, 6, target);
        for (unsigned round = 0; round < ROUNDS; round++) {
            static struct owned owned;
            generate_for(&random, &owned);
            size_t size_bytes = mutate(&random, owned.bytes, owned.program.size_bytes, sizeof owned.bytes);
            program_read(&owned.program, owned.bytes, size_bytes);
            genes += owned.program.gene_count;
            for (uint32_t r = 0; r < owned.program.record_count; r++, records++) {
                idle += repertoire.weights[program_record(&owned.program, r).op] == 0;
            }
        }
        assert_true(records > ROUNDS * RECORDS / 2);
        assert_true(idle < 10); /* of flipped bits */
        assert_int_equal(genes > ROUNDS, target->threads > 1);
    }
}

/* --- options --- */

static void test_only_idle_presets_are_left_out(void **state) {
    (void)state;
    for (unsigned i = 0; i < TARGET_COUNT; i++) {
        const struct target_info *target = &target_table[i];
        const struct repertoire repertoire = repertoire_of(target);
        unsigned differ[PRESET_COUNT] = {0};
        struct mutate_random random;
        mutate_seed(&random, 5);
        for (unsigned p = 0; p < PRESET_PROGRAMS && target->component[0] != '\0'; p++) {
            static struct owned owned;
            generate_for(&random, &owned);
            uint8_t preset = (uint8_t)(1 + p % (PRESET_COUNT - 1));
            owned.bytes[PRESET_BYTE] = PRESET_DEFAULT;
            uint64_t trace = trace_of(target, &owned);
            owned.bytes[PRESET_BYTE] = preset;
            differ[preset] += trace_of(target, &owned) != trace;
        }
        for (unsigned preset = 1; preset < PRESET_COUNT && target->component[0] != '\0'; preset++) {
            if ((differ[preset] > 0) != (repertoire.presets >> preset & 1)) {
                fail_msg("%s: with preset %s %u programs ran otherwise", target->name, preset_table[preset].name,
                         differ[preset]);
            }
        }
    }
}

/* Where threads are switched by a mode, what is drawn depends on the bytes of a record: those say nothing here. */
static void test_only_idle_options_are_left_out(void **state) {
    (void)state;
    for (unsigned i = 0; i < TARGET_COUNT; i++) {
        const struct target_info *target = &target_table[i];
        const struct repertoire repertoire = repertoire_of(target);
        struct mutate_random random;
        mutate_seed(&random, 8);
        for (unsigned p = 0; p < PROGRAMS && target->component[0] != '\0' && target->threads == 1; p++) {
            static struct owned owned;
            generate_for(&random, &owned);
            uint64_t trace = trace_of(target, &owned);
            for (uint32_t r = 0; r < owned.program.record_count; r++) {
                struct record record = program_record(&owned.program, r);
                if (record.op != OP_OPTION || (repertoire.choices >> record_option_choice(&record) & 1) != 0) {
                    continue;
                }
                owned.bytes[PROGRAM_HEADER_BYTES + r * PROGRAM_RECORD_BYTES + 7]++;
                if (trace_of(target, &owned) != trace) {
                    fail_msg("%s: something depends on %s", target->name,
                             hak_option_table[choice_table[record_option_choice(&record)].option].name);
                }
            }
        }
    }
}

/* --- guides --- */

static void test_guides_are_taken_by_name(void **state) {
    (void)state;
    pid_t pid = fork(); /* what is taken away does not come back */
    if (pid == 0) {
        struct mutate_random random;
        bool good = guide_take_away(NULL) && guide_take_away("") && !guide_take_away("swarm,nothing") &&
                    guide_is_there(GUIDE_SWARM) && guide_take_away("swarm,repertoire,go-genes") &&
                    !guide_is_there(GUIDE_SWARM) && guide_is_there(GUIDE_STATES);
        mutate_seed_for(&random, 9, &target_table[TARGET_CLASS]);
        good = good && random.repertoire.weights[OP_TRIM] != 0;
        for (unsigned i = 0; i < PROGRAMS && good; i++) {
            static struct owned owned;
            generate_for(&random, &owned);
            good = owned.program.header.ops_off == 0 && owned.program.header.favour_weight == 0;
            for (uint32_t g = 0; g < owned.program.gene_count; g++) {
                good = good && program_gene(&owned.program, g).kind != GENE_GO;
            }
        }
        _exit(good ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_true(guide_is_there(GUIDE_SWARM));
}

#define TEST(name) cmocka_unit_test_teardown(test_##name, tidy)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(only_idle_operations_are_left_out), TEST(programs_for_a_target_waste_less),
        TEST(mutation_makes_no_idle_operations), TEST(only_idle_presets_are_left_out),
        TEST(only_idle_options_are_left_out),    TEST(guides_are_taken_by_name),
    };
    return cmocka_run_group_tests_name("repertoire", tests, open_world, close_world);
}
