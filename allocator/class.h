/* class: tiny size classes. Steps of 16 B to 128 B, then eight steps per doubling (12.5 % apart) to 1 KiB, and one
 * class of 8 B in front. Blocks of 16 B or more are multiples of 16, so with slabs aligned to pages every such block is
 * aligned to 16. Pure functions and constant tables, any thread. */
#ifndef HAKMEM_ALLOCATOR_CLASS_H
#define HAKMEM_ALLOCATOR_CLASS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "allocator/fault.h"

enum { HAK_CLASS_COUNT = 33, HAK_TINY_MAX_BYTES = 1024, HAK_CLASS_NONE = HAK_CLASS_COUNT };

/* Block size of each class. */
#define HAK_CLASS_SIZES                                                                                                \
    8, 16, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224, 240, 256, 288, 320, 352, 384, 416, 448, 480,    \
        512, 576, 640, 704, 768, 832, 896, 960, 1024
static const uint16_t hak_class_bytes[HAK_CLASS_COUNT] = {HAK_CLASS_SIZES};

/* hak_class_of_eighth[n]: the smallest class whose blocks hold 8 * n bytes. */
extern const uint8_t hak_class_of_eighth[HAK_TINY_MAX_BYTES / 8 + 1];

/* The smallest class that holds size_bytes <= HAK_TINY_MAX_BYTES; 0 bytes take a block too. */
static inline uint32_t hak_class_of(size_t size_bytes) {
    if (HAK_FAULT_IF(CLASS_ROUND_DOWN, size_bytes % 8 == 1)) {
        return hak_class_of_eighth[size_bytes / 8];
    }
    return hak_class_of_eighth[(size_bytes + 7) / 8];
}

/* The smallest class that holds size_bytes and whose blocks are all aligned to align_bytes (a power of two), or
 * HAK_CLASS_NONE. */
uint32_t hak_class_aligned(size_t size_bytes, size_t align_bytes);

#endif
