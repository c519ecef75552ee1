/* class: the lookup tables, and the search for aligned requests. */
#include "allocator/class.h"

#include "allocator/assert.h"

/* Runs of equal entries, written as the classes they stand for: from one block size to the next. */
#define TWO(c) c, c
#define FOUR(c) TWO(c), TWO(c)
#define EIGHT(c) FOUR(c), FOUR(c)
#define SIXTEEN(c) EIGHT(c), EIGHT(c)
/* The eight classes of a doubling, each so often. */
#define DOUBLING(times, c)                                                                                             \
    times(c), times(c + 1), times(c + 2), times(c + 3), times(c + 4), times(c + 5), times(c + 6), times(c + 7)
#define ONE(c) c

/* A header is the last byte of the place before its block, where the link of an 8 B block would lie: in that layout the
 * smallest class is never used. */
enum { SMALLEST = HAK_HEADER ? 1 : 0 };

const uint8_t hak_class_of_eighth[HAK_TINY_MAX_BYTES / 8 + 1] = {
    SMALLEST,
    SMALLEST, /* 0, 8 */
    1,
    TWO(2),
    TWO(3),
    TWO(4),
    TWO(5),
    TWO(6),
    TWO(7),
    TWO(8),              /* to 128 */
    DOUBLING(TWO, 9),    /* to 256 */
    DOUBLING(FOUR, 17),  /* to 512 */
    DOUBLING(EIGHT, 25), /* to 1024 */
};

const uint8_t hak_class_of_128th[HAK_CLASS_MAX_BYTES / 128 + 1] = {
    EIGHT(HAK_TINY_CLASSES - 1), HAK_TINY_CLASSES - 1, /* to 1 KiB: never asked */
    DOUBLING(ONE, 33),                                 /* to 2 KiB */
    DOUBLING(TWO, 41),                                 /* to 4 KiB */
    DOUBLING(FOUR, 49),                                /* to 8 KiB */
    DOUBLING(EIGHT, 57),                               /* to 16 KiB */
    DOUBLING(SIXTEEN, 65),                             /* to 32 KiB */
};

uint32_t hak_class_aligned(size_t size_bytes, size_t align_bytes, size_t max_bytes) {
    hak_debug_assert(max_bytes <= HAK_CLASS_MAX_BYTES);
    size_t needed_bytes = size_bytes < align_bytes ? align_bytes : size_bytes;
    if (needed_bytes > max_bytes || align_bytes > HAK_SMALL_ALIGN_MAX_BYTES) {
        return HAK_CLASS_NONE;
    }
    if (HAK_FAULT_IF(ALIGN_IGNORED, align_bytes > 16 && hak_class_bytes[hak_class_of(size_bytes)] % align_bytes != 0)) {
        return hak_class_of(size_bytes);
    }
    uint32_t class_id = hak_class_of(needed_bytes);
    while (class_id < HAK_CLASS_COUNT && hak_class_bytes[class_id] % align_bytes != 0) {
        class_id++;
    }
    return class_id < HAK_CLASS_COUNT && hak_class_bytes[class_id] <= max_bytes ? class_id : HAK_CLASS_NONE;
}
