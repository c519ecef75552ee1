/* class: the size classes of small blocks. Steps of 16 B to 128 B, then eight steps per doubling (12.5 % apart) to
 * 32 KiB, and one class of 8 B in front. The tiny tier has the classes to 1 KiB, the pool tier the others. Blocks of 16
 * B or more are multiples of 16, so with slabs that begin aligned every such block is aligned to 16. Pure functions and
 * constant tables, any thread. */
#ifndef HAKMEM_ALLOCATOR_CLASS_H
#define HAKMEM_ALLOCATOR_CLASS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "allocator/fault.h"

enum {
    HAK_TINY_CLASSES = 33,
    HAK_CLASS_COUNT = 73,
    HAK_CLASS_NONE = HAK_CLASS_COUNT,
    HAK_TINY_MAX_BYTES = 1024,        /* largest block of the tiny tier */
    HAK_CLASS_MAX_BYTES = 32768,      /* largest block of all; the geometry may end the pool tier before */
    HAK_SMALL_ALIGN_MAX_BYTES = 4096, /* no small block promises a larger alignment */
    HAK_HEADER_BYTES = HAK_HEADER,    /* what a block needs beside what was asked for */
};

/* Block size of each class. */
#define HAK_CLASS_DOUBLING(n) 9 * (n), 10 * (n), 11 * (n), 12 * (n), 13 * (n), 14 * (n), 15 * (n), 16 * (n)
#define HAK_CLASS_SIZES                                                                                                \
    8, 16, 32, 48, 64, 80, 96, 112, 128, HAK_CLASS_DOUBLING(16), HAK_CLASS_DOUBLING(32), HAK_CLASS_DOUBLING(64),       \
        HAK_CLASS_DOUBLING(128), HAK_CLASS_DOUBLING(256), HAK_CLASS_DOUBLING(512), HAK_CLASS_DOUBLING(1024),           \
        HAK_CLASS_DOUBLING(2048)
static const uint16_t hak_class_bytes[HAK_CLASS_COUNT] = {HAK_CLASS_SIZES};

/* hak_class_of_eighth[n]: the smallest class whose blocks hold 8 * n bytes. */
extern const uint8_t hak_class_of_eighth[HAK_TINY_MAX_BYTES / 8 + 1];
/* hak_class_of_128th[n]: the smallest class of the pool tier whose blocks hold 128 * n bytes. */
extern const uint8_t hak_class_of_128th[HAK_CLASS_MAX_BYTES / 128 + 1];

/* The smallest class that holds size_bytes, its header included, <= HAK_TINY_MAX_BYTES; 0 bytes take a block too. */
static inline uint32_t hak_class_of_tiny(size_t size_bytes) {
    if (HAK_FAULT_IF(CLASS_ROUND_DOWN, size_bytes % 8 == 1)) {
        return hak_class_of_eighth[size_bytes / 8];
    }
    return hak_class_of_eighth[(size_bytes + 7) / 8];
}

/* The same for the pool tier: above HAK_TINY_MAX_BYTES, <= HAK_CLASS_MAX_BYTES. */
static inline uint32_t hak_class_of_pool(size_t size_bytes) {
    return hak_class_of_128th[(size_bytes + 127) / 128];
}

/* The same for both. */
static inline uint32_t hak_class_of(size_t size_bytes) {
    return size_bytes <= HAK_TINY_MAX_BYTES ? hak_class_of_tiny(size_bytes) : hak_class_of_pool(size_bytes);
}

/* The smallest class of at most max_bytes that holds size_bytes and whose blocks are all aligned to align_bytes (a
 * power of two), or HAK_CLASS_NONE. Pre: max_bytes <= HAK_CLASS_MAX_BYTES. */
uint32_t hak_class_aligned(size_t size_bytes, size_t align_bytes, size_t max_bytes);

/* What all blocks of a class are aligned to: the largest power of two in the size, or HAK_SMALL_ALIGN_MAX_BYTES. */
static inline uint32_t hak_class_align_bytes(uint32_t class_id) {
    uint32_t block_bytes = hak_class_bytes[class_id];
    uint32_t align_bytes = block_bytes & -block_bytes;
    return align_bytes < HAK_SMALL_ALIGN_MAX_BYTES ? align_bytes : HAK_SMALL_ALIGN_MAX_BYTES;
}

#endif
