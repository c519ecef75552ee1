/* ace: votes, pins, windows, and the step of one cache. ace.h has the theory. */
#include "allocator/ace.h"

#include "allocator/assert.h"
#include "allocator/option.h"

#define HAK_ACE_INFO(id, label, counted_in, min, max, first, up, down, pin, text)                                      \
    [HAK_ACE_##id] = {.name = (label),                                                                                 \
                      .unit = (counted_in),                                                                            \
                      .meaning = (text),                                                                               \
                      .minimum = (min),                                                                                \
                      .maximum = (max),                                                                                \
                      .start = (first),                                                                                \
                      .votes_up = (up),                                                                                \
                      .votes_down = (down),                                                                            \
                      .option = (pin)},
const struct hak_ace_rule_info hak_ace_rules[HAK_ACE_COUNT] = {HAK_ACE_TABLE(HAK_ACE_INFO)};

#define HAK_ACE_POWER(x) ((x) > 0 && ((x) & ((x)-1)) == 0)
#define HAK_ACE_PROOF(id, label, counted_in, min, max, first, up, down, pin, text)                                     \
    _Static_assert(HAK_ACE_POWER(min) && HAK_ACE_POWER(max) && HAK_ACE_POWER(first), label " moves by doubling");      \
    _Static_assert((min) <= (first) && (first) <= (max), label " starts within its bounds");                           \
    _Static_assert((up) >= 2 && (down) >= 2, label " never moves on one vote");
HAK_ACE_TABLE(HAK_ACE_PROOF)

_Static_assert(HAK_ACE_WINDOW_LONG % HAK_ACE_WINDOW_SHORT == 0, "a long window is so many short ones");
_Static_assert(HAK_ACE_WINDOW_LONG <= UINT16_MAX, "counts of a window have 16 bits each");
_Static_assert(HAK_ACE_CONTENDED_UP < HAK_ACE_CONTENDED_DOWN, "between up and down there is room for neither");

static bool is_power_of_two(uint32_t value) {
    return value != 0 && (value & (value - 1)) == 0;
}

/* ---- votes ---- */

/* The value may change under us: then another vote or a pin decided at the same moment, and that one stands. */
static void move(struct hak_ace_rule_state *state, const struct hak_ace_rule_info *info, uint32_t seen, bool up) {
    uint32_t value = seen != 0 ? seen : info->start;
    if (value == (up ? info->maximum : info->minimum)) {
        return;
    }
    if (hak_cas_strong(&state->value, &seen, up ? value * 2 : value / 2, relaxed, relaxed)) {
        (void)hak_fetch_add(up ? &state->ups : &state->downs, 1, relaxed);
    }
}

void hak_ace_vote(struct hak_ace *ace, enum hak_ace_rule rule, int direction) {
    hak_debug_assert(rule < HAK_ACE_COUNT && direction >= -1 && direction <= 1);
    struct hak_ace_rule_state *state = &ace->rules[rule];
    const struct hak_ace_rule_info *info = &hak_ace_rules[rule];
    if (direction == 0) {
        return;
    }
    uint32_t seen = hak_load(&state->value, relaxed);
    if ((seen & HAK_ACE_PINNED) != 0) {
        return;
    }
    bool up = direction > 0;
    int32_t votes = hak_load(&state->votes, relaxed);
    if (up) {
        votes = votes > 0 ? votes + 1 : 1;
    } else {
        votes = votes < 0 ? votes - 1 : -1;
    }
    bool enough = up ? votes >= info->votes_up : votes <= -info->votes_down;
    /* Made from one load and below the threshold: whoever's store is last, the count is one that can be. */
    hak_store(&state->votes, enough ? 0 : votes, relaxed);
    if (enough) {
        move(state, info, seen, up);
    }
}

/* ---- options ---- */

/* The last step at or below value that the rule could have reached by itself. */
static uint32_t step_below(const struct hak_ace_rule_info *info, uint32_t value) {
    uint32_t step = info->minimum;
    while (step < info->maximum && step <= value / 2) {
        step *= 2;
    }
    return step;
}

void hak_ace_pin(struct hak_ace *ace, enum hak_ace_rule rule, uint32_t value) {
    hak_debug_assert(rule < HAK_ACE_COUNT && value < HAK_ACE_PINNED);
    struct hak_ace_rule_state *state = &ace->rules[rule];
    if (value != 0) {
        hak_store(&state->value, value | HAK_ACE_PINNED, relaxed);
        hak_store(&state->votes, 0, relaxed);
        return;
    }
    uint32_t seen = hak_load(&state->value, relaxed);
    if ((seen & HAK_ACE_PINNED) != 0) {
        hak_store(&state->value, step_below(&hak_ace_rules[rule], seen & ~HAK_ACE_PINNED), relaxed);
    }
}

void hak_ace_configure(struct hak_ace *ace, const struct hak_options *options) {
    bool on = options->value[HAK_OPTION_ACE] != 0;
    for (unsigned rule = 0; rule < HAK_ACE_COUNT; rule++) {
        uint32_t pin = options->value[hak_ace_rules[rule].option];
        hak_ace_pin(ace, (enum hak_ace_rule)rule, pin != 0 || on ? pin : hak_ace_rules[rule].start);
    }
}

/* ---- windows ---- */

struct counts {
    uint32_t operations;
    uint32_t contended_short;
    uint32_t contended_long;
};

static struct counts unpack(uint64_t word) {
    return (struct counts){word & UINT16_MAX, (word >> 16) & UINT16_MAX, (word >> 32) & UINT16_MAX};
}

static uint64_t pack(struct counts counts) {
    return counts.operations | (uint64_t)counts.contended_short << 16 | (uint64_t)counts.contended_long << 32;
}

void hak_ace_contention(struct hak_ace *ace, struct hak_ace_window *window, bool contended) {
    struct counts counts = unpack(hak_load(&window->counts, relaxed));
    counts.operations++;
    counts.contended_short += contended;
    counts.contended_long += contended;
    int direction = 0;
    if (counts.operations % HAK_ACE_WINDOW_SHORT == 0) {
        direction = counts.contended_short * HAK_ACE_CONTENDED_UP > HAK_ACE_WINDOW_SHORT ? 1 : 0;
        counts.contended_short = 0;
    }
    if (counts.operations >= HAK_ACE_WINDOW_LONG) {
        if (counts.contended_long * HAK_ACE_CONTENDED_DOWN < HAK_ACE_WINDOW_LONG) {
            direction = -1;
        }
        counts = (struct counts){0};
    }
    hak_store(&window->counts, pack(counts), relaxed);
    hak_ace_vote(ace, HAK_ACE_SHARDS, direction);
}

/* ---- the other rules ---- */

void hak_ace_purge_ended(struct hak_ace *ace, uint32_t away_ms) {
    uint32_t delay_ms = hak_ace_value(ace, HAK_ACE_PURGE_DELAY);
    int direction = 0;
    if (away_ms < delay_ms) {
        direction = 1;
    } else if (away_ms / HAK_ACE_PURGE_LATE >= delay_ms) {
        direction = -1;
    }
    hak_ace_vote(ace, HAK_ACE_PURGE_DELAY, direction);
}

struct hak_ace_cache_step hak_ace_cache(struct hak_ace_cache_view view) {
    hak_debug_assert(view.capacity_min > 0 && view.capacity_min <= view.capacity);
    hak_debug_assert(view.capacity <= view.capacity_max);
    struct hak_ace_cache_step step = {.capacity = view.capacity, .age_epochs = view.age_epochs};
    bool quiet = !view.refilled && !view.flushed;
    if (quiet && view.age_epochs == 0) {
        return step;
    }
    if (view.refilled && view.flushed) {
        step.capacity = view.capacity > view.capacity_max / 2 ? view.capacity_max : (uint16_t)(view.capacity * 2);
    } else if (quiet && view.quiet_epochs + 1 >= HAK_ACE_CACHE_QUIET) {
        step.capacity = view.capacity / 2 < view.capacity_min ? view.capacity_min : view.capacity / 2;
    } else if (quiet) {
        step.quiet_epochs = (uint8_t)(view.quiet_epochs + 1);
    }
    if (view.age_epochs < HAK_ACE_CACHE_YOUNG) {
        /* A cache that its class's bounds hold back says nothing about where caches should start, so what counts is
         * what became of it. */
        step.vote = (int8_t)((step.capacity > view.capacity) - (step.capacity < view.capacity));
        step.age_epochs = (uint8_t)(view.age_epochs + 1);
    }
    return step;
}

/* ---- observation ---- */

struct hak_ace_rule_view hak_ace_look(const struct hak_ace *ace, enum hak_ace_rule rule) {
    const struct hak_ace_rule_state *state = &ace->rules[rule];
    return (struct hak_ace_rule_view){
        .info = &hak_ace_rules[rule],
        .value = hak_ace_value(ace, rule),
        .votes = hak_load(&state->votes, relaxed),
        .ups = hak_load(&state->ups, relaxed),
        .downs = hak_load(&state->downs, relaxed),
        .pinned = hak_ace_is_pinned(ace, rule),
    };
}

static bool rule_is_valid(const struct hak_ace *ace, enum hak_ace_rule rule) {
    const struct hak_ace_rule_info *info = &hak_ace_rules[rule];
    uint32_t seen = hak_load(&ace->rules[rule].value, relaxed);
    int32_t votes = hak_load(&ace->rules[rule].votes, relaxed);
    bool in_bounds = is_power_of_two(seen) && seen >= info->minimum && seen <= info->maximum;
    return (seen == 0 || seen > HAK_ACE_PINNED || in_bounds) && votes > -info->votes_down && votes < info->votes_up;
}

bool hak_ace_is_valid(const struct hak_ace *ace) {
    for (unsigned rule = 0; rule < HAK_ACE_COUNT; rule++) {
        if (!rule_is_valid(ace, (enum hak_ace_rule)rule)) {
            return false;
        }
    }
    return true;
}

bool hak_ace_window_is_valid(const struct hak_ace_window *window) {
    struct counts counts = unpack(hak_load(&window->counts, relaxed));
    uint32_t operations_short = counts.operations % HAK_ACE_WINDOW_SHORT;
    return counts.operations < HAK_ACE_WINDOW_LONG && counts.contended_long <= counts.operations &&
           counts.contended_short <= operations_short && counts.contended_short <= counts.contended_long;
}
