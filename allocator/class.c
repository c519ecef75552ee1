/* class: the lookup table, and the search for aligned requests. */
#include "allocator/class.h"

/* Runs of equal entries, written as the classes they stand for: from one block size to the next in steps of 8 B. */
#define TWO(c) c, c
#define FOUR(c) TWO(c), TWO(c)
#define EIGHT(c) FOUR(c), FOUR(c)

const uint8_t hak_class_of_eighth[HAK_TINY_MAX_BYTES / 8 + 1] = {
    0,         0,                                                                           /* 0, 8 */
    1,         TWO(2),    TWO(3),    TWO(4),    TWO(5),    TWO(6),    TWO(7),    TWO(8),    /* to 128 */
    TWO(9),    TWO(10),   TWO(11),   TWO(12),   TWO(13),   TWO(14),   TWO(15),   TWO(16),   /* to 256 */
    FOUR(17),  FOUR(18),  FOUR(19),  FOUR(20),  FOUR(21),  FOUR(22),  FOUR(23),  FOUR(24),  /* to 512 */
    EIGHT(25), EIGHT(26), EIGHT(27), EIGHT(28), EIGHT(29), EIGHT(30), EIGHT(31), EIGHT(32), /* to 1024 */
};

uint32_t hak_class_aligned(size_t size_bytes, size_t align_bytes) {
    size_t needed_bytes = size_bytes < align_bytes ? align_bytes : size_bytes;
    if (needed_bytes > HAK_TINY_MAX_BYTES) {
        return HAK_CLASS_NONE;
    }
    if (HAK_FAULT_IF(ALIGN_IGNORED, align_bytes > 16 && hak_class_bytes[hak_class_of(size_bytes)] % align_bytes != 0)) {
        return hak_class_of(size_bytes);
    }
    uint32_t class_id = hak_class_of(needed_bytes);
    while (class_id < HAK_CLASS_COUNT && hak_class_bytes[class_id] % align_bytes != 0) {
        class_id++;
    }
    return class_id;
}
