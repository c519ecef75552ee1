/* links: the one module that knows how a link is stored in a free block.
 *
 * Place: the first 8 bytes of the block. Encoding: the plain address of the next block, NULL at the end of a local
 * list. A remote queue may end in the sentinel instead (remote.h); the sentinel is no canonical address, so following
 * it traps. A block that leaves a list has its link wiped, so nothing of the allocator shows in memory handed out.
 *
 * Who may call: whoever owns the block at that moment (list owner, or the thread that pushes or drains). Free blocks
 * are poisoned under AddressSanitizer, hence these accesses, and only these, are not instrumented. */
#ifndef HAKMEM_ALLOCATOR_LINKS_H
#define HAKMEM_ALLOCATOR_LINKS_H

#include <stdint.h>

#include "allocator/atomic.h"
#include "allocator/fault.h"
#include "allocator/os.h"

/* A free block. Never defined: only this module looks inside. */
struct hak_block;

#define HAK_SENTINEL ((struct hak_block *)(uintptr_t)UINT64_C(0xb10c5ea1c105ed00))

#if HAK_ASAN
#define HAK_RAW_ACCESS __attribute__((no_sanitize_address, unused)) static
#else
#define HAK_RAW_ACCESS static inline
#endif

HAK_RAW_ACCESS struct hak_block **hak_link_place(struct hak_block *block) {
    return (struct hak_block **)(void *)block + (HAK_FAULT(LINK_PAST_BLOCK) ? 1 : 0);
}

HAK_RAW_ACCESS struct hak_block *hak_link_get(struct hak_block *block) {
    return hak_plain_load(*hak_link_place(block));
}

HAK_RAW_ACCESS void hak_link_set(struct hak_block *block, struct hak_block *next) {
    hak_plain_store(*hak_link_place(block), next);
}

HAK_RAW_ACCESS void hak_link_wipe(struct hak_block *block) {
    hak_link_set(block, NULL);
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
