/* The weak memory model: litmus tests, all their outcomes against the axioms, and the same for programs made at random.
 *
 * Run with HAKMEM_DOCS_WRITE=1 to bring the table of docs/weak-memory.md up to date. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "oracle/program.h"
#include "tests/docs_page.h"
#include "tests/weak_judge.h"
#include "tests/weak_litmus.h"

_Static_assert((int)PROGRAM_THREADS_MAX <= (int)WEAK_THREADS_MAX, "every virtual thread has a clock");

static struct outcomes shown, allowed, expected;

static _Noreturn void fail_program(const struct weak_program *program, const char *complaint) {
    char text[2000] = "";
    FILE *out = fmemopen(text, sizeof text, "w");
    assert_non_null(out);
    weak_program_print(out, program);
    fclose(out);
    fail_msg("%s: %s", complaint, text);
    abort();
}

static const char *verdict_of(const struct litmus *litmus) {
    weak_program_explore(&litmus->program, &shown);
    weak_program_judge(&litmus->program, &allowed, &expected);
    if (outcomes_match(&shown, litmus->outcome)) {
        return outcomes_match(&allowed, litmus->outcome) ? "seen" : "shown, but C11 forbids it";
    }
    return outcomes_match(&allowed, litmus->outcome) ? "not shown" : "never";
}

static void test_litmus_tests_have_their_verdicts(void **state) {
    (void)state;
    static const char *const verdicts[] = {[SEEN] = "seen", [NEVER] = "never", [MISSED] = "not shown"};
    unsigned wrong = 0;
    for (unsigned i = 0; i < LITMUS_COUNT; i++) {
        const struct litmus *litmus = &litmus_table[i];
        const char *verdict = verdict_of(litmus);
        if (strcmp(verdict, verdicts[litmus->verdict]) != 0) {
            print_error("%s (%s): %s is '%s', not '%s'\n", litmus->name, litmus->variant, litmus->outcome, verdict,
                        verdicts[litmus->verdict]);
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
}

/* Not the one outcome only: the model shows all that the axioms allow of what can run step by step, and nothing else.
 */
static void assert_agrees_with_axioms(const struct weak_program *program) {
    uint32_t place;
    weak_program_explore(program, &shown);
    weak_program_judge(program, &allowed, &expected);
    for (uint32_t i = 0; i < shown.count; i++) {
        if (!outcomes_find(&allowed, shown.list[i], &place)) {
            fail_program(program, "an outcome is shown that C11 forbids");
        }
        if (!outcomes_find(&expected, shown.list[i], &place)) {
            fail_program(program, "an outcome is shown that should need another order of stores");
        }
    }
    if (shown.count != expected.count) {
        fail_program(program, "not all outcomes are shown that should be");
    }
}

static void test_litmus_tests_agree_with_axioms(void **state) {
    (void)state;
    for (unsigned i = 0; i < LITMUS_COUNT; i++) {
        assert_agrees_with_axioms(&litmus_table[i].program);
    }
}

/* ---- programs made at random ---- */

static uint32_t below(uint64_t *random, uint32_t bound) {
    *random = *random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*random >> 33) % bound;
}

static void make_step(uint64_t *random, struct step *step, uint8_t *values, uint8_t *registers) {
    static const uint8_t kinds[] = {STEP_LOAD, STEP_LOAD, STEP_LOAD, STEP_STORE, STEP_STORE, STEP_EXCHANGE, STEP_FENCE};
    static const uint8_t orders[][6] = {
        [STEP_LOAD] = {RLX, RLX, ACQ, ACQ, SC, SC},
        [STEP_STORE] = {RLX, RLX, REL, REL, SC, SC},
        [STEP_EXCHANGE] = {RLX, ACQ, REL, AR, SC, SC},
        [STEP_FENCE] = {ACQ, REL, AR, SC, SC, SC},
    };
    step->kind = kinds[below(random, sizeof kinds)];
    step->order = orders[step->kind][below(random, sizeof orders[0])];
    step->location = (uint8_t)below(random, 2);
    if (step->kind == STEP_LOAD || step->kind == STEP_EXCHANGE) {
        step->reg = (*registers)++;
    }
    if (step->kind == STEP_STORE || step->kind == STEP_EXCHANGE) {
        step->value = ++values[step->location];
    }
}

/* Two to four threads, at most seven steps. */
static void make_program(uint64_t *random, struct weak_program *program) {
    uint8_t values[LOCATIONS] = {0}, registers = 0;
    uint32_t threads = 2 + below(random, 3), lengths[WEAK_THREADS_MAX] = {0};
    memset(program, 0, sizeof *program);
    for (uint32_t steps = 0; steps < 7; steps++) {
        uint32_t thread = steps < threads ? steps : below(random, threads);
        if (lengths[thread] < STEPS_MAX) {
            make_step(random, &program->threads[thread][lengths[thread]++], values, &registers);
        }
    }
}

static void test_random_programs_agree_with_axioms(void **state) {
    (void)state;
    enum { PROGRAMS = 6000 };
    uint64_t random = 1;
    struct weak_program program;
    for (unsigned i = 0; i < PROGRAMS; i++) {
        make_program(&random, &program);
        assert_agrees_with_axioms(&program);
    }
}

/* ---- the page ---- */

static void print_litmus_table(FILE *out) {
    fputs("| test | variant | threads | outcome | verdict |\n|---|---|---|---|---|\n", out);
    for (unsigned i = 0; i < LITMUS_COUNT; i++) {
        const struct litmus *litmus = &litmus_table[i];
        fprintf(out, "| %s | %s | ", litmus->name, litmus->variant);
        weak_program_print(out, &litmus->program);
        fprintf(out, " | `%s` | %s |\n", litmus->outcome, verdict_of(litmus));
    }
}

static void test_page_is_current(void **state) {
    (void)state;
    docs_page_is_current(&(struct docs_page){"docs/weak-memory.md",
                                             "<!-- made from tests/weak_litmus.h by tests/test_weak.c: begin -->\n",
                                             print_litmus_table});
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_litmus_tests_have_their_verdicts),
        cmocka_unit_test(test_litmus_tests_agree_with_axioms),
        cmocka_unit_test(test_random_programs_agree_with_axioms),
        cmocka_unit_test(test_page_is_current),
    };
    return cmocka_run_group_tests_name("weak", tests, NULL, NULL);
}
