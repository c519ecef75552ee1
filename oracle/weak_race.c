/* weak_race: telling of races, which is rare. */
#include "oracle/weak_race.h"

static weak_raced *tell;

void weak_race_on(weak_raced *raced) {
    tell = raced;
}

static bool is_write(enum weak_access access) {
    return access == WEAK_PLAIN_WRITE || access == WEAK_ATOMIC_WRITE;
}

static bool conflicts(enum weak_access one, enum weak_access other) {
    bool both_atomic = one >= WEAK_ATOMIC_READ && other >= WEAK_ATOMIC_READ;
    return !both_atomic && (is_write(one) || is_write(other));
}

void weak_race_tell(const struct weak_epochs *epochs, const struct weak_event *event) {
    static const enum weak_access worst_first[] = {WEAK_PLAIN_WRITE, WEAK_ATOMIC_WRITE, WEAK_PLAIN_READ,
                                                   WEAK_ATOMIC_READ};
    if (tell == NULL) {
        return;
    }
    for (uint8_t thread = 0; thread < WEAK_THREADS_MAX; thread++) {
        for (unsigned i = 0; i < WEAK_ACCESS_COUNT; i++) {
            enum weak_access earlier = worst_first[i];
            const struct weak_marks *marks = &epochs->marks[earlier];
            if (conflicts(earlier, event->access) && marks->last.of[thread] > event->happened->of[thread]) {
                tell(event->address, thread, marks->site[thread], event->thread, event->site, is_write(earlier),
                     is_write(event->access));
                break;
            }
        }
    }
}
