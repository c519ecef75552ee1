/* class_set: a set of size classes, a bit each. No state of its own. */
#ifndef HAKMEM_ALLOCATOR_CLASS_SET_H
#define HAKMEM_ALLOCATOR_CLASS_SET_H

#include <stdbool.h>
#include <stdint.h>

#include "allocator/class.h"

enum { HAK_CLASS_WORDS = (HAK_CLASS_COUNT + 63) / 64 };

struct hak_class_set {
    uint64_t words[HAK_CLASS_WORDS];
};

static inline void hak_class_add(struct hak_class_set *set, uint32_t class_id) {
    set->words[class_id / 64] |= UINT64_C(1) << class_id % 64;
}

static inline void hak_class_remove(struct hak_class_set *set, uint32_t class_id) {
    set->words[class_id / 64] &= ~(UINT64_C(1) << class_id % 64);
}

static inline bool hak_class_in(const struct hak_class_set *set, uint32_t class_id) {
    return (set->words[class_id / 64] >> class_id % 64 & 1) != 0;
}

/* The lowest class of a set, taken out of it, or HAK_CLASS_NONE when it is empty. */
static inline uint32_t hak_class_next(struct hak_class_set *set) {
    for (uint32_t word = 0; word < HAK_CLASS_WORDS; word++) {
        if (set->words[word] != 0) {
            uint32_t class_id = word * 64 + (uint32_t)__builtin_ctzll(set->words[word]);
            set->words[word] &= set->words[word] - 1;
            return class_id;
        }
    }
    return HAK_CLASS_NONE;
}

static inline void hak_class_join(struct hak_class_set *set, const struct hak_class_set *other) {
    for (uint32_t word = 0; word < HAK_CLASS_WORDS; word++) {
        set->words[word] |= other->words[word];
    }
}

#endif
