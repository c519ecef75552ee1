/* weak: the threads, and what each memory order does to what they know. */
#include <string.h>

#include "oracle/weak.h"
#include "oracle/weak_table.h"

struct thread {
    struct weak_view known;
    struct weak_view released; /* what it knew at its last release fence: its relaxed stores publish that */
    struct weak_view pending;  /* what its relaxed loads would have learnt as acquire: an acquire fence does */
    struct weak_view ended;    /* what the last thread of this id knew at its end */
    bool has_released;
};

static struct {
    struct thread threads[WEAK_THREADS_MAX];
    struct weak_clock fenced_sc; /* what those who made a seq_cst fence knew then */
    uint32_t last_sc;            /* seq_cst operations so far: their order is the order in which they run */
} weak;

void weak_begin(void) {
    memset(&weak, 0, sizeof weak);
    for (uint8_t thread = 0; thread < WEAK_THREADS_MAX; thread++) {
        weak.threads[thread].known.happened.of[thread] = 1;
        weak.threads[thread].known.shown.of[thread] = 1;
    }
    weak_table_begin();
}

void weak_on_race(weak_raced *raced) {
    weak_race_on(raced);
}

void weak_forget(const volatile void *address, size_t size_bytes) {
    weak_table_forget(address, size_bytes);
}

uint32_t weak_evicted(void) {
    return weak_table.evicted;
}

static bool is_acquire(enum weak_order order) {
    return order != WEAK_RELAXED && order != WEAK_RELEASE;
}

static bool is_release(enum weak_order order) {
    return order >= WEAK_RELEASE;
}

/* What the thread knows has been published: what it does from now on belongs to a new epoch. */
static void epoch_next(uint8_t thread) {
    struct weak_view *known = &weak.threads[thread].known;
    known->shown.of[thread] = ++known->happened.of[thread];
}

/* ---- threads ---- */

void weak_thread_born(uint8_t parent, uint8_t child) {
    struct thread *born = &weak.threads[child];
    weak_view_join(&born->known, &weak.threads[parent].known);
    memset(&born->pending, 0, sizeof born->pending);
    born->has_released = false;
    epoch_next(parent);
}

void weak_thread_ended(uint8_t thread) {
    weak.threads[thread].ended = weak.threads[thread].known;
    epoch_next(thread);
}

void weak_join(uint8_t waiter, uint8_t ended) {
    weak_view_join(&weak.threads[waiter].known, &weak.threads[ended].ended);
}

/* ---- memory ---- */

/* Bytes are copied, since the object's type is not known here. */
static uint64_t memory_read(const volatile void *address, unsigned size_bytes) {
    const void *bytes = (const void *)address;
    uint64_t value = 0;
    switch (size_bytes) {
    case 1:
        memcpy(&value, bytes, 1);
        break;
    case 2:
        memcpy(&value, bytes, 2);
        break;
    case 4:
        memcpy(&value, bytes, 4);
        break;
    default:
        memcpy(&value, bytes, 8);
    }
    return value;
}

static void memory_write(volatile void *address, unsigned size_bytes, uint64_t value) {
    void *bytes = (void *)address;
    switch (size_bytes) {
    case 1:
        memcpy(bytes, &value, 1);
        break;
    case 2:
        memcpy(bytes, &value, 2);
        break;
    case 4:
        memcpy(bytes, &value, 4);
        break;
    default:
        memcpy(bytes, &value, 8);
    }
}

/* The location accessed, checked for races and marked. Who was the last one here, in the same epoch and in the same
 * way, has been checked already, and nothing it knows was forgotten since. */
static inline struct weak_location *location_access(uint8_t thread, const volatile void *address, unsigned size_bytes,
                                                    enum weak_access access, uint32_t site) {
    const struct weak_event event = {.address = address,
                                     .happened = &weak.threads[thread].known.happened,
                                     .site = site,
                                     .thread = thread,
                                     .access = access};
    struct weak_location *location = weak_table_find(address, size_bytes);
    if (location == NULL) {
        location = weak_table_open(size_bytes, &event);
    }
    uint64_t last = (uint64_t)event.happened->of[thread] << 8 | (thread + 1U);
    uint32_t kinds = location->last == last ? location->last_kinds : 0;
    if ((kinds >> access & 1) == 0) {
        weak_race_note(&location->epochs, &event);
        location->last = last;
        location->last_kinds = kinds | 1U << access;
    } else {
        location->epochs.marks[access].site[thread] = site;
    }
    return location;
}

/* ---- atomic accesses ---- */

/* What the heads of the store's release sequences published comes to the reader: now, or at its next acquire fence. */
static inline void store_learn(struct thread *reader, const struct weak_past *past, enum weak_order order) {
    if (past->heads != 0) {
        weak_view_join(is_acquire(order) ? &reader->known : &reader->pending, &past->sync);
    }
}

/* How many stores a load may choose from. A seq_cst load follows all seq_cst accesses and fences so far. */
static inline uint32_t load_choices(const struct thread *reader, struct weak_history *history, enum weak_order order) {
    if (order != WEAK_SEQ_CST) {
        return weak_history_choices(history, &reader->known.shown, reader->known.shown_sc);
    }
    struct weak_clock shown = reader->known.shown;
    weak_clock_join(&shown, &weak.fenced_sc);
    return weak_history_choices(history, &shown, weak.last_sc);
}

uint64_t weak_load(uint8_t thread, const volatile void *address, unsigned size_bytes, enum weak_order order,
                   uint32_t age, uint32_t *choices, uint32_t site) {
    struct weak_location *location = location_access(thread, address, size_bytes, WEAK_ATOMIC_READ, site);
    struct weak_history *history = &location->history;
    struct thread *reader = &weak.threads[thread];
    weak_history_agree(history, memory_read(address, size_bytes));
    *choices = load_choices(reader, history, order);
    struct weak_past *past = weak_history_nth(history, age < *choices ? age : *choices - 1);
    weak_past_seen(past, thread, reader->known.happened.of[thread]);
    if (order == WEAK_SEQ_CST) {
        weak.last_sc++;
        past->seen_sc = past->seen_sc < weak.last_sc ? past->seen_sc : weak.last_sc;
    }
    store_learn(reader, past, order);
    return past->value;
}

/* What acquire loads of the new store learn from the thread itself. Its relaxed stores go on with a release sequence
 * that it heads (C17; C++20 has dropped that). */
static inline void store_publish(uint8_t thread, struct weak_past *past, enum weak_order order) {
    struct thread *writer = &weak.threads[thread];
    if (is_release(order)) {
        weak_view_join(&past->sync, &writer->known);
        past->heads |= 1u << thread;
        epoch_next(thread);
    } else if (writer->has_released) {
        weak_view_join(&past->sync, &writer->released);
        past->heads |= 1u << thread;
    }
}

/* A new store of the thread at the young end, seen by it and, when seq_cst, by that order. */
static inline struct weak_past *store_push(uint8_t thread, struct weak_history *history, uint64_t value,
                                           enum weak_order order) {
    struct weak_past *past = weak_history_push(history, value);
    past->seen.of[thread] = weak.threads[thread].known.happened.of[thread];
    if (order == WEAK_SEQ_CST) {
        past->seen_sc = ++weak.last_sc;
    }
    return past;
}

/* A relaxed store goes on with the release sequence that its own thread heads (C17; C++20 has dropped that). Others may
 * head sequences of the store before it too, which end here; what they alone published is left out as far as it can be
 * told. */
static void sequence_continue(uint8_t thread, struct weak_past *past, const struct weak_past *before) {
    past->sync = before->sync;
    weak_view_meet(&past->sync, &weak.threads[thread].known);
    past->heads = 1u << thread;
}

void weak_store(uint8_t thread, volatile void *address, unsigned size_bytes, uint64_t value, enum weak_order order,
                uint32_t site) {
    struct weak_location *location = location_access(thread, address, size_bytes, WEAK_ATOMIC_WRITE, site);
    struct weak_history *history = &location->history;
    weak_history_agree(history, memory_read(address, size_bytes));
    const struct weak_past *before = weak_history_nth(history, 0);
    struct weak_past *past = store_push(thread, history, value, order);
    if (!is_release(order) && (before->heads & 1u << thread) != 0) {
        sequence_continue(thread, past, before);
    }
    store_publish(thread, past, order);
    memory_write(address, size_bytes, value);
}

void weak_rmw(uint8_t thread, volatile void *address, unsigned size_bytes, uint64_t before, uint64_t after,
              enum weak_order order, uint32_t site) {
    struct weak_location *location = location_access(thread, address, size_bytes, WEAK_ATOMIC_WRITE, site);
    struct weak_history *history = &location->history;
    weak_history_agree(history, before);
    const struct weak_past *read = weak_history_nth(history, 0);
    store_learn(&weak.threads[thread], read, order);
    struct weak_past *past = store_push(thread, history, after, order);
    if (read->heads != 0) { /* all release sequences go on, whoever heads them */
        past->sync = read->sync;
        past->heads = read->heads;
    }
    store_publish(thread, past, order);
    memory_write(address, size_bytes, after);
}

void weak_fence(uint8_t thread, enum weak_order order) {
    struct thread *self = &weak.threads[thread];
    if (is_acquire(order)) {
        weak_view_join(&self->known, &self->pending);
    }
    if (order == WEAK_SEQ_CST) {
        weak_clock_join(&self->known.shown, &weak.fenced_sc);
        weak.fenced_sc = self->known.shown;
        self->known.shown_sc = ++weak.last_sc;
    }
    if (is_release(order)) {
        self->released = self->known;
        self->has_released = true;
        epoch_next(thread);
    }
}

/* ---- plain accesses ---- */

void weak_plain(uint8_t thread, const volatile void *address, unsigned size_bytes, bool is_write, uint32_t site) {
    const volatile char *at = address, *end = at + size_bytes;
    while (at < end) {
        size_t left = (size_t)(end - at), word_left = WEAK_WORD_BYTES - (uintptr_t)at % WEAK_WORD_BYTES;
        size_t part = left < word_left ? left : word_left;
        struct weak_location *location =
            location_access(thread, at, (unsigned)part, is_write ? WEAK_PLAIN_WRITE : WEAK_PLAIN_READ, site);
        if (is_write) {
            location->history.count = 0; /* whoever may read what is now there may read nothing older */
        }
        at += part;
    }
}
