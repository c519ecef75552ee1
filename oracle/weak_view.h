/* weak_view: vector clocks, and what a thread knows.
 *
 * A thread's own clock moves on only when it publishes what it knows (release, thread birth and end, seq_cst fence):
 * what it does between two of these is one epoch, (thread, clock). A thread knows an epoch when its clock for that
 * thread is at least as high. There are two kinds of knowledge. What *happened* before follows C11's happens-before,
 * and is what races are judged by. What was *shown* adds seq_cst fences, which order what may be read but make nothing
 * happen before anything; it is never less. Plain data. */
#ifndef HAKMEM_ORACLE_WEAK_VIEW_H
#define HAKMEM_ORACLE_WEAK_VIEW_H

#include "oracle/weak.h"

#define WEAK_NEVER UINT32_MAX /* a clock that nobody reaches */

struct weak_clock {
    uint32_t of[WEAK_THREADS_MAX];
};

struct weak_view {
    struct weak_clock happened;
    struct weak_clock shown;
    uint32_t shown_sc; /* place in the seq_cst order up to which its accesses are known, by a seq_cst fence */
};

static inline void weak_clock_join(struct weak_clock *into, const struct weak_clock *from) {
    for (unsigned i = 0; i < WEAK_THREADS_MAX; i++) {
        into->of[i] = into->of[i] > from->of[i] ? into->of[i] : from->of[i];
    }
}

static inline void weak_view_join(struct weak_view *into, const struct weak_view *from) {
    weak_clock_join(&into->happened, &from->happened);
    weak_clock_join(&into->shown, &from->shown);
    into->shown_sc = into->shown_sc > from->shown_sc ? into->shown_sc : from->shown_sc;
}

/* What both know. */
static inline void weak_view_meet(struct weak_view *into, const struct weak_view *with) {
    for (unsigned i = 0; i < WEAK_THREADS_MAX; i++) {
        uint32_t happened = with->happened.of[i], shown = with->shown.of[i];
        into->happened.of[i] = into->happened.of[i] < happened ? into->happened.of[i] : happened;
        into->shown.of[i] = into->shown.of[i] < shown ? into->shown.of[i] : shown;
    }
    into->shown_sc = into->shown_sc < with->shown_sc ? into->shown_sc : with->shown_sc;
}

/* Whether any epoch (i, of[i]) is known. */
static inline bool weak_clock_knows_any(const struct weak_clock *known, const struct weak_clock *epochs) {
    unsigned any = 0;
    for (unsigned i = 0; i < WEAK_THREADS_MAX; i++) {
        any |= epochs->of[i] <= known->of[i];
    }
    return any != 0;
}

static inline bool weak_clock_knows_all(const struct weak_clock *known, const struct weak_clock *epochs) {
    unsigned unknown = 0;
    for (unsigned i = 0; i < WEAK_THREADS_MAX; i++) {
        unknown |= epochs->of[i] > known->of[i];
    }
    return unknown == 0;
}

#endif
