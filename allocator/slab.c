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

struct hak_block *hak_slab_pop(struct hak_slab *slab) {
    hak_debug_assert(!hak_slab_is_full(slab));
    struct hak_block *block;
    if (slab->free == NULL && hak_slab_has_withdrawn(slab)) {
        hak_slab_restore(slab);
    }
    if (HAK_FAULT_IF(CARVE_BY_USED, slab->used < slab->carved && slab->carved < slab->capacity)) {
        block = hak_slab_block(slab, slab->used);
        slab->carved_end = (char *)hak_slab_block(slab, ++slab->carved);
    } else if (slab->free != NULL) {
        block = hak_list_pop(&slab->free);
    } else {
        block = hak_slab_block(slab, slab->carved++);
        slab->carved_end = (char *)block + slab->block_bytes;
        if (hak_slab_clean_pages(slab) != 0) {
            hak_slab_use_pages(slab, block);
        }
        os_announce((char *)block - HAK_HEADER_BYTES, slab->block_bytes);
    }
    slab->used++;
    return block;
}

void hak_slab_push(struct hak_slab *slab, struct hak_block *block) {
    hak_debug_assert(slab->used > 0);
    hak_debug_assert(hak_slab_holds(slab, block));
    hak_list_push(&slab->free, block);
    slab->used--;
}

/* Where the first block starts: a header in front of it needs room, and keeps the class's alignment. */
static char *start_for(const struct hak_slab *slab, uint32_t class_id) {
    char *slab_start = (char *)((uintptr_t)slab->start & ~((uintptr_t)hak_slab_bytes(slab) - 1));
    return slab_start + (HAK_HEADER ? hak_class_align_bytes(class_id) : 0);
}

void hak_slab_bind(struct hak_slab *slab, uint32_t class_id, struct hak_heap *owner) {
    hak_assert(slab->state == HAK_SLAB_FREE || HAK_FAULT(SLAB_TWO_CLASSES));
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
    if (!HAK_FAULT(STALE_METADATA)) {
        slab->free = NULL;
    }
    slab->state = HAK_SLAB_FREE;
    hak_slab_set_owner(slab, NULL);
}

static bool starts_below(const struct hak_slab *slab, const void *address, uint32_t blocks) {
    uintptr_t offset = (uintptr_t)address - (uintptr_t)slab->start;
    return offset < (uintptr_t)blocks * slab->block_bytes && (uint32_t)offset % slab->block_bytes == 0;
}

bool hak_slab_holds(const struct hak_slab *slab, const void *address) {
    return starts_below(slab, address, slab->carved);
}

bool hak_slab_could_hold(const struct hak_slab *slab, const void *address) {
    return starts_below(slab, address, slab->capacity);
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
    return length + hak_slab_withdrawn(slab) == (uint32_t)slab->carved - slab->used;
}
