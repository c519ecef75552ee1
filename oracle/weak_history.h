/* weak_history: the last stores of one location, in modification order.
 *
 * Each store remembers who has seen it: for each thread the epoch in which it first read or wrote it, and the same for
 * the seq_cst order, as if that were one more thread. A thread that knows any of these epochs must read this store or a
 * newer one: by that, all four rules of coherence hold. It also carries what an acquire load of it learns.
 *
 * A store that falls out at the old end can no longer be read, and nothing else is lost. Plain data; inline, because
 * every atomic access comes here. */
#ifndef HAKMEM_ORACLE_WEAK_HISTORY_H
#define HAKMEM_ORACLE_WEAK_HISTORY_H

#include "oracle/weak_view.h"

struct weak_past {
    uint64_t value;
    struct weak_clock seen; /* by each thread first at this clock, or WEAK_NEVER */
    uint32_t seen_sc;       /* the same for the seq_cst order */
    uint32_t heads;         /* bit u: in a release sequence headed by a store of thread u; 0: `sync` is empty */
    struct weak_view sync;  /* what the heads published */
};

struct weak_history {
    uint32_t newest; /* index into `past`, modulo its length */
    uint32_t count;  /* 0: nothing is known but what an acquire load would learn, in past[newest] */
    struct weak_past past[WEAK_PAST_MAX];
};

static inline struct weak_past *weak_history_nth(struct weak_history *history, uint32_t age) {
    return &history->past[(history->newest - age) % WEAK_PAST_MAX];
}

/* Nothing is known of the values; acquire loads learn `sync`. */
static inline void weak_history_clear(struct weak_history *history, const struct weak_view *sync, uint32_t heads) {
    history->newest = 0;
    history->count = 0;
    history->past[0].sync = *sync;
    history->past[0].heads = heads;
}

/* The value in memory becomes the only store, if the newest is another: it was not written through the model. */
static inline void weak_history_agree(struct weak_history *history, uint64_t value) {
    struct weak_past *newest = weak_history_nth(history, 0);
    if (history->count == 0 || newest->value != value) {
        newest->value = value;
        newest->seen = (struct weak_clock){{0}};
        newest->seen_sc = 0;
        history->count = 1;
    }
}

/* How many of the newest stores may be read by who knows that much. */
static inline uint32_t weak_history_choices(struct weak_history *history, const struct weak_clock *shown,
                                            uint32_t shown_sc) {
    uint32_t age = 0;
    while (age + 1 < history->count) {
        const struct weak_past *past = weak_history_nth(history, age);
        if (past->seen_sc <= shown_sc || weak_clock_knows_any(shown, &past->seen)) {
            break;
        }
        age++;
    }
    return age + 1;
}

static inline void weak_past_seen(struct weak_past *past, uint8_t thread, uint32_t clock) {
    if (past->seen.of[thread] > clock) {
        past->seen.of[thread] = clock;
    }
}

/* A new store at the young end, seen by nobody, with nothing published. */
static inline struct weak_past *weak_history_push(struct weak_history *history, uint64_t value) {
    history->newest = (history->newest + 1) % WEAK_PAST_MAX;
    history->count += history->count < WEAK_PAST_MAX;
    struct weak_past *past = &history->past[history->newest];
    past->value = value;
    for (unsigned i = 0; i < WEAK_THREADS_MAX; i++) {
        past->seen.of[i] = WEAK_NEVER;
    }
    past->seen_sc = WEAK_NEVER;
    past->heads = 0;
    past->sync = (struct weak_view){{{0}}, {{0}}, 0};
    return past;
}

#endif
