/* weak_race: which accesses to one location race.
 *
 * For each kind of access and each thread the last epoch, as in FastTrack; with four threads a whole vector is as small
 * as what FastTrack escapes to. An access races with an earlier one of a kind it conflicts with whose epoch did not
 * happen before it. Earlier epochs of the same thread need not be kept: who knows the last knows them. Plain data. */
#ifndef HAKMEM_ORACLE_WEAK_RACE_H
#define HAKMEM_ORACLE_WEAK_RACE_H

#include "oracle/weak_view.h"

enum weak_access { WEAK_PLAIN_READ, WEAK_PLAIN_WRITE, WEAK_ATOMIC_READ, WEAK_ATOMIC_WRITE, WEAK_ACCESS_COUNT };

struct weak_marks {
    struct weak_clock last; /* 0: none */
    uint32_t site[WEAK_THREADS_MAX];
};

struct weak_epochs {
    struct weak_marks marks[WEAK_ACCESS_COUNT];
};

/* An access as it is made now. */
struct weak_event {
    const volatile void *address;
    const struct weak_clock *happened;
    uint32_t site;
    uint8_t thread;
    enum weak_access access;
};

void weak_race_on(weak_raced *raced);
/* Tell of each thread whose earlier access races with this one, the worst kind only. */
void weak_race_tell(const struct weak_epochs *epochs, const struct weak_event *event);

static inline bool weak_race_is(const struct weak_epochs *epochs, enum weak_access earlier,
                                const struct weak_event *event) {
    return !weak_clock_knows_all(event->happened, &epochs->marks[earlier].last);
}

static inline void weak_race_check(const struct weak_epochs *epochs, const struct weak_event *event) {
    bool races = weak_race_is(epochs, WEAK_PLAIN_WRITE, event);
    if (event->access != WEAK_ATOMIC_READ) {
        races |= event->access != WEAK_PLAIN_READ && weak_race_is(epochs, WEAK_PLAIN_READ, event);
        races |= event->access != WEAK_ATOMIC_WRITE && weak_race_is(epochs, WEAK_ATOMIC_WRITE, event);
        races |= event->access == WEAK_PLAIN_WRITE && weak_race_is(epochs, WEAK_ATOMIC_READ, event);
    }
    if (races) {
        weak_race_tell(epochs, event);
    }
}

/* Check the access and remember it. */
static inline void weak_race_note(struct weak_epochs *epochs, const struct weak_event *event) {
    weak_race_check(epochs, event);
    struct weak_marks *marks = &epochs->marks[event->access];
    marks->last.of[event->thread] = event->happened->of[event->thread];
    marks->site[event->thread] = event->site;
}

#endif
