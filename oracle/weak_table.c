/* weak_table: opening, dropping and evicting locations. */
#include <string.h>

#include "oracle/weak_table.h"

struct weak_table weak_table;

static const uint64_t address_mask = (UINT64_C(1) << WEAK_ADDRESS_BITS) - 1;
enum { FORGET_WORDS_MAX = 16 }; /* beyond, a walk over all places costs less */

void weak_table_begin(void) {
    weak_table.generation += UINT64_C(1) << WEAK_ADDRESS_BITS;
    if (weak_table.generation == 0) { /* those of 65,535 runs ago would be taken for this run's */
        memset(weak_table.tags, 0, sizeof weak_table.tags);
        weak_table.generation = UINT64_C(1) << WEAK_ADDRESS_BITS;
    }
    weak_table.opened = weak_table.places_used = 0;
    weak_table.evicted = 0;
    weak_table.lost = (struct weak_view){{{0}}, {{0}}, 0};
}

static bool is_of_run(uint64_t tag) {
    return (tag & ~address_mask) == weak_table.generation;
}

static bool is_live(uint64_t tag) {
    return is_of_run(tag) && (tag & address_mask) != 0;
}

static void way_drop(uint32_t set, uint32_t way) {
    weak_table.tags[set][way] = weak_table.generation;
    weak_table.starts[weak_table.places[set][way]] = 0;
}

/* Whether the way has a location in [start, start + size_bytes). Pre: its tag is live. */
static bool overlaps(uint32_t set, uint32_t way, uint64_t start, uint64_t size_bytes) {
    uint64_t first = weak_table.tags[set][way] & address_mask;
    return first < start + size_bytes && start < first + weak_table_at(set, way)->size_bytes;
}

/* The way of the oldest location of a full set, which makes room. */
static uint32_t way_evict(uint32_t set) {
    uint32_t oldest = 0;
    for (uint32_t way = 1; way < WEAK_WAYS_MAX; way++) {
        if (weak_table_at(set, way)->born < weak_table_at(set, oldest)->born) {
            oldest = way;
        }
    }
    struct weak_past *newest = weak_history_nth(&weak_table_at(set, oldest)->history, 0);
    if (newest->heads != 0) {
        weak_view_join(&weak_table.lost, &newest->sync);
    }
    weak_table.evicted++;
    return oldest;
}

/* Drop the location, and learn what acquire loads of it would have. */
static bool way_replace(uint32_t set, uint32_t way, const struct weak_event *event, struct weak_view *learnt) {
    struct weak_location *old = weak_table_at(set, way);
    weak_race_check(&old->epochs, event);
    struct weak_past *newest = weak_history_nth(&old->history, 0);
    if (newest->heads != 0) {
        weak_view_join(learnt, &newest->sync);
    }
    way_drop(set, way);
    return newest->heads != 0;
}

static struct weak_location *way_fill(uint32_t set, uint32_t way, uint64_t start, uint32_t size_bytes) {
    if (!is_of_run(weak_table.tags[set][way])) {
        weak_table.places[set][way] = (uint16_t)weak_table.places_used++;
    }
    weak_table.tags[set][way] = weak_table.generation | start;
    weak_table.starts[weak_table.places[set][way]] = start;
    struct weak_location *location = weak_table_at(set, way);
    location->size_bytes = size_bytes;
    location->born = weak_table.opened++;
    location->last = 0;
    memset(&location->epochs, 0, sizeof location->epochs);
    return location;
}

/* All that overlaps lies in one word, and so in one set. */
struct weak_location *weak_table_open(uint32_t size_bytes, const struct weak_event *event) {
    enum { ALL_THREADS = (1 << WEAK_THREADS_MAX) - 1 };
    uint64_t start = weak_table_address(event->address);
    uint32_t set = weak_table_set(start), vacant = WEAK_WAYS_MAX;
    struct weak_view learnt = {{{0}}, {{0}}, 0};
    bool inherits = false;
    for (uint32_t way = 0; way < WEAK_WAYS_MAX; way++) {
        uint64_t tag = weak_table.tags[set][way];
        bool is_same_word = (tag ^ (weak_table.generation | start)) < WEAK_WORD_BYTES;
        if (is_same_word && overlaps(set, way, start, size_bytes)) {
            inherits |= way_replace(set, way, event, &learnt);
        }
        if (!is_live(weak_table.tags[set][way]) && vacant == WEAK_WAYS_MAX) {
            vacant = way;
        }
    }
    struct weak_location *location =
        way_fill(set, vacant == WEAK_WAYS_MAX ? way_evict(set) : vacant, start, size_bytes);
    if (weak_table.evicted != 0) {
        weak_view_join(&learnt, &weak_table.lost);
        inherits = true;
    }
    weak_history_clear(&location->history, &learnt, inherits ? ALL_THREADS : 0);
    return location;
}

/* A way of the set with a location in [start, start + size_bytes); WEAK_WAYS_MAX: none. */
static uint32_t way_within(uint32_t set, uint64_t start, uint64_t size_bytes) {
    uint32_t way = 0;
    while (way < WEAK_WAYS_MAX && !(is_live(weak_table.tags[set][way]) && overlaps(set, way, start, size_bytes))) {
        way++;
    }
    return way;
}

/* Found first and dropped then: gcc 12 takes the two in one loop for a function without effects. */
static void word_forget(uint64_t word, uint64_t start, uint64_t size_bytes) {
    uint32_t set = weak_table_set(word * WEAK_WORD_BYTES);
    for (uint32_t way; (way = way_within(set, start, size_bytes)) < WEAK_WAYS_MAX;) {
        way_drop(set, way);
    }
}

void weak_table_forget(const volatile void *address, size_t size_bytes) {
    uint64_t start = weak_table_address(address);
    uint64_t first = start / WEAK_WORD_BYTES, end = (start + size_bytes + WEAK_WORD_BYTES - 1) / WEAK_WORD_BYTES;
    if (size_bytes == 0) {
        return;
    }
    for (uint64_t word = first; end - first <= FORGET_WORDS_MAX && word < end; word++) {
        word_forget(word, start, size_bytes);
    }
    for (uint32_t place = 0; end - first > FORGET_WORDS_MAX && place < weak_table.places_used; place++) {
        uint64_t word = weak_table.starts[place] / WEAK_WORD_BYTES;
        if (word - first < end - first) {
            word_forget(word, start, size_bytes);
        }
    }
}
