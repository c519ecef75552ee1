/* weak_table: the locations of a run, by address.
 *
 * A set-associative table: all locations of one 8-byte word have the same hash and are looked for in one set of
 * ways, one cache line of tags. A tag is the address below the generation of the run, so a new run forgets all at
 * once; a way whose location was dropped has address 0. Locations themselves lie side by side in the order in which
 * ways were first used in the run, so that each run uses the same memory. No two locations overlap, and none crosses
 * a word. In a full set the oldest location makes room; what acquire loads of it would have learnt is learnt from
 * then on by acquire loads of any new location, which is more than C11 has them learn. One table, one OS thread. */
#ifndef HAKMEM_ORACLE_WEAK_TABLE_H
#define HAKMEM_ORACLE_WEAK_TABLE_H

#include "oracle/weak_history.h"
#include "oracle/weak_race.h"

struct weak_location {
    uint32_t size_bytes;
    uint32_t born;       /* how many were opened before it in this run */
    uint64_t last;       /* thread and epoch of the last access, 0: none */
    uint32_t last_kinds; /* bit k: it made accesses of kind k since anybody else made one */
    struct weak_epochs epochs;
    struct weak_history history;
};

struct weak_table {
    _Alignas(64) uint64_t tags[WEAK_SETS_MAX][WEAK_WAYS_MAX]; /* 0: never used */
    uint16_t places[WEAK_SETS_MAX][WEAK_WAYS_MAX];            /* of the locations; as long as a tag is of this run */
    uint64_t generation;                                      /* in the bits above an address */
    uint64_t starts[WEAK_LOCATIONS_MAX];                      /* of the location at each place; 0: dropped */
    uint32_t places_used;
    uint32_t opened;
    uint32_t evicted;
    struct weak_view lost; /* what acquire loads of the evicted would have learnt */
    struct weak_location locations[WEAK_LOCATIONS_MAX];
};
extern struct weak_table weak_table;
_Static_assert(WEAK_LOCATIONS_MAX <= UINT16_MAX, "a place has 16 bits");

enum { WEAK_WORD_BYTES = 8, WEAK_ADDRESS_BITS = 48 };

static inline uint64_t weak_table_address(const volatile void *address) {
    return (uintptr_t)address & ((UINT64_C(1) << WEAK_ADDRESS_BITS) - 1);
}

static inline uint32_t weak_table_set(uint64_t address) {
    return (uint32_t)((address / WEAK_WORD_BYTES * UINT64_C(0x9e3779b97f4a7c15)) >> 32) % WEAK_SETS_MAX;
}

/* Pre: the way's tag is of this run. */
static inline struct weak_location *weak_table_at(uint32_t set, uint32_t way) {
    return &weak_table.locations[weak_table.places[set][way]];
}

/* NULL when nothing of that address and size is known. */
static inline struct weak_location *weak_table_find(const volatile void *address, uint32_t size_bytes) {
    uint64_t place = weak_table_address(address), wanted = weak_table.generation | place;
    uint32_t set = weak_table_set(place);
    for (uint32_t way = 0; way < WEAK_WAYS_MAX; way++) {
        if (weak_table.tags[set][way] == wanted) {
            struct weak_location *location = weak_table_at(set, way);
            return location->size_bytes == size_bytes ? location : NULL;
        }
    }
    return NULL;
}

void weak_table_begin(void);
/* A new location for the event, which weak_table_find does not find. Others that overlap it are checked for a race with
 * the event and dropped; what acquire loads of them would have learnt goes to the new one. */
struct weak_location *weak_table_open(uint32_t size_bytes, const struct weak_event *event);
void weak_table_forget(const volatile void *address, size_t size_bytes);

#endif
