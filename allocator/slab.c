/* slab: cutting blocks, taking them back. Locks: none. */
#include "allocator/slab.h"

#include "allocator/annotate.h"
#include "allocator/assert.h"
#include "allocator/class.h"
#include "allocator/links.h"
#include "allocator/superslab.h"

void hak_slab_set_owner(struct hak_slab *slab, struct hak_heap *owner) {
    bool careful = owner != NULL && (hak_option(FAIL_FAST) != 0 || hak_slab_withdrawn_pages(slab) != 0);
    hak_store(&slab->owner_word, (uintptr_t)owner | (careful ? HAK_OWNER_CAREFUL : 0), relaxed);
}

/* Newly cut blocks, in a list. Pre: 0 < count. */
static struct hak_block *carve(struct hak_slab *slab, uint32_t index, uint32_t count) {
    struct hak_block *first = hak_slab_block(slab, index), *last = hak_slab_block(slab, index + count - 1);
    slab->carved = (uint16_t)(slab->carved + count);
    slab->carved_end = (char *)hak_slab_block(slab, slab->carved);
    if (hak_slab_clean_pages(slab) != 0) {
        hak_slab_use_pages(slab, first, last);
    }
    for (struct hak_block *block = first, *next; block != NULL; block = next) {
        next = block == last ? NULL : (struct hak_block *)(void *)((char *)block + slab->block_bytes);
        hak_slab_announce(slab, block);
        hak_link_set(block, next);
    }
    return first;
}

static uint32_t index_of(const struct hak_slab *slab, const struct hak_block *block) {
    return (uint32_t)((const char *)block - slab->start) / slab->block_bytes;
}

void hak_slab_relist(struct hak_slab *slab, struct hak_chain chain) {
    hak_link_set(chain.tail, slab->free);
    if (hak_slab_has_labels(slab)) {
        hak_label_set(chain.head, (struct hak_label){index_of(slab, chain.tail), chain.count});
    }
    slab->free = chain.head;
}

static bool is_possible(const struct hak_slab *slab, struct hak_label label) {
    return label.count > 0 && label.count + slab->used <= slab->carved && label.index < slab->carved;
}

static struct hak_chain chain_at(const struct hak_slab *slab, struct hak_block *head, struct hak_label label) {
    return (struct hak_chain){head, hak_slab_block(slab, label.index), label.count};
}

bool hak_slab_chains_hold(const struct hak_slab *slab) {
    struct hak_chain chain = {0};
    for (struct hak_block *block = slab->free; block != NULL && hak_slab_has_labels(slab);
         block = hak_link_get(block)) {
        if (chain.count == 0) {
            struct hak_label label = hak_label_get(block);
            if (!is_possible(slab, label)) {
                return false;
            }
            chain = chain_at(slab, block, label);
        }
        if ((--chain.count == 0) != (block == chain.tail)) {
            return false;
        }
    }
    return chain.count == 0;
}

static struct hak_chain first_chain(const struct hak_slab *slab) {
    if (HAK_UNLIKELY(slab->free == HAK_SENTINEL)) {
        os_fatal(HAK_FATAL_SENTINEL, "hakmem: the remote queue's sentinel stands in a free list");
    }
    if (!hak_slab_has_labels(slab)) {
        return (struct hak_chain){slab->free, slab->free, 1};
    }
    struct hak_label label = hak_label_get(slab->free);
    hak_assert(is_possible(slab, label));
    return chain_at(slab, slab->free, label);
}

static struct hak_chain first_chain_pop(struct hak_slab *slab) {
    struct hak_chain chain = first_chain(slab);
    slab->free = hak_link_get(chain.tail);
    if (hak_slab_has_labels(slab)) {
        hak_label_wipe(chain.head);
    }
    return chain;
}

/* Only the first `count` of the chain, which has more: the others stay a chain of the free list. */
static struct hak_chain chain_cut(struct hak_slab *slab, struct hak_chain chain, uint32_t count) {
    struct hak_block *last = chain.head;
    for (uint32_t i = 1; i < count; i++) {
        last = hak_link_get(last);
    }
    uint32_t left = HAK_FAULT(CHAIN_CUT_KEEPS_COUNT) ? chain.count : chain.count - count;
    hak_slab_relist(slab, (struct hak_chain){hak_link_get(last), chain.tail, left});
    return (struct hak_chain){chain.head, last, count};
}

/* Links lead from the end of each chain to the next, also after they were popped. */
static struct hak_block *take_free(struct hak_slab *slab, uint32_t wanted, uint32_t most, uint32_t *taken) {
    struct hak_block *first = slab->free;
    struct hak_chain chain;
    *taken = 0;
    do {
        chain = first_chain_pop(slab);
        if (*taken + chain.count > most) {
            chain = chain_cut(slab, chain, wanted - *taken);
        }
        *taken += chain.count;
    } while (*taken < wanted && slab->free != NULL);
    hak_link_set(chain.tail, NULL);
    return first;
}

struct hak_block *hak_slab_take(struct hak_slab *slab, uint32_t wanted, uint32_t most, uint32_t *taken) {
    hak_debug_assert(!hak_slab_is_full(slab) && 0 < wanted && wanted <= most);
    struct hak_block *first;
    if (slab->free == NULL && hak_slab_has_withdrawn(slab)) {
        hak_slab_restore(slab);
    }
    if (HAK_FAULT_IF(CARVE_BY_USED, slab->used < slab->carved && slab->carved < slab->capacity)) {
        first = carve(slab, slab->used, *taken = 1);
    } else if (slab->free != NULL) {
        first = take_free(slab, wanted, most, taken);
    } else {
        uint32_t left = (uint32_t)slab->capacity - slab->carved;
        first = carve(slab, slab->carved, *taken = wanted < left ? wanted : left);
    }
    slab->used = (uint16_t)(slab->used + *taken);
    return first;
}

void hak_slab_give(struct hak_slab *slab, struct hak_chain chain) {
    hak_debug_assert(0 < chain.count && chain.count <= slab->used);
    hak_debug_assert(hak_slab_holds(slab, chain.head) && hak_slab_holds(slab, chain.tail));
    hak_slab_relist(slab, chain);
    slab->used = (uint16_t)(slab->used - chain.count);
}

/* Where the first block starts: a header in front of it needs room, and keeps the class's alignment. */
static char *start_for(const struct hak_slab *slab, uint32_t class_id) {
    char *slab_start = (char *)((uintptr_t)slab->start & ~((uintptr_t)hak_slab_bytes(slab) - 1));
    return slab_start + (HAK_HEADER ? hak_class_align_bytes(class_id) : 0);
}

void hak_slab_bind(struct hak_slab *slab, uint32_t class_id, struct hak_heap *owner) {
    hak_assert(slab->state == HAK_SLAB_FREE || HAK_FAULT_ARMED(SLAB_TWO_CLASSES));
    char *slab_end = (char *)((uintptr_t)slab->start & ~((uintptr_t)hak_slab_bytes(slab) - 1)) + hak_slab_bytes(slab);
    slab->start = start_for(slab, class_id);
    slab->class_id = (uint8_t)class_id;
    slab->block_bytes = hak_class_bytes[class_id];
    uint32_t capacity = (uint32_t)(slab_end - slab->start) / slab->block_bytes;
    slab->capacity = (uint16_t)(capacity < HAK_GEO->slab_blocks_max ? capacity : HAK_GEO->slab_blocks_max);
    if (!HAK_FAULT_IF(STALE_METADATA, slab->free != NULL)) {
        slab->free = NULL;
        slab->carved = 0;
        slab->carved_end = slab->start;
    }
    slab->used = HAK_FAULT(BORN_MARKED) ? 1 : 0;
    slab->state = HAK_SLAB_BOUND;
    slab->next = slab->previous = NULL;
    hak_slab_set_owner(slab, owner); /* blocks are handed out later, by this thread */
    hak_mark_fresh(slab->start, (size_t)(slab_end - slab->start));
}

/* All blocks are back, so every link that was ever written here is in the first bytes of a carved block. */
void hak_slab_unbind(struct hak_slab *slab) {
    hak_debug_assert(slab->used == 0);
    hak_heap_assert(hak_slab_is_valid(slab));
    hak_slab_wipe_links(slab);
    if (!HAK_FAULT_ARMED(STALE_METADATA)) {
        slab->free = NULL;
    }
    slab->state = HAK_SLAB_FREE;
    hak_slab_set_owner(slab, NULL);
}

/* Withdrawn blocks are counted one by one: nothing depends on their number. */
uint32_t hak_slab_withdrawn(const struct hak_slab *slab) {
    uint32_t count = 0;
    for (uint32_t i = 0; hak_slab_has_withdrawn(slab) && i < slab->carved; i++) {
        count += hak_slab_touches_clean(slab, hak_slab_block(slab, i));
    }
    return count;
}

bool hak_slab_is_valid(const struct hak_slab *slab) {
    if (slab->state != HAK_SLAB_BOUND || slab->used > slab->carved || slab->carved > slab->capacity) {
        return false;
    }
    uint32_t length = 0;
    for (struct hak_block *block = slab->free; block != NULL; block = hak_link_get(block)) {
        if (!hak_slab_holds(slab, block) || hak_slab_touches_clean(slab, block) || ++length > slab->carved) {
            return false;
        }
    }
    return length + hak_slab_withdrawn(slab) == (uint32_t)slab->carved - slab->used && hak_slab_chains_hold(slab);
}
