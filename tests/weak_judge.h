/* weak_judge: what C11 says of a small program, by its axioms, and so apart from how oracle/weak.c works.
 *
 * All modification orders and all stores that loads may read are tried; each gives an execution, a graph of events. It
 * is allowed when happens-before has no cycle, never goes against coherence, and the seq_cst operations have an order
 * that agrees with both. The text of C17 is followed, where C++20 has repaired it the repaired one (seq_cst order);
 * release sequences are those of C17. Of what is allowed the model shows what it can run step by step: executions in
 * which program order, reads-from, modification order and seq_cst order together have no cycle.
 *
 * Included by the test files that need it: each is an executable of its own. One OS thread. */
#ifndef HAKMEM_TESTS_WEAK_JUDGE_H
#define HAKMEM_TESTS_WEAK_JUDGE_H

#include "tests/weak_program.h"

enum { EVENTS_MAX = LOCATIONS + WEAK_THREADS_MAX * STEPS_MAX, THREAD_NONE = WEAK_THREADS_MAX };

/* Bit b of row a: from event a to event b. */
struct relation {
    uint32_t row[EVENTS_MAX];
};

struct judge {
    uint32_t count; /* of events: the stores of the initial values first, then thread by thread */
    struct step step[EVENTS_MAX];
    uint8_t thread[EVENTS_MAX];
    /* the execution tried */
    uint32_t position[EVENTS_MAX]; /* of a store in its location's modification order */
    uint32_t source[EVENTS_MAX];   /* the store that a load or exchange reads */
    struct relation program, coherence, happens;
    /* the verdicts */
    struct outcomes *allowed, *shown;
};

static inline bool relation_has(const struct relation *relation, uint32_t a, uint32_t b) {
    return (relation->row[a] >> b & 1) != 0;
}

static inline void relation_add(struct relation *relation, uint32_t a, uint32_t b) {
    relation->row[a] |= UINT32_C(1) << b;
}

static inline void relation_join(struct relation *into, const struct relation *from) {
    for (uint32_t a = 0; a < EVENTS_MAX; a++) {
        into->row[a] |= from->row[a];
    }
}

static inline void relation_close(struct relation *relation, uint32_t count) {
    for (uint32_t middle = 0; middle < count; middle++) {
        for (uint32_t a = 0; a < count; a++) {
            if (relation_has(relation, a, middle)) {
                relation->row[a] |= relation->row[middle];
            }
        }
    }
}

static inline bool relation_cycles(const struct relation *closed, uint32_t count) {
    for (uint32_t a = 0; a < count; a++) {
        if (relation_has(closed, a, a)) {
            return true;
        }
    }
    return false;
}

/* ---- events ---- */

static inline bool event_writes(const struct judge *judge, uint32_t event) {
    return judge->step[event].kind == STEP_STORE || judge->step[event].kind == STEP_EXCHANGE;
}

static inline bool event_reads(const struct judge *judge, uint32_t event) {
    return judge->step[event].kind == STEP_LOAD || judge->step[event].kind == STEP_EXCHANGE;
}

static inline bool event_fences(const struct judge *judge, uint32_t event) {
    return judge->step[event].kind == STEP_FENCE;
}

static inline bool event_is_sc(const struct judge *judge, uint32_t event) {
    return judge->step[event].order == WEAK_SEQ_CST;
}

static inline bool event_acquires(const struct judge *judge, uint32_t event) {
    unsigned order = judge->step[event].order;
    return (event_reads(judge, event) || event_fences(judge, event)) &&
           (order == WEAK_ACQUIRE || order == WEAK_CONSUME || order == WEAK_ACQ_REL || order == WEAK_SEQ_CST);
}

static inline bool event_releases(const struct judge *judge, uint32_t event) {
    unsigned order = judge->step[event].order;
    return (event_writes(judge, event) || event_fences(judge, event)) &&
           (order == WEAK_RELEASE || order == WEAK_ACQ_REL || order == WEAK_SEQ_CST);
}

static inline void judge_init(struct judge *judge, const struct weak_program *program) {
    memset(judge, 0, sizeof *judge);
    for (; judge->count < LOCATIONS; judge->count++) {
        judge->step[judge->count] = (struct step){.kind = STEP_STORE, .location = (uint8_t)judge->count};
        judge->thread[judge->count] = THREAD_NONE;
    }
    for (uint8_t thread = 0; thread < WEAK_THREADS_MAX; thread++) {
        for (const struct step *step = program->threads[thread]; step->kind != STEP_NONE; step++) {
            judge->step[judge->count] = *step;
            judge->thread[judge->count++] = thread;
        }
    }
    for (uint32_t a = 0; a < judge->count; a++) {
        for (uint32_t b = a + 1; b < judge->count; b++) {
            if (b >= LOCATIONS && (a < LOCATIONS || judge->thread[a] == judge->thread[b])) {
                relation_add(&judge->program, a, b);
            }
        }
    }
}

/* ---- one execution ---- */

/* Whether `member` is in the release sequence that `head` heads: from it on, each by its thread or read-modify-write.
 */
static inline bool in_sequence(const struct judge *judge, uint32_t head, uint32_t member) {
    for (uint32_t between = 0; between < judge->count; between++) {
        if (event_writes(judge, between) && judge->step[between].location == judge->step[head].location &&
            judge->position[between] > judge->position[head] && judge->position[between] <= judge->position[member] &&
            judge->thread[between] != judge->thread[head] && judge->step[between].kind != STEP_EXCHANGE) {
            return false;
        }
    }
    return judge->step[head].location == judge->step[member].location &&
           judge->position[member] >= judge->position[head];
}

/* All pairs that synchronise because `reader` reads from a sequence headed by `head`. */
static inline void add_synchronises(struct judge *judge, uint32_t head, uint32_t reader) {
    for (uint32_t from = LOCATIONS; from <= head; from++) {
        bool gives = from == head || (event_fences(judge, from) && relation_has(&judge->program, from, head));
        for (uint32_t to = reader; gives && event_releases(judge, from) && to < judge->count; to++) {
            bool takes = to == reader || (event_fences(judge, to) && relation_has(&judge->program, reader, to));
            if (takes && event_acquires(judge, to)) {
                relation_add(&judge->happens, from, to);
            }
        }
    }
}

static inline void make_happens(struct judge *judge) {
    judge->happens = judge->program;
    for (uint32_t reader = LOCATIONS; reader < judge->count; reader++) {
        for (uint32_t head = LOCATIONS; event_reads(judge, reader) && head < judge->count; head++) {
            if (event_writes(judge, head) && in_sequence(judge, head, judge->source[reader])) {
                add_synchronises(judge, head, reader);
            }
        }
    }
    relation_close(&judge->happens, judge->count);
}

/* Where an event stands in its location's order: a store at its position, a load behind the store it reads. */
static inline uint32_t rank(const struct judge *judge, uint32_t event) {
    return event_writes(judge, event) ? 2 * judge->position[event] : 2 * judge->position[judge->source[event]] + 1;
}

static inline void make_coherence(struct judge *judge) {
    memset(&judge->coherence, 0, sizeof judge->coherence);
    for (uint32_t a = 0; a < judge->count; a++) {
        for (uint32_t b = 0; b < judge->count; b++) {
            if (!event_fences(judge, a) && !event_fences(judge, b) &&
                judge->step[a].location == judge->step[b].location && rank(judge, a) < rank(judge, b)) {
                relation_add(&judge->coherence, a, b);
            }
        }
    }
}

static inline bool is_coherent(const struct judge *judge) {
    for (uint32_t a = 0; a < judge->count; a++) {
        for (uint32_t b = 0; b < judge->count; b++) {
            if (relation_has(&judge->happens, a, b) && relation_has(&judge->coherence, b, a)) {
                return false;
            }
        }
    }
    return !relation_cycles(&judge->happens, judge->count);
}

/* The event itself, and the seq_cst fences before it (or behind it), in happens-before. */
static inline uint32_t sc_around(const struct judge *judge, uint32_t event, bool before) {
    uint32_t found = event_is_sc(judge, event) ? UINT32_C(1) << event : 0;
    for (uint32_t fence = 0; fence < judge->count; fence++) {
        if (event_fences(judge, fence) && event_is_sc(judge, fence) &&
            (before ? relation_has(&judge->happens, fence, event) : relation_has(&judge->happens, event, fence))) {
            found |= UINT32_C(1) << fence;
        }
    }
    return found;
}

/* Which seq_cst operations must come before which. */
static inline void make_sc(const struct judge *judge, struct relation *sc) {
    memset(sc, 0, sizeof *sc);
    for (uint32_t a = 0; a < judge->count; a++) {
        uint32_t from = sc_around(judge, a, true);
        for (uint32_t b = 0; from != 0 && b < judge->count; b++) {
            if (relation_has(&judge->coherence, a, b)) {
                uint32_t to = sc_around(judge, b, false);
                for (uint32_t i = 0; i < judge->count; i++) {
                    sc->row[i] |= (from >> i & 1) != 0 ? to : 0;
                }
            }
        }
    }
}

static inline uint64_t judge_outcome(const struct judge *judge) {
    uint64_t result = 0;
    uint32_t last[LOCATIONS] = {0};
    for (uint32_t event = 0; event < judge->count; event++) {
        const struct step *step = &judge->step[event];
        if (event_reads(judge, event)) {
            outcome_put(&result, step->reg, judge->step[judge->source[event]].value);
        }
        if (event_writes(judge, event) && judge->position[event] >= last[step->location]) {
            last[step->location] = judge->position[event];
            outcome_put(&result, REGISTERS + step->location, step->value);
        }
    }
    return result;
}

static inline void judge_execution(struct judge *judge) {
    make_happens(judge);
    make_coherence(judge);
    if (!is_coherent(judge)) {
        return;
    }
    struct relation sc, order;
    make_sc(judge, &sc);
    order = judge->happens; /* more than what C++20 asks of the order, equal to what C17 does */
    for (uint32_t a = 0; a < judge->count; a++) {
        for (uint32_t b = 0; b < judge->count; b++) {
            if (!event_is_sc(judge, a) || !event_is_sc(judge, b)) {
                order.row[a] &= ~(UINT32_C(1) << b);
            }
        }
    }
    relation_join(&order, &sc);
    relation_close(&order, judge->count);
    if (relation_cycles(&order, judge->count)) {
        return;
    }
    outcomes_add(judge->allowed, judge_outcome(judge));
    order = sc;
    relation_join(&order, &judge->happens);
    for (uint32_t a = 0; a < judge->count; a++) {
        for (uint32_t b = 0; b < judge->count; b++) {
            if ((event_reads(judge, b) && judge->source[b] == a) ||
                (event_writes(judge, a) && event_writes(judge, b) && relation_has(&judge->coherence, a, b))) {
                relation_add(&order, a, b);
            }
        }
    }
    relation_close(&order, judge->count);
    if (!relation_cycles(&order, judge->count)) {
        outcomes_add(judge->shown, judge_outcome(judge));
    }
}

/* ---- all executions ---- */

/* Each load from `event` on reads each store of its location; an exchange, the one before its own. */
static inline void judge_sources(struct judge *judge, uint32_t event) {
    while (event < judge->count && !event_reads(judge, event)) {
        event++;
    }
    if (event == judge->count) {
        judge_execution(judge);
        return;
    }
    bool exchanges = event_writes(judge, event);
    for (uint32_t store = 0; store < judge->count; store++) {
        if (event_writes(judge, store) && judge->step[store].location == judge->step[event].location &&
            (!exchanges || judge->position[store] + 1 == judge->position[event])) {
            judge->source[event] = store;
            judge_sources(judge, event + 1);
        }
    }
}

/* Each store from `event` on takes each place among those of its location that have one. */
static inline void judge_positions(struct judge *judge, uint32_t event, uint32_t *taken) {
    while (event < judge->count && !event_writes(judge, event)) {
        event++;
    }
    if (event == judge->count) {
        judge_sources(judge, LOCATIONS);
        return;
    }
    uint8_t location = judge->step[event].location;
    uint32_t end = ++taken[location];
    for (uint32_t place = 1; place <= end; place++) {
        for (uint32_t other = LOCATIONS; other < event; other++) {
            judge->position[other] += event_writes(judge, other) && judge->step[other].location == location &&
                                      judge->position[other] >= place;
        }
        judge->position[event] = place;
        judge_positions(judge, event + 1, taken);
        for (uint32_t other = LOCATIONS; other < event; other++) {
            judge->position[other] -=
                event_writes(judge, other) && judge->step[other].location == location && judge->position[other] > place;
        }
    }
    taken[location]--;
}

static inline void weak_program_judge(const struct weak_program *program, struct outcomes *allowed,
                                      struct outcomes *shown) {
    static struct judge judge;
    uint32_t taken[LOCATIONS] = {0};
    judge_init(&judge, program);
    judge.allowed = allowed;
    judge.shown = shown;
    allowed->count = shown->count = 0;
    judge_positions(&judge, LOCATIONS, taken);
}

#endif
