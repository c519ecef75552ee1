/* shadow: interval set and patterns. The oracle's own accesses are not instrumented: whether a block may be touched is
 * asked once for the whole block, in world_ops.c. */
#include "oracle/shadow.h"

#include <string.h>

#include "allocator/config.h"
#include "oracle/sim.h"

#if HAK_ASAN
#define UNCHECKED __attribute__((no_sanitize_address))
#else
#define UNCHECKED
#endif

/* --- the interval set --- */

/* How many blocks start at or before `address`. Halves without branches: where an address falls cannot be predicted. */
static uint32_t rank_of(const struct shadow *shadow, uintptr_t address) {
    uint32_t base = 0;
    uint32_t left = shadow->count;
    while (left > 0) {
        uint32_t half = (left + 1) / 2;
        base += half & -(uint32_t)(shadow->starts[base + half - 1] <= address);
        left -= half;
    }
    return base;
}

/* The same where it was found last, as a rule. */
static uint32_t rank_again(const struct shadow *shadow, uintptr_t address) {
    uint32_t rank = shadow->found;
    bool is_it = rank <= shadow->count && (rank == 0 || shadow->starts[rank - 1] <= address) &&
                 (rank == shadow->count || shadow->starts[rank] > address);
    return is_it ? rank : rank_of(shadow, address);
}

/* How many blocks start before that of the slot, which is live. All are looked at, many at a time. */
static uint32_t blocks_before(const struct shadow *shadow, uint8_t slot) {
    uint8_t before = 0, count = (uint8_t)shadow->count;
    for (uint8_t i = 0; i < PROGRAM_SLOTS_MAX; i++) {
        before |= (uint8_t)(i & -((i < count) & (shadow->slots[i] == slot)));
    }
    return before;
}

/* Live blocks are disjoint, so only the neighbours on both sides can be met. */
enum shadow_conflict shadow_find(struct shadow *shadow, uintptr_t start, size_t bytes, uint8_t *slot) {
    uint32_t rank = rank_of(shadow, start);
    shadow->found = rank;
    if (rank > 0) {
        *slot = shadow->slots[rank - 1];
        if (shadow->starts[rank - 1] == start) {
            return SHADOW_SAME_START;
        }
        if (shadow->starts[rank - 1] + shadow->blocks[*slot].claimed_bytes > start) {
            return SHADOW_OVERLAP;
        }
    }
    if (rank < shadow->count && shadow->starts[rank] - start < bytes) {
        *slot = shadow->slots[rank];
        return SHADOW_OVERLAP;
    }
    return SHADOW_CLEAR;
}

bool shadow_reaches_next(const struct shadow *shadow, uint8_t slot, size_t bytes, uint8_t *next_slot) {
    uintptr_t start = shadow->blocks[slot].start;
    uint32_t rank = blocks_before(shadow, slot) + 1;
    if (rank == shadow->count || shadow->starts[rank] - start >= bytes) {
        return false;
    }
    *next_slot = shadow->slots[rank];
    return true;
}

/* Few blocks are live at once: short loops beat calls. */
static void ranks_open(struct shadow *shadow, uint32_t rank) {
    for (uint32_t i = shadow->count; i > rank; i--) {
        shadow->starts[i] = shadow->starts[i - 1];
        shadow->slots[i] = shadow->slots[i - 1];
    }
}

static void ranks_close(struct shadow *shadow, uint32_t rank) {
    for (uint32_t i = rank; i + 1 < shadow->count; i++) {
        shadow->starts[i] = shadow->starts[i + 1];
        shadow->slots[i] = shadow->slots[i + 1];
    }
}

void shadow_insert(struct shadow *shadow, uint8_t slot, const struct shadow_block *block) {
    uint32_t rank = rank_again(shadow, block->start);
    ranks_open(shadow, rank);
    shadow->starts[rank] = block->start;
    shadow->slots[rank] = slot;
    shadow->blocks[slot] = *block;
    shadow->count++;
}

void shadow_remove(struct shadow *shadow, uint8_t slot) {
    ranks_close(shadow, blocks_before(shadow, slot));
    shadow->count--;
    shadow->blocks[slot].start = 0;
}

/* --- patterns --- */

/* Odd multiplier: each n another word; the top byte keeps it away from addresses, the low bit from zero. */
uint64_t shadow_pattern(uint32_t n) {
    return ((n + UINT64_C(1)) * UINT64_C(0x9e3779b97f4a7c15) & UINT64_C(0x00ffffffffffffff)) |
           UINT64_C(0xee00000000000001);
}

/* Where a block carries its pattern is a pure function of the size: small blocks are watched whole, others at both
 * ends. Byte i of a block holds byte i % 8 of the pattern, so a word at any offset holds the pattern rotated. */
enum { WHOLE_BYTES = 64, HEAD_BYTES = 32, TAIL_BYTES = 16 };

static uint64_t rotated(uint64_t pattern, size_t offset) {
    unsigned bits = (unsigned)(offset % 8) * 8;
    return pattern >> bits | pattern << (64 - bits) % 64;
}

UNCHECKED static uint64_t word_load(const unsigned char *at) {
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

UNCHECKED static void word_store(unsigned char *at, uint64_t word) {
    memcpy(at, &word, sizeof word);
}

UNCHECKED static void range_fill(unsigned char *block, size_t from, size_t to, uint64_t pattern) {
    size_t at = from;
    for (; at + 8 <= to; at += 8) {
        word_store(block + at, pattern);
    }
    if (at < to && to >= 8) {
        word_store(block + to - 8, rotated(pattern, to));
        return;
    }
    for (; at < to; at++) {
        block[at] = (unsigned char)(pattern >> (at % 8 * 8));
    }
}

UNCHECKED static bool range_is_intact(const unsigned char *block, size_t from, size_t to, uint64_t pattern) {
    uint64_t differences = 0;
    size_t at = from;
    for (; at + 8 <= to; at += 8) {
        differences |= word_load(block + at) ^ pattern;
    }
    if (at < to && to >= from + 8) {
        differences |= word_load(block + to - 8) ^ rotated(pattern, to);
        at = to;
    }
    for (; at < to; at++) {
        differences |= (uint64_t)(block[at] ^ (unsigned char)(pattern >> (at % 8 * 8)));
    }
    return differences == 0;
}

UNCHECKED static ptrdiff_t first_change(const unsigned char *block, size_t from, size_t to, uint64_t pattern) {
    size_t at = from;
    while (at < to && block[at] == (unsigned char)(pattern >> (at % 8 * 8))) {
        at++;
    }
    return at < to ? (ptrdiff_t)at : SHADOW_INTACT;
}

/* [tail_of, claimed_bytes): two words and, where the end is at no multiple of 8, a part of a third, which the word that
 * ends there covers. */
UNCHECKED static void tail_fill(unsigned char *block, size_t tail, size_t claimed_bytes, uint64_t pattern) {
    word_store(block + tail, pattern);
    word_store(block + tail + 8, pattern);
    word_store(block + claimed_bytes - 8, rotated(pattern, claimed_bytes));
}

UNCHECKED static uint64_t tail_differences(const unsigned char *block, size_t tail, size_t claimed_bytes,
                                           uint64_t pattern) {
    return (word_load(block + tail) ^ pattern) | (word_load(block + tail + 8) ^ pattern) |
           (word_load(block + claimed_bytes - 8) ^ rotated(pattern, claimed_bytes));
}

static size_t tail_of(size_t claimed_bytes) {
    return (claimed_bytes - TAIL_BYTES) & ~(size_t)7;
}

static inline void fill(const struct shadow_block *block, bool tell) {
    unsigned char *bytes = (unsigned char *)block->start;
    size_t claimed_bytes = block->claimed_bytes;
    size_t head_bytes = claimed_bytes <= WHOLE_BYTES ? claimed_bytes : HEAD_BYTES;
    if (tell) {
        sim_touch(bytes, head_bytes);
    }
    range_fill(bytes, 0, head_bytes, block->pattern);
    if (head_bytes == claimed_bytes) {
        return;
    }
    size_t tail = tail_of(claimed_bytes);
    if (tell) {
        sim_touch(bytes + tail, claimed_bytes - tail);
    }
    tail_fill(bytes, tail, claimed_bytes, block->pattern);
}

void shadow_fill(const struct shadow_block *block) {
    fill(block, true);
}

void shadow_fill_elsewhere(const struct shadow_block *block) {
    fill(block, false);
}

/* Of [from, to), what lies below `bytes`. */
static ptrdiff_t range_verify(const struct shadow_block *block, uintptr_t start, size_t from, size_t to, size_t bytes) {
    size_t end = to < bytes ? to : bytes;
    if (end <= from || range_is_intact((const unsigned char *)start, from, end, block->pattern)) {
        return SHADOW_INTACT;
    }
    return first_change((const unsigned char *)start, from, end, block->pattern);
}

/* Both ends of a large block, without a branch until all words were looked at. */
UNCHECKED static bool whole_is_intact(const unsigned char *bytes, size_t tail, const struct shadow_block *block) {
    uint64_t differences = tail_differences(bytes, tail, block->claimed_bytes, block->pattern);
    for (size_t at = 0; at < HEAD_BYTES; at += 8) {
        differences |= word_load(bytes + at) ^ block->pattern;
    }
    return differences == 0;
}

ptrdiff_t shadow_verify(const struct shadow_block *block, uintptr_t start, size_t bytes) {
    if (block->pattern == 0) {
        return SHADOW_INTACT;
    }
    if (block->claimed_bytes <= WHOLE_BYTES) {
        return range_verify(block, start, 0, block->claimed_bytes, bytes);
    }
    size_t tail = tail_of(block->claimed_bytes);
    if (HAK_LIKELY(bytes >= block->claimed_bytes) && whole_is_intact((const unsigned char *)start, tail, block)) {
        return SHADOW_INTACT;
    }
    ptrdiff_t changed = range_verify(block, start, 0, HEAD_BYTES, bytes);
    return changed != SHADOW_INTACT ? changed : range_verify(block, start, tail, block->claimed_bytes, bytes);
}

/* --- zero --- */

static size_t first_nonzero(const unsigned char *block, size_t from, size_t to) {
    uint64_t any = 0;
    size_t words_end = from + ((to - from) & ~(size_t)7);
    for (size_t i = from; i < words_end; i += 8) {
        uint64_t word;
        memcpy(&word, block + i, sizeof word);
        any |= word;
    }
    size_t i = any == 0 ? words_end : from;
    while (i < to && block[i] == 0) {
        i++;
    }
    return i;
}

ptrdiff_t shadow_nonzero(const unsigned char *block, size_t size_bytes) {
    enum { WATCHED_BYTES = 2048, EDGE_BYTES = 256 };
    size_t head_end = size_bytes <= WATCHED_BYTES ? size_bytes : EDGE_BYTES;
    size_t at = first_nonzero(block, 0, head_end);
    if (at == head_end && head_end < size_bytes) {
        at = first_nonzero(block, size_bytes - EDGE_BYTES, size_bytes);
    } else if (at == head_end) {
        at = size_bytes;
    }
    return at == size_bytes ? SHADOW_INTACT : (ptrdiff_t)at;
}
