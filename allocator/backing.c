/* backing: the look into the region map and behind it. */
#include "allocator/backing.h"

#include "allocator/header.h"
#include "allocator/root.h"
#include "allocator/superslab.h"
#include "allocator/thread.h"

bool hak_is_free_already(const struct hak_slab *slab, const void *address) {
    struct hak_block *block = (struct hak_block *)(uintptr_t)address, *next;
    if (hak_slab_touches_clean(slab, block) || hak_header_is_freed(block, slab->class_id)) {
        return true;
    }
    if (!hak_link_peek(block, &next)) {
        return false;
    }
    uintptr_t entry = hak_map_entry(next);
    return next == NULL || next == HAK_SENTINEL ||
           (hak_map_is_superslab(entry) && hak_slab_could_hold(hak_slab_at(entry, next), next));
}

static bool small_backing(struct hak_slab *slab, const void *address, struct hak_backing *backing) {
    struct hak_heap *owner = hak_slab_owner(slab);
    bool is_there =
        owner == hak_thread.heap ? hak_slab_holds(slab, address) : owner != NULL && hak_slab_could_hold(slab, address);
    if (!is_there || !hak_header_is_live((void *)(uintptr_t)address, slab->class_id) ||
        hak_is_free_already(slab, address)) {
        return false;
    }
    *backing = (struct hak_backing){.slab = slab, .usable_bytes = slab->block_bytes - HAK_HEADER_BYTES};
    return true;
}

bool hak_backing_of(const void *address, struct hak_backing *backing) {
    uintptr_t entry = hak_map_entry(address);
    if (hak_map_is_superslab(entry)) {
        return small_backing(hak_slab_at(entry, address), address, backing);
    }
    if ((entry & HAK_MAP_TAG_MASK) == HAK_MAP_REGION) {
        struct hak_region *region = hak_map_record(entry);
        *backing = (struct hak_backing){.region = region, .usable_bytes = hak_run_usable(region, address)};
        return backing->usable_bytes != 0;
    }
    struct hak_big *big = hak_map_big(address);
    if (big == NULL || !hak_big_is_live(big, address)) {
        return false;
    }
    *backing = (struct hak_backing){.big = big, .usable_bytes = big->size_bytes};
    return true;
}
