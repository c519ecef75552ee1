/* The controller: bounds, hysteresis, pins, and what moves each rule. A random sequence comes from a fixed seed and is
 * followed by a plain model. The step of one cache has test_ace_cache.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "allocator/ace.h"
#include "allocator/option.h"

static const struct hak_ace born; /* all zero, as the state root is */

static uint64_t next_random(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static bool is_power_of_two(uint32_t value) {
    return value != 0 && (value & (value - 1)) == 0;
}

static void vote_times(struct hak_ace *ace, enum hak_ace_rule rule, int direction, int32_t times) {
    for (int32_t n = 0; n < times; n++) {
        hak_ace_vote(ace, rule, direction);
    }
}

static int32_t votes_needed(enum hak_ace_rule rule, int direction) {
    return direction > 0 ? hak_ace_rules[rule].votes_up : hak_ace_rules[rule].votes_down;
}

/* Votes that bring any rule from one bound to the other and beyond. */
static int32_t votes_beyond(enum hak_ace_rule rule, int direction) {
    return votes_needed(rule, direction) * 40;
}

/* Every test of a rule is one of all rules. */
#define FOR_EACH_RULE(rule) for (enum hak_ace_rule rule = 0; rule < HAK_ACE_COUNT; rule++)

/* --- table and first state --- */

static void test_table(void **state) {
    (void)state;
    static const struct {
        uint32_t minimum, maximum, start;
        const char *name;
    } promised[] = {
        {1, 16, 1, "superslab-chunk"},
        {1, 64, 1, "run-shards"},
        {64, 8192, 512, "purge-delay"},
        {16, 256, 32, "cache-capacity"},
    };
    assert_int_equal(HAK_ACE_COUNT, sizeof promised / sizeof promised[0]);
    FOR_EACH_RULE(rule) {
        const struct hak_ace_rule_info *info = &hak_ace_rules[rule];
        assert_string_equal(info->name, promised[rule].name);
        assert_int_equal(info->minimum, promised[rule].minimum);
        assert_int_equal(info->maximum, promised[rule].maximum);
        assert_int_equal(info->start, promised[rule].start);
        assert_true(is_power_of_two(info->minimum) && is_power_of_two(info->maximum) && is_power_of_two(info->start));
        assert_true(info->minimum <= info->start && info->start <= info->maximum);
        assert_true(info->votes_up >= 2 && info->votes_down >= 2);
        assert_true(strlen(info->unit) > 0 && strlen(info->meaning) > 0);
        for (enum hak_ace_rule other = 0; other < rule; other++) {
            assert_true(info->option != hak_ace_rules[other].option);
        }
    }
    assert_int_equal(hak_ace_rules[HAK_ACE_CHUNK].option, HAK_OPTION_SUPERSLAB_CHUNK);
    assert_int_equal(hak_ace_rules[HAK_ACE_SHARDS].option, HAK_OPTION_RUN_SHARDS);
    assert_int_equal(hak_ace_rules[HAK_ACE_PURGE_DELAY].option, HAK_OPTION_PURGE_DELAY_MS);
    assert_int_equal(hak_ace_rules[HAK_ACE_CACHE].option, HAK_OPTION_CACHE_CAPACITY);
}

static void test_all_zero_is_the_start(void **state) {
    (void)state;
    assert_true(hak_ace_is_valid(&born));
    FOR_EACH_RULE(rule) {
        struct hak_ace_rule_view view = hak_ace_look(&born, rule);
        assert_int_equal(view.value, hak_ace_rules[rule].start);
        assert_int_equal(hak_ace_value(&born, rule), hak_ace_rules[rule].start);
        assert_ptr_equal(view.info, &hak_ace_rules[rule]);
        assert_true(view.votes == 0 && view.ups == 0 && view.downs == 0 && !view.pinned);
    }
}

static void test_validity_sees_what_is_wrong(void **state) {
    (void)state;
    FOR_EACH_RULE(rule) {
        const struct hak_ace_rule_info *info = &hak_ace_rules[rule];
        const struct {
            uint32_t value;
            int32_t votes;
        } wrong[] = {
            {3 * info->minimum, 0}, {info->minimum > 1 ? info->minimum / 2 : 3, 0},
            {info->maximum * 2, 0}, {0, info->votes_up},
            {0, -info->votes_down}, {HAK_ACE_PINNED, 0},
        };
        for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
            struct hak_ace ace = born;
            hak_store(&ace.rules[rule].value, wrong[i].value, relaxed);
            hak_store(&ace.rules[rule].votes, wrong[i].votes, relaxed);
            assert_false(hak_ace_is_valid(&ace));
        }
    }
    /* Operations, contended of the short window, contended of the long one. */
    static const struct {
        uint64_t operations, contended_short, contended_long;
    } windows[] = {{HAK_ACE_WINDOW_LONG, 0, 0}, {0, 0, 1}, {HAK_ACE_WINDOW_SHORT, 1, 1}, {1, 1, 0}};
    for (size_t i = 0; i < sizeof windows / sizeof windows[0]; i++) {
        struct hak_ace_window window;
        hak_store(&window.counts,
                  windows[i].operations | windows[i].contended_short << 16 | windows[i].contended_long << 32, relaxed);
        assert_false(hak_ace_window_is_valid(&window));
    }
}

/* --- votes --- */

static void test_enough_votes_move_one_step(void **state) {
    (void)state;
    FOR_EACH_RULE(rule) {
        struct hak_ace ace = born;
        uint32_t start = hak_ace_rules[rule].start;
        vote_times(&ace, rule, 1, votes_needed(rule, 1) - 1);
        assert_int_equal(hak_ace_value(&ace, rule), start);
        hak_ace_vote(&ace, rule, 1);
        assert_int_equal(hak_ace_value(&ace, rule), start * 2);
        vote_times(&ace, rule, -1, votes_needed(rule, -1) - 1);
        assert_int_equal(hak_ace_value(&ace, rule), start * 2);
        hak_ace_vote(&ace, rule, -1);
        assert_int_equal(hak_ace_value(&ace, rule), start);
        struct hak_ace_rule_view view = hak_ace_look(&ace, rule);
        assert_true(view.ups == 1 && view.downs == 1 && view.votes == 0);
    }
}

static void test_no_vote_is_no_vote(void **state) {
    (void)state;
    FOR_EACH_RULE(rule) {
        struct hak_ace ace = born;
        vote_times(&ace, rule, 1, votes_needed(rule, 1) - 1);
        hak_ace_vote(&ace, rule, 0);
        hak_ace_vote(&ace, rule, 1);
        assert_int_equal(hak_ace_value(&ace, rule), hak_ace_rules[rule].start * 2);
    }
}

static void test_alternating_votes_move_nothing(void **state) {
    (void)state;
    FOR_EACH_RULE(rule) {
        struct hak_ace ace = born;
        for (unsigned n = 0; n < 1000; n++) {
            vote_times(&ace, rule, 1, votes_needed(rule, 1) - 1);
            vote_times(&ace, rule, -1, votes_needed(rule, -1) - 1);
            hak_ace_vote(&ace, rule, 1);
            hak_ace_vote(&ace, rule, -1);
        }
        struct hak_ace_rule_view view = hak_ace_look(&ace, rule);
        assert_int_equal(view.value, hak_ace_rules[rule].start);
        assert_true(view.ups == 0 && view.downs == 0);
    }
}

static void test_bounds_stop_every_rule(void **state) {
    (void)state;
    FOR_EACH_RULE(rule) {
        const struct hak_ace_rule_info *info = &hak_ace_rules[rule];
        struct hak_ace ace = born;
        vote_times(&ace, rule, 1, votes_beyond(rule, 1));
        assert_int_equal(hak_ace_value(&ace, rule), info->maximum);
        uint32_t ups = hak_ace_look(&ace, rule).ups;
        assert_int_equal((uint64_t)info->start << ups, info->maximum);
        vote_times(&ace, rule, -1, votes_beyond(rule, -1));
        assert_int_equal(hak_ace_value(&ace, rule), info->minimum);
        assert_int_equal(info->maximum >> hak_ace_look(&ace, rule).downs, info->minimum);
        assert_true(hak_ace_is_valid(&ace));
    }
}

/* The rule as one would say it, without atomics, packing or a start that is stored as zero. */
struct model {
    uint32_t value;
    int run; /* votes in a row, signed */
    bool pinned;
};

static void model_vote(struct model *model, const struct hak_ace_rule_info *info, int direction) {
    if (model->pinned || direction == 0) {
        return;
    }
    model->run = (model->run > 0) == (direction > 0) ? model->run + direction : direction;
    if (model->run == info->votes_up) {
        model->run = 0;
        model->value = model->value * 2 > info->maximum ? info->maximum : model->value * 2;
    } else if (model->run == -info->votes_down) {
        model->run = 0;
        model->value = model->value / 2 < info->minimum ? info->minimum : model->value / 2;
    }
}

static void model_pin(struct model *model, const struct hak_ace_rule_info *info, uint32_t value) {
    if (value != 0) {
        *model = (struct model){.value = value, .pinned = true};
    } else if (model->pinned) {
        uint32_t pinned_at = model->value;
        for (model->value = info->maximum; model->value > info->minimum && model->value > pinned_at;) {
            model->value /= 2;
        }
        model->pinned = false;
    }
}

static void test_any_sequence_follows_the_model(void **state) {
    (void)state;
    struct hak_ace ace = born;
    struct model models[HAK_ACE_COUNT] = {0};
    FOR_EACH_RULE(rule) {
        models[rule].value = hak_ace_rules[rule].start;
    }
    uint64_t random = 0x9e3779b97f4a7c15;
    uint32_t moves = 0;
    for (unsigned n = 0; n < 200000; n++) {
        enum hak_ace_rule rule = (enum hak_ace_rule)(next_random(&random) % HAK_ACE_COUNT);
        const struct hak_ace_rule_info *info = &hak_ace_rules[rule];
        uint64_t choice = next_random(&random) % 1000;
        if (choice < 3) {
            uint32_t value = choice == 0 ? (uint32_t)(next_random(&random) % 20000) : 0;
            hak_ace_pin(&ace, rule, value);
            model_pin(&models[rule], info, value);
        } else {
            /* Mostly one way for a while, so that values travel. */
            int direction = (n >> 12 & 1) == (choice < 970) ? 1 : -1;
            uint32_t before = models[rule].value;
            hak_ace_vote(&ace, rule, direction);
            model_vote(&models[rule], info, direction);
            moves += models[rule].value != before;
        }
        struct hak_ace_rule_view view = hak_ace_look(&ace, rule);
        assert_int_equal(view.value, models[rule].value);
        assert_int_equal(view.votes, models[rule].run);
        assert_true(view.pinned == models[rule].pinned);
        assert_true(view.pinned || (view.value >= info->minimum && view.value <= info->maximum));
        assert_true(view.pinned || is_power_of_two(view.value));
        assert_true(hak_ace_is_valid(&ace));
    }
    uint32_t counted = 0;
    FOR_EACH_RULE(rule) {
        struct hak_ace_rule_view view = hak_ace_look(&ace, rule);
        assert_true(view.ups > 5 && view.downs > 5); /* the sequence went somewhere, with every rule */
        counted += view.ups + view.downs;
    }
    assert_int_equal(counted, moves);
}

/* --- options --- */

static void test_a_pin_wins(void **state) {
    (void)state;
    FOR_EACH_RULE(rule) {
        /* Exactly what was asked for, also what the rule could not have reached. */
        const uint32_t values[] = {1, 3, hak_ace_rules[rule].minimum, hak_ace_rules[rule].maximum, 3600000};
        for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
            struct hak_ace ace = born;
            hak_ace_vote(&ace, rule, 1);
            hak_ace_pin(&ace, rule, values[i]);
            vote_times(&ace, rule, 1, votes_beyond(rule, 1));
            vote_times(&ace, rule, -1, votes_beyond(rule, -1));
            struct hak_ace_rule_view view = hak_ace_look(&ace, rule);
            assert_int_equal(view.value, values[i]);
            assert_true(view.pinned && view.votes == 0 && view.ups == 0 && view.downs == 0);
            assert_true(hak_ace_is_valid(&ace));
        }
    }
}

static void test_a_pin_let_go_moves_from_where_it_stood(void **state) {
    (void)state;
    FOR_EACH_RULE(rule) {
        const struct hak_ace_rule_info *info = &hak_ace_rules[rule];
        const struct {
            uint32_t pinned, after;
        } values[] = {
            {info->minimum, info->minimum},
            {info->maximum - 1, info->maximum / 2},
            {info->maximum * 8, info->maximum},
            {1, info->minimum},
        };
        for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
            struct hak_ace ace = born;
            hak_ace_pin(&ace, rule, 0); /* was not pinned: nothing */
            assert_memory_equal(&ace, &born, sizeof ace);
            hak_ace_pin(&ace, rule, values[i].pinned);
            hak_ace_pin(&ace, rule, 0);
            assert_int_equal(hak_ace_value(&ace, rule), values[i].after);
            assert_false(hak_ace_look(&ace, rule).pinned);
            vote_times(&ace, rule, -1, votes_needed(rule, -1));
            assert_int_equal(hak_ace_look(&ace, rule).downs, values[i].after > info->minimum);
        }
    }
}

static void test_options_pin_and_freeze(void **state) {
    (void)state;
    struct hak_ace ace = born;
    struct hak_options options = {0};
    options.value[HAK_OPTION_RUN_SHARDS] = 8;
    FOR_EACH_RULE(rule) {
        vote_times(&ace, rule, 1, votes_needed(rule, 1)); /* moved before the options were read */
    }
    hak_ace_configure(&ace, &options);
    for (int direction = -1; direction <= 1; direction += 2) {
        FOR_EACH_RULE(rule) {
            vote_times(&ace, rule, direction, votes_beyond(rule, direction));
            assert_int_equal(hak_ace_value(&ace, rule), rule == HAK_ACE_SHARDS ? 8 : hak_ace_rules[rule].start);
            assert_true(hak_ace_look(&ace, rule).pinned);
        }
    }
    options.value[HAK_OPTION_ACE] = 1;
    hak_ace_configure(&ace, &options);
    FOR_EACH_RULE(rule) {
        assert_true(hak_ace_look(&ace, rule).pinned == (rule == HAK_ACE_SHARDS));
        vote_times(&ace, rule, 1, votes_beyond(rule, 1));
        assert_int_equal(hak_ace_value(&ace, rule), rule == HAK_ACE_SHARDS ? 8 : hak_ace_rules[rule].maximum);
    }
}

/* --- what the rules watch --- */

/* Operations of which the first `contended` of each short window find the lock taken. */
static void fill_short_windows(struct hak_ace *ace, struct hak_ace_window *window, unsigned windows,
                               unsigned contended) {
    for (unsigned n = 0; n < windows * HAK_ACE_WINDOW_SHORT; n++) {
        hak_ace_contention(ace, window, n % HAK_ACE_WINDOW_SHORT < contended);
        assert_true(hak_ace_is_valid(ace) && hak_ace_window_is_valid(window));
    }
}

enum {
    SHORT_IN_LONG = HAK_ACE_WINDOW_LONG / HAK_ACE_WINDOW_SHORT,
    AT_THE_EDGE = HAK_ACE_WINDOW_SHORT / HAK_ACE_CONTENDED_UP, /* contended of a short window: not yet too many */
};

static void test_contention_makes_shards(void **state) {
    (void)state;
    struct hak_ace ace = born;
    struct hak_ace_window window = {0};
    fill_short_windows(&ace, &window, (unsigned)votes_needed(HAK_ACE_SHARDS, 1) * 4 * SHORT_IN_LONG, AT_THE_EDGE);
    assert_int_equal(hak_ace_value(&ace, HAK_ACE_SHARDS), 1);
    fill_short_windows(&ace, &window, (unsigned)votes_needed(HAK_ACE_SHARDS, 1) - 1, AT_THE_EDGE + 1);
    assert_int_equal(hak_ace_value(&ace, HAK_ACE_SHARDS), 1);
    fill_short_windows(&ace, &window, 1, AT_THE_EDGE + 1);
    assert_int_equal(hak_ace_value(&ace, HAK_ACE_SHARDS), 2);
    fill_short_windows(&ace, &window, 100, HAK_ACE_WINDOW_SHORT);
    assert_int_equal(hak_ace_value(&ace, HAK_ACE_SHARDS), 64);
}

static void test_quiet_takes_shards_back_later(void **state) {
    (void)state;
    struct hak_ace ace = born;
    struct hak_ace_window window = {0};
    hak_ace_pin(&ace, HAK_ACE_SHARDS, 64);
    hak_ace_pin(&ace, HAK_ACE_SHARDS, 0);
    unsigned down = (unsigned)votes_needed(HAK_ACE_SHARDS, -1);
    fill_short_windows(&ace, &window, down * SHORT_IN_LONG - 1, 0);
    assert_int_equal(hak_ace_value(&ace, HAK_ACE_SHARDS), 64);
    fill_short_windows(&ace, &window, 1, 0);
    assert_int_equal(hak_ace_value(&ace, HAK_ACE_SHARDS), 32);
    /* Just so much contention that no long window is quiet: between up and down nothing moves. */
    for (unsigned n = 0; n < 10 * HAK_ACE_WINDOW_LONG; n++) {
        hak_ace_contention(&ace, &window, n % HAK_ACE_CONTENDED_DOWN == 0);
    }
    assert_int_equal(hak_ace_value(&ace, HAK_ACE_SHARDS), 32);
    fill_short_windows(&ace, &window, 10 * down * SHORT_IN_LONG, 0);
    assert_int_equal(hak_ace_value(&ace, HAK_ACE_SHARDS), 1);
}

static void test_windows_of_shards_are_apart(void **state) {
    (void)state;
    struct hak_ace ace = born;
    struct hak_ace_window windows[HAK_ACE_WINDOW_SHORT] = {0};
    for (unsigned n = 0; n < (HAK_ACE_WINDOW_SHORT - 1) * HAK_ACE_WINDOW_SHORT; n++) {
        hak_ace_contention(&ace, &windows[n % HAK_ACE_WINDOW_SHORT], true);
    }
    assert_int_equal(hak_ace_look(&ace, HAK_ACE_SHARDS).votes, 0); /* every window is one short of full */
    hak_ace_contention(&ace, &windows[0], true);
    assert_int_equal(hak_ace_look(&ace, HAK_ACE_SHARDS).votes, 1);
}

static void test_growth_makes_chunks_larger(void **state) {
    (void)state;
    struct hak_ace ace = born;
    for (unsigned n = 0; n < 100; n++) {
        hak_ace_chunk_used_up(&ace, HAK_ACE_CHUNK_SOON_MS);
    }
    assert_int_equal(hak_ace_value(&ace, HAK_ACE_CHUNK), 1);
    for (int32_t n = 0; n < votes_needed(HAK_ACE_CHUNK, 1); n++) {
        hak_ace_chunk_used_up(&ace, HAK_ACE_CHUNK_SOON_MS - 1);
    }
    assert_int_equal(hak_ace_value(&ace, HAK_ACE_CHUNK), 2);
    vote_times(&ace, HAK_ACE_CHUNK, -1, votes_needed(HAK_ACE_CHUNK, -1));
    assert_int_equal(hak_ace_value(&ace, HAK_ACE_CHUNK), 1);
}

static void purges_end(struct hak_ace *ace, int32_t times, uint32_t away_ms) {
    for (int32_t n = 0; n < times; n++) {
        hak_ace_purge_ended(ace, away_ms);
    }
}

static void test_purges_in_vain_wait_longer(void **state) {
    (void)state;
    struct hak_ace ace = born;
    uint32_t delay_ms = hak_ace_value(&ace, HAK_ACE_PURGE_DELAY);
    purges_end(&ace, 100, delay_ms);
    purges_end(&ace, 100, delay_ms * HAK_ACE_PURGE_LATE - 1);
    assert_int_equal(hak_ace_value(&ace, HAK_ACE_PURGE_DELAY), delay_ms);
    purges_end(&ace, votes_needed(HAK_ACE_PURGE_DELAY, 1), delay_ms - 1);
    assert_int_equal(hak_ace_value(&ace, HAK_ACE_PURGE_DELAY), delay_ms * 2);
    purges_end(&ace, votes_needed(HAK_ACE_PURGE_DELAY, -1), delay_ms * 2 * HAK_ACE_PURGE_LATE);
    assert_int_equal(hak_ace_value(&ace, HAK_ACE_PURGE_DELAY), delay_ms);
    purges_end(&ace, votes_beyond(HAK_ACE_PURGE_DELAY, -1), UINT32_MAX);
    assert_int_equal(hak_ace_value(&ace, HAK_ACE_PURGE_DELAY), hak_ace_rules[HAK_ACE_PURGE_DELAY].minimum);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_all_zero_is_the_start),
        cmocka_unit_test(test_validity_sees_what_is_wrong),
        cmocka_unit_test(test_enough_votes_move_one_step),
        cmocka_unit_test(test_no_vote_is_no_vote),
        cmocka_unit_test(test_alternating_votes_move_nothing),
        cmocka_unit_test(test_bounds_stop_every_rule),
        cmocka_unit_test(test_any_sequence_follows_the_model),
        cmocka_unit_test(test_a_pin_wins),
        cmocka_unit_test(test_a_pin_let_go_moves_from_where_it_stood),
        cmocka_unit_test(test_options_pin_and_freeze),
        cmocka_unit_test(test_contention_makes_shards),
        cmocka_unit_test(test_quiet_takes_shards_back_later),
        cmocka_unit_test(test_windows_of_shards_are_apart),
        cmocka_unit_test(test_growth_makes_chunks_larger),
        cmocka_unit_test(test_purges_in_vain_wait_longer),
    };
    return cmocka_run_group_tests_name("ace", tests, NULL, NULL);
}
