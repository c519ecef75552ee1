/* shadow: the map of what is live, outside the heap under test.
 *
 * A sorted set of intervals for double allocation and overlap, and a byte pattern per block for its content. Blocks
 * to 64 B are filled and verified whole; of larger ones the first 32 and the last 16 to 23, so that a program's cost
 * does not follow its sizes. A pattern word never looks like an address of the arena, a sentinel, or zero. One set a
 * run; plain data, one OS thread. */
#ifndef HAKMEM_ORACLE_SHADOW_H
#define HAKMEM_ORACLE_SHADOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oracle/program.h"

struct shadow_block {
    uintptr_t start;        /* 0: the slot is empty */
    size_t requested_bytes; /* what was asked for */
    size_t claimed_bytes;   /* what the user may write: requested, or usable size once that was asked; at least 1 */
    uint64_t pattern;       /* 0: nothing was written, content is not watched */
    uint32_t born;          /* record that allocated it */
    uint8_t thread;         /* that allocated it */
};

struct shadow {
    struct shadow_block blocks[PROGRAM_SLOTS_MAX]; /* by slot */
    uint32_t count;
    uintptr_t starts[PROGRAM_SLOTS_MAX]; /* sorted */
    uint8_t slots[PROGRAM_SLOTS_MAX];    /* in the same order */
    uint32_t found;                      /* where shadow_find was last: the block it asked for is inserted there */
};

enum shadow_conflict { SHADOW_CLEAR, SHADOW_SAME_START, SHADOW_OVERLAP };

/* Whether [start, start + bytes) meets a live block; *slot is then that block's. */
enum shadow_conflict shadow_find(struct shadow *shadow, uintptr_t start, size_t bytes, uint8_t *slot);
/* Whether the block of `slot`, were it `bytes` long, would meet the next one, whose slot is then in *next_slot. */
bool shadow_reaches_next(const struct shadow *shadow, uint8_t slot, size_t bytes, uint8_t *next_slot);

/* The slot must be empty, the block clear of all others. */
void shadow_insert(struct shadow *shadow, uint8_t slot, const struct shadow_block *block);
/* The slot must not be empty. */
void shadow_remove(struct shadow *shadow, uint8_t slot);

/* A pattern for the n-th write of a run. */
uint64_t shadow_pattern(uint32_t n);
void shadow_fill(const struct shadow_block *block);
/* The same where no arena is to be told: on real threads. */
void shadow_fill_elsewhere(const struct shadow_block *block);

enum { SHADOW_INTACT = -1 };
/* Offset of the first changed byte among the block's watched bytes below `bytes`, or SHADOW_INTACT. `start` may differ
 * from block->start: realloc moves content. */
ptrdiff_t shadow_verify(const struct shadow_block *block, uintptr_t start, size_t bytes);
/* Offset of the first byte of a block that is not zero, or SHADOW_INTACT. A large block is looked at near its edges
 * only: it is a fresh mapping, and those tell. */
ptrdiff_t shadow_nonzero(const unsigned char *block, size_t size_bytes);

#endif
