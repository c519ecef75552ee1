/* tape: what a run is told as, step by step, and that it runs as if nobody listened. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h comes after what it needs. */
#include <cmocka.h>

#include "oracle/site.h"
#include "oracle/tape.h"
#include "tests/world_fixture.h"

static struct tape tape;
static struct owned owned;

static int forget_tape(void **state) {
    tape_free(&tape);
    return tidy(state);
}

static struct verdict record_text(const char *target, const char *lines) {
    struct verdict verdict;
    tape_free(&tape);
    write_program(&owned, lines);
    world_observe(tape_observe, &tape);
    (void)world_run(target_find(target), &owned.program, NULL, &verdict);
    world_observe(NULL, NULL);
    assert_false(tape.is_cut);
    return verdict;
}

static const struct tape_step *step_at(uint32_t i) {
    assert_true(i < tape.step_count);
    return &tape.steps[i];
}

static const struct tape_change *change_of(uint32_t step, uint32_t i) {
    assert_true(i < step_at(step)->change_count);
    return &tape.changes[step_at(step)->first_change + i];
}

/* The first step of a kind. */
static uint32_t find_step(enum tape_kind kind) {
    for (uint32_t i = 0; i < tape.step_count; i++) {
        if (tape.steps[i].kind == kind) {
            return i;
        }
    }
    fail_msg("no step is '%s'", tape_kind_names[kind]);
    return 0;
}

static void test_a_step_is_an_operation_that_nobody_interrupts(void **state) {
    (void)state;
    struct verdict verdict = record_text("sequence", "t0 malloc s0 96-8\nt0 free s1\nt0 usable s0\nt0 free s0\n");
    assert_int_equal(verdict.check, CHECK_NONE);
    assert_int_equal(tape.step_count, 4 + 2); /* the heap is proven, and all is freed */
    for (uint32_t i = 0; i < tape.step_count; i++) {
        assert_true(step_at(i)->begins && step_at(i)->ends && step_at(i)->thread == 0);
        assert_int_equal(step_at(i)->record, i < 4 ? i : 4);
        assert_int_equal(step_at(i)->kind, i == 1 ? TAPE_NOTHING : TAPE_DONE);
    }
    assert_int_equal(change_of(0, 0)->kind, TAPE_ALLOCATED);
    assert_int_equal(change_of(0, 0)->bytes, 88);
    assert_int_equal(change_of(0, 0)->offset, step_at(0)->offset);
    assert_int_equal(change_of(2, 0)->kind, TAPE_GREW);
    assert_int_equal(change_of(3, 0)->kind, TAPE_FREED);
    assert_false(change_of(3, 0)->is_remote);
    assert_int_equal(step_at(1)->change_count, 0);
}

static void test_the_state_is_that_after_the_step(void **state) {
    (void)state;
    record_text("sequence", "geometry tiny\noptions no-thread-cache\nt0 malloc_many s0 96 n=3\nt0 free s0\n");
    const struct tape_state *full = &step_at(0)->state, *after = &step_at(1)->state;
    assert_int_equal(full->capacity, 4);
    assert_int_equal(full->carved, full->used + full->free_blocks);
    assert_int_equal(after->carved, after->used + after->free_blocks);
    assert_in_range(full->used, 3, 4);
    assert_true(full->has_cache && full->cache_class_bytes == full->place.bytes);
    assert_int_equal(full->heap_count, 1);
    assert_int_equal(full->heaps[0].thread, 0);
    assert_true(full->superslabs == 1 && full->reserved_bytes != 0);
    assert_int_equal(full->place.slab_bytes, 4 * full->place.bytes);
}

static void test_a_realloc_is_seen_as_both(void **state) {
    (void)state;
    record_text("sequence", "t0 malloc s0 96\nt0 realloc s0 1k\n");
    assert_int_equal(step_at(1)->change_count, 2);
    assert_int_equal(change_of(1, 0)->kind, TAPE_FREED);
    assert_int_equal(change_of(1, 1)->kind, TAPE_ALLOCATED);
    assert_int_equal(change_of(1, 1)->bytes, 1024);
}

static void test_remote_frees_name_the_owner(void **state) {
    (void)state;
    record_text("threads", "options no-remote-batch\nt1 malloc s0 96\nt2 malloc s1 96\nt2 free s0\n");
    const struct tape_change *freed = change_of(2, 0);
    assert_true(freed->is_remote && freed->owner == 1 && freed->born_on == 1);
    const struct tape_state *now = &step_at(2)->state;
    uint32_t waiting = 0;
    for (uint32_t i = 0; i < now->heap_count; i++) {
        waiting += now->heaps[i].thread == 1 ? now->heaps[i].blocks : 0;
    }
    assert_int_equal(waiting, 1);
    assert_false(now->heaps[0].is_closed);
}

static void test_the_queue_of_a_thread_that_ended_is_closed(void **state) {
    (void)state;
    record_text("threads", "t1 malloc_many s0 16 n=2\nt1 end\nt0 free s0\n");
    const struct tape_heap *heap = &step_at(2)->state.heaps[0];
    assert_int_equal(heap->thread, TAPE_NOBODY);
    assert_true(heap->is_closed && heap->blocks == 1);
    assert_int_equal(change_of(2, 0)->owner, 1); /* that had it last */
}

/* t1 stops somewhere, and t2 goes on. */
static const char contended[] = "options no-remote-batch\nt0 malloc s0 96\nt0 malloc s1 96\nt1 malloc s2 96\n"
                                "t1 free s0\nt2 free s1\ngene at=3 yield=%u hold=1\n";

/* It does so between its look at the queue's head and its push, and t2 pushes: t1's exchange fails. */
static struct verdict record_contended(uint32_t *failed) {
    for (unsigned yield = 1; yield < 100; yield++) {
        char text[512];
        snprintf(text, sizeof text, contended, yield);
        struct verdict verdict = record_text("threads", text);
        for (uint32_t i = 0; i < tape.step_count; i++) {
            if (tape.steps[i].kind == TAPE_FAILED && tape.steps[i].site->kind == HAK_SITE_WEAK_CAS) {
                *failed = i;
                return verdict;
            }
        }
    }
    fail_msg("no exchange of the program can fail");
    return (struct verdict){0};
}

static void test_an_operation_that_is_interrupted_is_several_steps(void **state) {
    (void)state;
    uint32_t failed;
    struct verdict verdict = record_contended(&failed);
    assert_int_equal(verdict.check, CHECK_NONE);
    uint32_t at = find_step(TAPE_SWITCH);
    assert_true(step_at(at)->begins && !step_at(at)->ends && step_at(at)->thread == 1 && step_at(at)->other == 2);
    assert_non_null(step_at(at)->site);
    assert_non_null(strstr(step_at(at)->text, "t1 preempted in free s0"));
    assert_int_equal(step_at(at + 1)->thread, 2);
    assert_true(step_at(failed)->thread == 1 && step_at(failed)->record == 3 && !step_at(failed)->begins);
    assert_true(step_at(failed)->other == 2 && step_at(failed)->other_step == at + 1 && step_at(failed)->count == 1);
    assert_true(step_at(failed + 1)->ends && step_at(failed + 1)->record == 3);
}

static void test_a_stale_load_is_a_step(void **state) {
    (void)state;
    for (unsigned yield = 1; yield < 100; yield++) {
        char text[512];
        snprintf(text, sizeof text, "t0 malloc s0 96\nt1 malloc s1 96\nt1 free s0\ngene at=1 yield=%u stale=1\n",
                 yield);
        record_text("threads", text);
        for (uint32_t i = 0; i < tape.step_count; i++) {
            if (tape.steps[i].kind == TAPE_STALE) {
                assert_true(tape.steps[i].count == 1 && tape.steps[i].record == 1 && tape.steps[i].yield == yield);
                return;
            }
        }
    }
    fail_msg("no load of the program can be stale");
}

static void test_the_finding_is_the_last_step(void **state) {
    (void)state;
    assert_true(world_arm_fault("calloc-skips-zero"));
    struct verdict verdict =
        record_text("sequence", "t0 malloc s0 96\nt0 write s0\nt0 free s0\nt0 calloc s1 96 n=1\nt0 check\n");
    assert_int_equal(verdict.check, CHECK_CALLOC_NONZERO);
    uint32_t at = find_step(TAPE_FINDING);
    assert_int_equal(at, tape.step_count - 1);
    assert_int_equal(step_at(at)->record, 3);
    assert_true(step_at(at)->begins && step_at(at)->change_count == 0);
    assert_int_equal(step_at(at)->offset, change_of(0, 0)->offset);
    assert_true(step_at(at)->state.place.start <= step_at(at)->offset && step_at(at)->state.carved > 0);
}

static void test_over_and_over_is_one_step(void **state) {
    (void)state;
    assert_true(world_arm_fault("push-keeps-head"));
    uint32_t failed;
    struct verdict verdict = record_contended(&failed);
    assert_int_equal(verdict.check, CHECK_LIVELOCK);
    assert_in_range(step_at(failed)->count, 100000, UINT32_MAX);
    assert_in_range(tape.step_count, 5, 10);
}

/* Programs of every mode and target, with a tape and without. */
static void test_a_run_that_is_taped_is_the_same(void **state) {
    (void)state;
    enum { PROGRAMS = 300 };
    static const char *const targets[] = {"sequence", "threads", "oom", "remote"};
    struct mutate_random random;
    uint32_t steps = 0, inside = 0;
    mutate_seed(&random, 23);
    for (unsigned i = 0; i < PROGRAMS; i++) {
        struct verdict alone, taped;
        const struct target_info *target = target_find(targets[i % 4]);
        generate(&random, &owned);
        (void)world_run(target, &owned.program, NULL, &alone);
        world_observe(tape_observe, &tape);
        (void)world_run(target, &owned.program, NULL, &taped);
        world_observe(NULL, NULL);
        assert_int_equal(alone.trace_hash, taped.trace_hash);
        assert_int_equal(alone.operations, taped.operations);
        assert_int_equal(world_state_hash(), opening_hash);
        for (uint32_t s = 0; s < tape.step_count; s++) {
            inside += tape.steps[s].site != NULL;
        }
        steps += tape.step_count;
        tape_free(&tape);
    }
    assert_true(steps > 10 * PROGRAMS && inside > PROGRAMS); /* there was something to tell */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_a_step_is_an_operation_that_nobody_interrupts, forget_tape),
        cmocka_unit_test_teardown(test_the_state_is_that_after_the_step, forget_tape),
        cmocka_unit_test_teardown(test_a_realloc_is_seen_as_both, forget_tape),
        cmocka_unit_test_teardown(test_remote_frees_name_the_owner, forget_tape),
        cmocka_unit_test_teardown(test_the_queue_of_a_thread_that_ended_is_closed, forget_tape),
        cmocka_unit_test_teardown(test_an_operation_that_is_interrupted_is_several_steps, forget_tape),
        cmocka_unit_test_teardown(test_a_stale_load_is_a_step, forget_tape),
        cmocka_unit_test_teardown(test_the_finding_is_the_last_step, forget_tape),
        cmocka_unit_test_teardown(test_over_and_over_is_one_step, forget_tape),
        cmocka_unit_test_teardown(test_a_run_that_is_taped_is_the_same, forget_tape),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
