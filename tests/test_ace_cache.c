/* What becomes of one cache when an epoch ends: when it grows and shrinks, its bounds, and when it has a say in where
 * new caches start. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "allocator/ace.h"

static uint64_t next_random(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static const struct hak_ace_cache_view cache_born = {.capacity = 32, .capacity_min = 16, .capacity_max = 2048};

/* Goes on by one epoch, as a heap does; returns the vote. */
static int cache_epoch(struct hak_ace_cache_view *view, bool refilled, bool flushed) {
    view->refilled = refilled;
    view->flushed = flushed;
    struct hak_ace_cache_step step = hak_ace_cache(*view);
    view->capacity = step.capacity;
    view->quiet_epochs = step.quiet_epochs;
    view->age_epochs = step.age_epochs;
    return step.vote;
}

static void test_a_cache_grows_when_it_runs_full_and_empty(void **state) {
    (void)state;
    struct hak_ace_cache_view view = cache_born;
    for (unsigned n = 0; n < 4; n++) {
        assert_int_equal(cache_epoch(&view, true, false), 0);
        assert_int_equal(cache_epoch(&view, false, true), 0);
        assert_int_equal(view.capacity, 32);
    }
    for (uint32_t expected = 64; expected <= 2048; expected *= 2) {
        (void)cache_epoch(&view, true, true);
        assert_int_equal(view.capacity, expected);
    }
    (void)cache_epoch(&view, true, true);
    assert_int_equal(view.capacity, 2048);
}

static void test_a_cache_shrinks_after_quiet_in_a_row(void **state) {
    (void)state;
    struct hak_ace_cache_view view = cache_born;
    view.capacity = 2048;
    (void)cache_epoch(&view, true, false);
    for (unsigned n = 0; n < 10; n++) { /* never two in a row */
        (void)cache_epoch(&view, false, false);
        (void)cache_epoch(&view, n % 2 == 0, n % 2 != 0);
    }
    assert_int_equal(view.capacity, 2048);
    for (uint32_t expected = 1024; expected >= 16; expected /= 2) {
        for (unsigned n = 1; n < HAK_ACE_CACHE_QUIET; n++) {
            (void)cache_epoch(&view, false, false);
            assert_int_equal(view.capacity, expected * 2);
        }
        (void)cache_epoch(&view, false, false);
        assert_int_equal(view.capacity, expected);
    }
    for (unsigned n = 0; n < 10; n++) {
        (void)cache_epoch(&view, false, false);
        assert_int_equal(view.capacity, 16);
    }
}

static void test_only_young_caches_vote(void **state) {
    (void)state;
    struct hak_ace_cache_view view = cache_born;
    for (unsigned n = 0; n < 10; n++) { /* never used: no opinion, and no younger for it */
        assert_int_equal(cache_epoch(&view, false, false), 0);
        assert_int_equal(view.capacity, 32);
    }
    for (unsigned n = 0; n < HAK_ACE_CACHE_YOUNG; n++) {
        assert_int_equal(cache_epoch(&view, true, true), 1);
    }
    assert_int_equal(cache_epoch(&view, true, true), 0);
    view = cache_born;
    assert_int_equal(cache_epoch(&view, true, false), 0);
    assert_int_equal(cache_epoch(&view, false, false), 0);
    assert_int_equal(cache_epoch(&view, false, false), -1);
    view = cache_born;
    view.capacity_max = view.capacity; /* its class lets it grow no further */
    assert_int_equal(cache_epoch(&view, true, true), 0);
}

static void test_any_life_of_a_cache_keeps_its_bounds(void **state) {
    (void)state;
    uint64_t random = 0x2545f4914f6cdd1d;
    for (unsigned life = 0; life < 2000; life++) {
        struct hak_ace_cache_view view = {0};
        view.capacity_min = (uint16_t)(1 + next_random(&random) % 50);
        view.capacity_max = (uint16_t)(view.capacity_min + next_random(&random) % (UINT16_MAX - 50));
        view.capacity = (uint16_t)(view.capacity_min + (view.capacity_max - view.capacity_min) / 3);
        for (unsigned n = 0; n < 300; n++) {
            uint32_t before = view.capacity;
            uint64_t choice = next_random(&random) % 8;
            bool refilled = choice < 3;
            bool flushed = choice == 0 || choice == 1 || choice == 3;
            int vote = cache_epoch(&view, refilled, flushed);
            assert_true(view.capacity >= view.capacity_min && view.capacity <= view.capacity_max);
            assert_true(view.capacity <= before || (refilled && flushed));
            assert_true(view.capacity >= before || (!refilled && !flushed));
            assert_true(vote == 0 || (vote > 0) == (view.capacity > before));
            assert_true(view.quiet_epochs < HAK_ACE_CACHE_QUIET && view.age_epochs <= HAK_ACE_CACHE_YOUNG);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_cache_grows_when_it_runs_full_and_empty),
        cmocka_unit_test(test_a_cache_shrinks_after_quiet_in_a_row),
        cmocka_unit_test(test_only_young_caches_vote),
        cmocka_unit_test(test_any_life_of_a_cache_keeps_its_bounds),
    };
    return cmocka_run_group_tests_name("ace cache", tests, NULL, NULL);
}
