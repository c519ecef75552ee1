/* header: the byte in front of each small block, in builds with HAK_HEADER.
 *
 * It holds the block's class and whether it is live, and belongs to the block behind it: the last byte of a block's
 * place is the header of the next one, so blocks stay where they are and user pointers are block pointers, but a
 * request must fit with one byte more. free compares it with what the slab says: a second free, a pointer to anything
 * else, and a write in front of the block all show there. In builds without it everything here is nothing.
 *
 * Written by whoever has the block at that moment; closed under AddressSanitizer, like links. */
#ifndef HAKMEM_ALLOCATOR_HEADER_H
#define HAKMEM_ALLOCATOR_HEADER_H

#include <stdbool.h>
#include <stdint.h>

#include "allocator/class.h"
#include "allocator/links.h"

enum { HAK_HEADER_LIVE = 0x80, HAK_HEADER_FREED = 0x01 };

HAK_RAW_ACCESS uint8_t *hak_header_place(void *block) {
    return (uint8_t *)block - HAK_HEADER_BYTES;
}

/* The block is handed out. */
HAK_RAW_ACCESS void hak_header_open(void *block, uint32_t class_id) {
    if (HAK_HEADER) {
        *hak_header_place(block) = (uint8_t)(HAK_HEADER_LIVE | class_id);
    }
}

HAK_RAW_ACCESS bool hak_header_is_live(void *block, uint32_t class_id) {
    return !HAK_HEADER || *hak_header_place(block) == (HAK_HEADER_LIVE | class_id);
}

/* The block came back. */
HAK_RAW_ACCESS void hak_header_close(void *block, uint32_t class_id) {
    if (HAK_HEADER) {
        *hak_header_place(block) = (uint8_t)(HAK_HEADER_FREED + class_id);
    }
}

/* Whether it came back already: for the message. */
HAK_RAW_ACCESS bool hak_header_is_freed(void *block, uint32_t class_id) {
    return HAK_HEADER && *hak_header_place(block) == HAK_HEADER_FREED + class_id;
}

#endif
