/* board: packed intervals. From the low end of a word: 6 bits of exponent, 13 of mantissa, 45 of start / 8. */
#include "oracle/board.h"

enum { EXPONENT_BITS = 6, MANTISSA_BITS = 13, START_SHIFT = EXPONENT_BITS + MANTISSA_BITS, GRAIN_SHIFT = 3 };

uint64_t board_pack(uintptr_t start, size_t bytes) {
    uint64_t exponent = 0;
    while (bytes >> exponent >> MANTISSA_BITS != 0) {
        exponent++;
    }
    return (uint64_t)(start >> GRAIN_SHIFT) << START_SHIFT | (uint64_t)(bytes >> exponent) << EXPONENT_BITS | exponent;
}

void board_unpack(uint64_t word, uintptr_t *start, size_t *bytes) {
    size_t mantissa = (word >> EXPONENT_BITS) & ((1U << MANTISSA_BITS) - 1);
    *start = (uintptr_t)(word >> START_SHIFT << GRAIN_SHIFT);
    *bytes = mantissa << (word & ((1U << EXPONENT_BITS) - 1));
}

enum shadow_conflict board_enter(const struct board *board, size_t place, uintptr_t start, size_t bytes,
                                 size_t *other) {
    uint64_t own = board_pack(start, bytes);
    atomic_exchange_explicit(&board->words[place], own, memory_order_seq_cst);
    board_unpack(own, &start, &bytes);
    for (size_t i = 0; i < board->count; i++) {
        uint64_t word = atomic_load_explicit(&board->words[i], memory_order_relaxed);
        uintptr_t their_start;
        size_t their_bytes;
        if (word == 0 || i == place) {
            continue;
        }
        board_unpack(word, &their_start, &their_bytes);
        if (their_start < start + bytes && start < their_start + their_bytes) {
            *other = i;
            return their_start == start ? SHADOW_SAME_START : SHADOW_OVERLAP;
        }
    }
    return SHADOW_CLEAR;
}

void board_leave(const struct board *board, size_t place) {
    atomic_store_explicit(&board->words[place], 0, memory_order_relaxed);
}
