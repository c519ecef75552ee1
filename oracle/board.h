/* board: which intervals of addresses are live, for threads that ask without a lock.
 *
 * One word a place, a place for each slot of each running program. Who enters an interval publishes it first and then
 * looks at all others: of two that meet, at least one sees the other. A lock would do as well and be wrong here: it
 * orders threads that the malloc under test does not order, and ThreadSanitizer, which is to judge that, would believe
 * it. For the same reason every access but the publication is relaxed. A word packs the start and the length, so that
 * nobody reads half of each; long intervals are rounded down, by less than one part in 4096.
 *
 * Safe on any thread, but a place belongs to one at a time. No allocation: the caller brings the words, all zero. */
#ifndef HAKMEM_ORACLE_BOARD_H
#define HAKMEM_ORACLE_BOARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oracle/shadow.h"

struct board {
    _Atomic uint64_t *words;
    size_t count;
};

/* Enter or change the interval of a place; bytes > 0, start a multiple of 8. Says what it meets, and where. */
enum shadow_conflict board_enter(const struct board *board, size_t place, uintptr_t start, size_t bytes, size_t *other);
/* Before the block goes back. */
void board_leave(const struct board *board, size_t place);

/* For tests: the word of an interval, and what it says. */
uint64_t board_pack(uintptr_t start, size_t bytes);
void board_unpack(uint64_t word, uintptr_t *start, size_t *bytes);

#endif
