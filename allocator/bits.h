/* bits: sets of pages as bits, 64 to a word. Pure functions, any thread. */
#ifndef HAKMEM_ALLOCATOR_BITS_H
#define HAKMEM_ALLOCATOR_BITS_H

#include <stdint.h>

/* The bits of word number `word` that stand for [first, end). Pre: that has a part in the word. */
static inline uint64_t hak_bits_in_word(uint32_t word, uint32_t first, uint32_t end) {
    uint64_t from_first = first > word * 64 ? ~UINT64_C(0) << first % 64 : ~UINT64_C(0);
    uint64_t before_end = end < word * 64 + 64 ? ~(~UINT64_C(0) << end % 64) : ~UINT64_C(0);
    return from_first & before_end;
}

#endif
