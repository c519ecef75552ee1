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

/* How many blocks start at or before `address`. */
static uint32_t rank_of(const struct shadow *shadow, uintptr_t address) {
    uint32_t low = 0, high = shadow->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (shadow->starts[middle] <= address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

enum shadow_conflict shadow_find(const struct shadow *shadow, uintptr_t start, size_t bytes, uint8_t except,
                                 uint8_t *slot) {
    uint32_t rank = rank_of(shadow, start);
    for (uint32_t back = rank; back > 0; back--) {
        *slot = shadow->slots[back - 1];
        const struct shadow_block *block = &shadow->blocks[*slot];
        if (*slot == except) {
            continue;
        }
        if (block->start == start) {
            return SHADOW_SAME_START;
        }
        if (block->start + block->claimed_bytes > start) {
            return SHADOW_OVERLAP;
        }
        break; /* live blocks are disjoint: those before end even earlier */
    }
    for (uint32_t next = rank; next < shadow->count; next++) {
        *slot = shadow->slots[next];
        if (*slot != except) {
            return shadow->starts[next] - start < bytes ? SHADOW_OVERLAP : SHADOW_CLEAR;
        }
    }
    return SHADOW_CLEAR;
}

void shadow_insert(struct shadow *shadow, uint8_t slot, const struct shadow_block *block) {
    uint32_t rank = rank_of(shadow, block->start);
    memmove(&shadow->starts[rank + 1], &shadow->starts[rank], (shadow->count - rank) * sizeof shadow->starts[0]);
    memmove(&shadow->slots[rank + 1], &shadow->slots[rank], shadow->count - rank);
    shadow->starts[rank] = block->start;
    shadow->slots[rank] = slot;
    shadow->blocks[slot] = *block;
    shadow->count++;
}

void shadow_remove(struct shadow *shadow, uint8_t slot) {
    uint32_t rank = rank_of(shadow, shadow->blocks[slot].start) - 1;
    shadow->count--;
    memmove(&shadow->starts[rank], &shadow->starts[rank + 1], (shadow->count - rank) * sizeof shadow->starts[0]);
    memmove(&shadow->slots[rank], &shadow->slots[rank + 1], shadow->count - rank);
    shadow->blocks[slot].start = 0;
}

uint8_t shadow_holding(const struct shadow *shadow, uintptr_t address) {
    uint32_t rank = rank_of(shadow, address);
    if (rank == 0) {
        return PROGRAM_SLOTS_MAX;
    }
    const struct shadow_block *block = &shadow->blocks[shadow->slots[rank - 1]];
    return address - block->start < block->claimed_bytes ? shadow->slots[rank - 1] : PROGRAM_SLOTS_MAX;
}

/* --- patterns --- */

/* Odd multiplier: each n another word; the top byte keeps it away from addresses, the low bit from zero. */
uint64_t shadow_pattern(uint32_t n) {
    return ((n + UINT64_C(1)) * UINT64_C(0x9e3779b97f4a7c15) & UINT64_C(0x00ffffffffffffff)) |
           UINT64_C(0xee00000000000001);
}

/* The parts of a block that carry the pattern, each at a multiple of 8: a pure function of the claimed size. */
enum { WHOLE_BYTES = 128, HEAD_BYTES = 64, TAIL_BYTES = 32, PARTS_MAX = 2 };

struct part {
    size_t offset;
    size_t bytes;
};

static unsigned parts_of(size_t claimed_bytes, struct part parts[PARTS_MAX]) {
    if (claimed_bytes <= WHOLE_BYTES) {
        parts[0] = (struct part){0, claimed_bytes};
        return 1;
    }
    size_t tail = (claimed_bytes - TAIL_BYTES) & ~(size_t)7;
    parts[0] = (struct part){0, HEAD_BYTES};
    parts[1] = (struct part){tail, claimed_bytes - tail};
    return 2;
}

UNCHECKED static void part_fill(unsigned char *at, size_t bytes, uint64_t pattern) {
    uint64_t *words = (uint64_t *)(void *)at;
    for (size_t i = 0; i < bytes / 8; i++) {
        words[i] = pattern;
    }
    for (size_t i = bytes & ~(size_t)7; i < bytes; i++) {
        at[i] = (unsigned char)(pattern >> (i % 8 * 8));
    }
}

UNCHECKED static ptrdiff_t part_first_change(const unsigned char *at, size_t bytes, uint64_t pattern) {
    for (size_t i = 0; i < bytes; i++) {
        if (at[i] != (unsigned char)(pattern >> (i % 8 * 8))) {
            return (ptrdiff_t)i;
        }
    }
    return SHADOW_INTACT;
}

UNCHECKED static bool part_is_intact(const unsigned char *at, size_t bytes, uint64_t pattern) {
    const uint64_t *words = (const uint64_t *)(const void *)at;
    uint64_t differences = 0;
    for (size_t i = 0; i < bytes / 8; i++) {
        differences |= words[i] ^ pattern;
    }
    for (size_t i = bytes & ~(size_t)7; i < bytes; i++) {
        differences |= (uint64_t)(at[i] ^ (unsigned char)(pattern >> (i % 8 * 8)));
    }
    return differences == 0;
}

void shadow_fill(const struct shadow_block *block) {
    struct part parts[PARTS_MAX];
    unsigned count = parts_of(block->claimed_bytes, parts);
    for (unsigned i = 0; i < count; i++) {
        sim_touch((const void *)(block->start + parts[i].offset), parts[i].bytes);
        part_fill((unsigned char *)block->start + parts[i].offset, parts[i].bytes, block->pattern);
    }
}

ptrdiff_t shadow_verify(const struct shadow_block *block, uintptr_t start, size_t bytes) {
    struct part parts[PARTS_MAX];
    unsigned count = block->pattern == 0 ? 0 : parts_of(block->claimed_bytes, parts);
    for (unsigned i = 0; i < count && parts[i].offset < bytes; i++) {
        size_t left = bytes - parts[i].offset;
        size_t length = parts[i].bytes < left ? parts[i].bytes : left;
        const unsigned char *at = (const unsigned char *)start + parts[i].offset;
        if (!part_is_intact(at, length, block->pattern)) {
            return (ptrdiff_t)parts[i].offset + part_first_change(at, length, block->pattern);
        }
    }
    return SHADOW_INTACT;
}
