/* links: the one module that knows how a link is stored in a free block.
 *
 * Place: the first 8 bytes of the block. Encoding: the address of the next block, exclusive-or the process's key, whose
 * upper 16 bits are not zero; those of an address are. NULL ends a local list; a remote queue may end in the sentinel
 * instead (remote.h), which is no address a program can have. So a stored word whose upper bits do not decode to zero
 * is no link: somebody wrote to a free block, and it is not followed. And a live block that begins with what decodes to
 * a link is suspect of having been freed already. A block that leaves a list has its link wiped, and a label (below)
 * where it had one, so nothing of the allocator shows in memory handed out: either would tell the key.
 *
 * Who may call: whoever owns the block at that moment (list owner, or the thread that pushes or drains). Free blocks
 * are poisoned under AddressSanitizer, hence these accesses, and only these, are not instrumented. */
#ifndef HAKMEM_ALLOCATOR_LINKS_H
#define HAKMEM_ALLOCATOR_LINKS_H

#include <stdint.h>

#include "allocator/atomic.h"
#include "allocator/fault.h"
#include "allocator/os.h"
#include "allocator/root.h"

#define HAK_SENTINEL ((struct hak_block *)(uintptr_t)UINT64_C(0x0000b10c5ea1ed01))

enum { HAK_LINK_ADDRESS_BITS = 48 };

#if HAK_ASAN
#define HAK_RAW_ACCESS __attribute__((no_sanitize_address, unused)) static
#else
#define HAK_RAW_ACCESS static inline
#endif

/* From a random number, one that can be a key. */
static inline uintptr_t hak_link_key(uint64_t random) {
    return (uintptr_t)(random | UINT64_C(1) << 63) & ~(UINT64_C(1) << 62);
}

HAK_RAW_ACCESS uintptr_t *hak_link_place(struct hak_block *block) {
    return (uintptr_t *)(void *)block + (HAK_FAULT(LINK_PAST_BLOCK) ? 1 : 0);
}

/* The key never changes once the process has started, so reading it is no access worth a look of the scheduler. */
static inline uintptr_t hak_link_code(uintptr_t word) {
    return word ^ hak_root.link_key;
}

/* Whether a decoded word can be a link. */
static inline bool hak_link_is_possible(uintptr_t decoded) {
    return HAK_LIKELY(decoded >> HAK_LINK_ADDRESS_BITS == 0);
}

HAK_RAW_ACCESS struct hak_block *hak_link_get(struct hak_block *block) {
    uintptr_t decoded = hak_link_code(hak_plain_load(*hak_link_place(block)));
    if (HAK_UNLIKELY(!hak_link_is_possible(decoded))) {
        os_fatal(HAK_FATAL_LINK,
                 "hakmem: a free block was written to, after it was freed or from the block in front of it: its link "
                 "is broken; AddressSanitizer shows by whom");
    }
    return (struct hak_block *)decoded;
}

HAK_RAW_ACCESS void hak_link_set(struct hak_block *block, struct hak_block *next) {
    hak_plain_store(*hak_link_place(block), hak_link_code((uintptr_t)next));
}

HAK_RAW_ACCESS void hak_link_wipe(struct hak_block *block) {
    hak_plain_store(*hak_link_place(block), 0);
}

/* What a block that is about to be freed would lead to if it were free already; true when that can be at all, which in
 * a live block is a chance of one in 65,536 words. */
HAK_RAW_ACCESS bool hak_link_peek(struct hak_block *block, struct hak_block **next) {
    uintptr_t decoded = hak_link_code(*(uintptr_t *)(void *)block);
    *next = (struct hak_block *)decoded;
    return HAK_UNLIKELY(decoded >> HAK_LINK_ADDRESS_BITS == 0);
}

/* The second word of a block, where it has one: a label, two numbers below 65,536, under the key as links are. */
struct hak_label {
    uint32_t index;
    uint32_t count;
};

enum { HAK_LABEL_NUMBER_BITS = 16 };

HAK_RAW_ACCESS uintptr_t *hak_label_place(struct hak_block *block) {
    return (uintptr_t *)(void *)block + 1;
}

HAK_RAW_ACCESS struct hak_label hak_label_get(struct hak_block *block) {
    uintptr_t decoded = hak_link_code(hak_plain_load(*hak_label_place(block)));
    if (HAK_UNLIKELY(decoded >> 2 * HAK_LABEL_NUMBER_BITS != 0)) {
        os_fatal(HAK_FATAL_LINK,
                 "hakmem: a free block was written to, after it was freed or from the block in front of it: its label "
                 "is broken; AddressSanitizer shows by whom");
    }
    return (struct hak_label){decoded & ((1U << HAK_LABEL_NUMBER_BITS) - 1),
                              (uint32_t)(decoded >> HAK_LABEL_NUMBER_BITS)};
}

HAK_RAW_ACCESS void hak_label_set(struct hak_block *block, struct hak_label label) {
    if (HAK_FAULT_IF(LABEL_NARROW, label.index > 31)) {
        label.index &= 31;
    }
    hak_plain_store(*hak_label_place(block),
                    hak_link_code(label.index | (uintptr_t)label.count << HAK_LABEL_NUMBER_BITS));
}

HAK_RAW_ACCESS void hak_label_wipe(struct hak_block *block) {
    hak_plain_store(*hak_label_place(block), 0);
}

/* Take the first block off a local list that is not empty. */
HAK_RAW_ACCESS struct hak_block *hak_list_pop(struct hak_block **head) {
    struct hak_block *block = *head;
    if (HAK_CHECK >= 1 && block == HAK_SENTINEL) {
        os_fatal(HAK_FATAL_SENTINEL, "hakmem: the remote queue's sentinel stands in a free list");
    }
    *head = hak_link_get(block);
    if (!HAK_FAULT(LINK_LEFT)) {
        hak_link_wipe(block);
    }
    return block;
}

HAK_RAW_ACCESS void hak_list_push(struct hak_block **head, struct hak_block *block) {
    hak_link_set(block, *head);
    *head = block;
}

#endif
