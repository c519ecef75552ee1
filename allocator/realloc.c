/* realloc: resizing a block, and how much of it may be used.
 *
 * A block stays where it is when its tier can make it fit: a small one whose place is neither too small nor more than
 * twice too large, a run that has room behind it, a mapping that can grow or shrink at its end. A mapping that cannot
 * is moved by the system, without copying. Else a new block is taken, the content copied, the old one freed; when the
 * new one cannot be had, the old one stays if it is large enough, else nothing has changed. */
#include <errno.h>
#include <string.h>

#include "allocator/annotate.h"
#include "allocator/backing.h"
#include "allocator/complain.h"
#include "allocator/hakmem.h"
#include "allocator/large.h"
#include "allocator/root.h"
#include "allocator/slab.h"

/* The block is as long as asked for: exactly that is open. */
static void mark_resized(void *address, size_t usable_bytes, size_t size_bytes) {
    hak_mark_closed(address, usable_bytes);
    hak_mark_open(address, size_bytes);
}

/* Whether the block could serve the new size where it is, and now does. */
static bool resize_in_place(void *address, const struct hak_backing *backing, size_t size_bytes) {
    if (backing->slab != NULL) {
        if (size_bytes > backing->usable_bytes || size_bytes < backing->usable_bytes / 2) {
            return false;
        }
        mark_resized(address, backing->usable_bytes, size_bytes);
        return true;
    }
    if (size_bytes <= hak_small_max_bytes()) {
        return false;
    }
    if (backing->region != NULL) {
        if (!hak_run_resize(backing->region, address, size_bytes)) {
            return false;
        }
        mark_resized(address, hak_run_usable(backing->region, address), size_bytes);
        return true;
    }
    if (hak_run_fits(size_bytes, HAK_PAGE_BYTES) || !hak_big_resize(backing->big, size_bytes)) {
        return false;
    }
    mark_resized(address, backing->big->size_bytes, size_bytes);
    return true;
}

static void *move_mapping(const struct hak_backing *backing, size_t size_bytes) {
    void *moved = NULL;
    if (backing->big != NULL && size_bytes > backing->usable_bytes) {
        hak_mark_open(backing->big->base, backing->usable_bytes); /* how much was asked for is not known here */
        moved = hak_big_move(backing->big, size_bytes);
        if (moved != NULL) {
            mark_resized(moved, backing->big->size_bytes, size_bytes);
        }
    }
    return moved;
}

static void content_copy(void *to, void *from, const struct hak_backing *backing, size_t size_bytes) {
    size_t shared_bytes = size_bytes < backing->usable_bytes ? size_bytes : backing->usable_bytes;
    hak_mark_open(from, backing->usable_bytes); /* how much of it was asked for is not known here */
    if (backing->slab == NULL && size_bytes > hak_small_max_bytes()) {
        size_t shared_pages_bytes = (shared_bytes + HAK_PAGE_BYTES - 1) & ~(HAK_PAGE_BYTES - 1);
        hak_mark_open(to, shared_pages_bytes);
        os_move_pages(to, from, shared_pages_bytes);
        mark_resized(to, shared_pages_bytes, size_bytes);
    } else {
        os_announce(to, shared_bytes);
        memcpy(to, from,
               HAK_FAULT_IF(REALLOC_SHORT_COPY, shared_bytes % 16 != 0) ? shared_bytes & ~(size_t)15 : shared_bytes);
    }
}

/* A block that only wastes too much stays, when there is no memory for a better place. */
static void *resize_elsewhere(void *address, const struct hak_backing *backing, size_t size_bytes) {
    void *moved = move_mapping(backing, size_bytes);
    if (moved != NULL) {
        return moved;
    }
    int saved_errno = errno;
    moved = hak_malloc(size_bytes);
    if (moved != NULL) {
        content_copy(moved, address, backing, size_bytes);
        hak_free(address);
    } else if (HAK_FAULT(REALLOC_FREES_OLD)) {
        hak_free(address);
    } else if (size_bytes <= backing->usable_bytes) {
        mark_resized(address, backing->usable_bytes, size_bytes);
        errno = saved_errno;
        return address;
    }
    return moved;
}

HAK_EXPORT void *hak_realloc(void *address, size_t size_bytes) {
    struct hak_backing backing;
    if (address == NULL) {
        return hak_malloc(size_bytes);
    }
    if (size_bytes == 0) {
        hak_free(address);
        return NULL;
    }
    if (!hak_backing_of(address, &backing)) {
        hak_complain("realloc()", address, "the pointer is not a live block");
        errno = EINVAL;
        return NULL;
    }
    return resize_in_place(address, &backing, size_bytes) ? address : resize_elsewhere(address, &backing, size_bytes);
}

HAK_EXPORT size_t hak_malloc_usable_size(void *address) {
    struct hak_backing backing;
    if (address == NULL) {
        return 0;
    }
    if (!hak_backing_of(address, &backing)) {
        hak_complain("malloc_usable_size()", address, "the pointer is not a live block");
        return 0;
    }
    hak_mark_open(address, backing.usable_bytes); /* who asks may use it all */
    if (HAK_FAULT(USABLE_UNDERSTATES)) {
        return backing.usable_bytes - 8;
    }
    return backing.usable_bytes + (HAK_FAULT_IF(USABLE_OVERSTATES, backing.slab != NULL) ? 16 : 0);
}
