/* big: mappings that are one block each. */
#include "allocator/big.h"

#include <stdint.h>

#include "allocator/annotate.h"
#include "allocator/assert.h"
#include "allocator/map.h"
#include "allocator/meta.h"
#include "allocator/root.h"

/* Whole pages for size_bytes, or 0 when there are none such. */
static size_t mapping_bytes(size_t size_bytes) {
    if (size_bytes > PTRDIFF_MAX - HAK_PAGE_BYTES) {
        return 0;
    }
    size_t rounded_bytes = (size_bytes + HAK_PAGE_BYTES - 1) & ~(size_t)(HAK_PAGE_BYTES - 1);
    return rounded_bytes == 0 ? HAK_PAGE_BYTES : rounded_bytes;
}

static bool mapping_create(struct hak_big *big, size_t align_bytes) {
    big->base = os_reserve(big->size_bytes, align_bytes);
    if (big->base == NULL) {
        return false;
    }
    if (!os_commit(big->base, big->size_bytes) || !hak_map_enter_big(big, big->base, big->size_bytes)) {
        os_release(big->base, big->size_bytes);
        return false;
    }
    return true;
}

void *hak_big_take(size_t size_bytes, size_t align_bytes) {
    size_t rounded_bytes = mapping_bytes(size_bytes);
    if (rounded_bytes == 0) {
        return NULL;
    }
    struct hak_big *big = hak_meta_take(HAK_META_BIG, sizeof *big);
    if (big == NULL) {
        return NULL;
    }
    big->size_bytes = rounded_bytes;
    if (!mapping_create(big, align_bytes < HAK_PAGE_BYTES ? HAK_PAGE_BYTES : align_bytes)) {
        hak_meta_give(HAK_META_BIG, big);
        return NULL;
    }
    hak_mark_fresh(big->base, big->size_bytes);
    return big->base;
}

void hak_big_give(struct hak_big *big) {
    hak_map_remove_big(big->base, big->size_bytes);
    hak_mark_returned(big->base, big->size_bytes);
    os_release(big->base, big->size_bytes);
    hak_meta_give(HAK_META_BIG, big);
}

bool hak_big_resize(struct hak_big *big, size_t size_bytes) {
    size_t old_bytes = big->size_bytes;
    size_t new_bytes = mapping_bytes(size_bytes);
    char *base = big->base;
    if (new_bytes == 0) {
        return false;
    }
    if (new_bytes < old_bytes) {
        if (!hak_map_split_big(base + new_bytes)) {
            return true; /* it is large enough as it is */
        }
        big->size_bytes = new_bytes;
        hak_map_remove_big(base + new_bytes, old_bytes - new_bytes);
        hak_mark_returned(base + new_bytes, old_bytes - new_bytes);
        os_release(base + new_bytes, old_bytes - new_bytes);
    } else if (new_bytes > old_bytes) {
        if (!os_extend(base, old_bytes, new_bytes)) {
            return false;
        }
        if (!hak_map_enter_big(big, base + old_bytes, new_bytes - old_bytes)) {
            os_release(base + old_bytes, new_bytes - old_bytes);
            return false;
        }
        big->size_bytes = new_bytes;
    }
    return true;
}
