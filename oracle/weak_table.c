/* weak_table: opening, dropping and evicting locations. */
#include <string.h>

#include "oracle/weak_table.h"

struct weak_table weak_table;

static const uint64_t address_mask = (UINT64_C(1) << WEAK_ADDRESS_BITS) - 1;
enum { FORGET_WORDS_MAX = 64 }; /* beyond, a walk over all sets in use costs less */

void weak_table_begin(void) {
    weak_table.generation += UINT64_C(1) << WEAK_ADDRESS_BITS;
    if (weak_table.generation == 0) { /* those of 65,535 runs ago would be taken for this run's */
        memset(weak_table.tags, 0, sizeof weak_table.tags);
        weak_table.generation = UINT64_C(1) << WEAK_ADDRESS_BITS;
    }
    memset(weak_table.used, 0, sizeof weak_table.used);
    weak_table.opened = 0;
    weak_table.evicted = 0;
    weak_table.lost = (struct weak_view){{{0}}, {{0}}, 0};
}

static bool is_live(uint64_t tag) {
    return tag != 0 && (tag & ~address_mask) == weak_table.generation;
}

static bool overlaps(uint32_t set, uint32_t way, uint64_t start, uint64_t size_bytes) {
    uint64_t tag = weak_table.tags[set][way], first = tag & address_mask;
    return is_live(tag) && first < start + size_bytes && start < first + weak_table.locations[set][way].size_bytes;
}

/* A way to use in the set; the oldest location's when all are taken, whose tag is then still there. */
static uint32_t way_take(uint32_t set) {
    uint32_t oldest = 0;
    for (uint32_t way = 0; way < WEAK_WAYS_MAX; way++) {
        if (!is_live(weak_table.tags[set][way])) {
            return way;
        }
        if (weak_table.locations[set][way].born < weak_table.locations[set][oldest].born) {
            oldest = way;
        }
    }
    struct weak_past *newest = weak_history_nth(&weak_table.locations[set][oldest].history, 0);
    if (newest->heads != 0) {
        weak_view_join(&weak_table.lost, &newest->sync);
    }
    weak_table.evicted++;
    return oldest;
}

struct weak_location *weak_table_open(uint32_t size_bytes, const struct weak_event *event) {
    enum { ALL_THREADS = (1 << WEAK_THREADS_MAX) - 1 };
    uint64_t start = weak_table_address(event->address);
    uint32_t set = weak_table_set(start);
    struct weak_view learnt = {{{0}}, {{0}}, 0};
    bool inherits = false;
    for (uint32_t way = 0; way < WEAK_WAYS_MAX; way++) {
        if (overlaps(set, way, start, size_bytes)) {
            struct weak_location *old = &weak_table.locations[set][way];
            weak_race_check(&old->epochs, event);
            struct weak_past *newest = weak_history_nth(&old->history, 0);
            if (newest->heads != 0) {
                weak_view_join(&learnt, &newest->sync);
                inherits = true;
            }
            weak_table.tags[set][way] = 0;
        }
    }
    uint32_t way = way_take(set);
    if (weak_table.evicted != 0) {
        weak_view_join(&learnt, &weak_table.lost);
        inherits = true;
    }
    weak_table.tags[set][way] = weak_table.generation | start;
    weak_table.used[set / 64] |= UINT64_C(1) << set % 64;
    struct weak_location *location = &weak_table.locations[set][way];
    location->size_bytes = size_bytes;
    location->born = weak_table.opened++;
    memset(&location->epochs, 0, sizeof location->epochs);
    weak_history_clear(&location->history, &learnt, inherits ? ALL_THREADS : 0);
    return location;
}

static void set_forget(uint32_t set, uint64_t start, uint64_t size_bytes) {
    for (uint32_t way = 0; way < WEAK_WAYS_MAX; way++) {
        if (overlaps(set, way, start, size_bytes)) {
            weak_table.tags[set][way] = 0;
        }
    }
}

void weak_table_forget(const volatile void *address, size_t size_bytes) {
    uint64_t start = weak_table_address(address);
    uint64_t first = start / WEAK_WORD_BYTES, end = (start + size_bytes + WEAK_WORD_BYTES - 1) / WEAK_WORD_BYTES;
    if (size_bytes == 0) {
        return;
    }
    if (end - first <= FORGET_WORDS_MAX) {
        for (uint64_t word = first; word < end; word++) {
            set_forget(weak_table_set(word * WEAK_WORD_BYTES), start, size_bytes);
        }
        return;
    }
    for (uint32_t part = 0; part < WEAK_SETS_MAX / 64; part++) {
        for (uint64_t left = weak_table.used[part]; left != 0; left &= left - 1) {
            set_forget(part * 64 + (uint32_t)__builtin_ctzll(left), start, size_bytes);
        }
    }
}
