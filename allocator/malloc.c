/* malloc: the public entry points. The fast paths stand first.
 *
 * Cost of malloc, cached small block: one load of the thread root, one of the class table, the cache's head, the
 * block's link; stores of head, link and count. No atomic read-modify-write, one branch on size, one on the cache. Cost
 * of free, own small block: the region map's two loads, the slab's owner, the thread root; stores of link, head and
 * count. No read-modify-write. */
#include "allocator/hakmem.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "allocator/annotate.h"
#include "allocator/assert.h"
#include "allocator/big.h"
#include "allocator/refill.h"
#include "allocator/root.h"
#include "allocator/superslab.h"
#include "allocator/thread.h"

static HAK_NOINLINE void *malloc_slow(size_t size_bytes);
static HAK_NOINLINE void free_slow(void *block, uintptr_t entry);

/* Pre: the cache is not empty. */
static inline void *cache_pop(struct hak_cache *cache, size_t size_bytes) {
    struct hak_block *block = cache->head;
    if (!HAK_FAULT_IF(CACHE_KEEPS_HEAD, cache->count == 1)) {
        block = hak_list_pop(&cache->head);
        cache->count--;
    }
    hak_mark_open(block, size_bytes);
    return block;
}

HAK_EXPORT void *hak_malloc(size_t size_bytes) {
    if (HAK_LIKELY(size_bytes <= HAK_TINY_MAX_BYTES)) {
        struct hak_cache *cache = &hak_thread.heap->caches[hak_class_of(size_bytes)];
        if (HAK_LIKELY(cache->head != NULL)) {
            return cache_pop(cache, size_bytes);
        }
    }
    return malloc_slow(size_bytes);
}

/* Whether the slab belongs to the calling thread. */
static inline bool owner_is(struct hak_heap *owner, struct hak_heap *heap) {
    if (HAK_FAULT_IF(OWNER_8BIT, owner != heap && owner != NULL && heap != &hak_heap_none)) {
        return ((uintptr_t)owner >> 12 & 0xff) == ((uintptr_t)heap >> 12 & 0xff);
    }
    return owner == heap;
}

HAK_EXPORT void hak_free(void *address) {
    uintptr_t entry = hak_map_entry(address);
    if (HAK_LIKELY((entry & HAK_MAP_TAG_MASK) == HAK_MAP_SUPERSLAB)) {
        struct hak_slab *slab = hak_superslab_slab((struct hak_superslab *)(entry - HAK_MAP_SUPERSLAB), address);
        struct hak_heap *heap = hak_thread.heap;
        if (HAK_LIKELY(owner_is(hak_load(&slab->owner, relaxed), heap))) {
            if (HAK_CHECK >= 1 && !hak_slab_holds(slab, address)) {
                os_fatal(HAK_FATAL_BAD_POINTER, "hakmem: free(): the pointer is not the start of a block");
            }
            struct hak_cache *cache = &heap->caches[slab->class_id];
            hak_mark_closed(address, slab->block_bytes);
            hak_list_push(&cache->head, address);
            if (HAK_UNLIKELY(++cache->count > cache->capacity)) {
                hak_heap_flush(heap, slab->class_id, cache->capacity / 2);
            }
            return;
        }
    }
    free_slow(address, entry);
}

/* A small block that its thread did not own: it goes to the owner's queue. */
static void free_remote(struct hak_slab *slab, struct hak_heap *owner, void *address) {
    if (owner == NULL || (HAK_CHECK >= 1 && !hak_slab_could_hold(slab, address))) {
        os_fatal(HAK_FATAL_BAD_POINTER, "hakmem: free(): the pointer is not the start of a block");
    }
    hak_mark_closed(address, slab->block_bytes);
    if (HAK_FAULT(RELEASE_UNDER_REMOTE)) {
        slab->used--;
    }
    hak_remote_push(&owner->remote, address);
}

static void free_slow(void *address, uintptr_t entry) {
    if (address == NULL) {
        return;
    }
    if ((entry & HAK_MAP_TAG_MASK) == HAK_MAP_SUPERSLAB) {
        struct hak_slab *slab = hak_superslab_slab((struct hak_superslab *)(entry - HAK_MAP_SUPERSLAB), address);
        free_remote(slab, hak_load(&slab->owner, relaxed), address);
        return;
    }
    struct hak_big *big = hak_map_big(address);
    if (big == NULL || big->base != address) {
        os_fatal(HAK_FATAL_BAD_POINTER, "hakmem: free(): the pointer is not from this allocator");
    }
    hak_big_give(big);
}

static void *out_of_memory(void) {
#if HAK_FAULTS
    if (HAK_FAULT(FALLBACK_MALLOC)) {
        return hak_faults.elsewhere;
    }
#endif
    if (!HAK_FAULT(ERRNO_MISSING)) {
        errno = ENOMEM;
    }
    return NULL;
}

/* The refill counts on an empty cache, so whoever chose the class by other means than size looks there first. */
static void *tiny_or_null(uint32_t class_id, size_t size_bytes) {
    struct hak_cache *cache = &hak_thread.heap->caches[class_id];
    if (cache->head != NULL) {
        return cache_pop(cache, size_bytes);
    }
    struct hak_block *block = hak_refill(class_id);
    if (block == NULL) {
        return out_of_memory();
    }
    hak_mark_open(block, size_bytes);
    return block;
}

static void *big_or_null(size_t size_bytes, size_t align_bytes) {
    void *block = hak_big_take(size_bytes, align_bytes);
    if (block == NULL) {
        return out_of_memory();
    }
    hak_mark_open(block, size_bytes);
    return block;
}

static void *malloc_slow(size_t size_bytes) {
#if HAK_FAULTS
    if (HAK_FAULT(STATE_OUTSIDE_ROOT) && ++hak_faults.outside_root % 7 == 0) {
        return big_or_null(size_bytes, HAK_PAGE_BYTES);
    }
#endif
    return size_bytes <= HAK_TINY_MAX_BYTES ? tiny_or_null(hak_class_of(size_bytes), size_bytes)
                                            : big_or_null(size_bytes, HAK_PAGE_BYTES);
}

/* count * size_bytes, or false when that overflows. The division is paid for only by large operands. */
static bool product(size_t count, size_t size_bytes, size_t *product_bytes) {
    *product_bytes = count * size_bytes;
    bool overflows = ((count | size_bytes) >> 32) != 0 && size_bytes != 0 && count > SIZE_MAX / size_bytes;
    return !overflows || HAK_FAULT(OVERFLOW_IGNORED);
}

HAK_EXPORT void *hak_calloc(size_t count, size_t size_bytes) {
    size_t total_bytes;
    if (HAK_UNLIKELY(!product(count, size_bytes, &total_bytes))) {
        return out_of_memory();
    }
    void *block = hak_malloc(total_bytes);
    if (block != NULL && total_bytes <= HAK_TINY_MAX_BYTES && !HAK_FAULT_IF(CALLOC_SKIPS_ZERO, total_bytes > 32)) {
        memset(block, 0, total_bytes); /* a fresh mapping is zero already */
    }
    return block;
}

/* What stands behind a live block: one of slab and big is not NULL. */
struct backing {
    struct hak_slab *slab;
    struct hak_big *big;
    size_t usable_bytes;
};

static struct backing backing_of(void *address) {
    struct hak_superslab *superslab = hak_map_superslab(address);
    if (superslab != NULL) {
        struct hak_slab *slab = hak_superslab_slab(superslab, address);
        struct hak_heap *owner = hak_load(&slab->owner, relaxed);
        if (owner == hak_thread.heap ? hak_slab_holds(slab, address)
                                     : owner != NULL && hak_slab_could_hold(slab, address)) {
            return (struct backing){slab, NULL, slab->block_bytes};
        }
    } else {
        struct hak_big *big = hak_map_big(address);
        if (big != NULL && big->base == address) {
            return (struct backing){NULL, big, big->size_bytes};
        }
    }
    os_fatal(HAK_FATAL_BAD_POINTER, "hakmem: realloc() or malloc_usable_size(): the pointer is not a live block");
}

/* Try to serve the new size where the block is. A block that would waste more than half is moved. */
static bool resize_in_place(void *address, struct backing backing, size_t size_bytes) {
    bool fits = backing.big != NULL ? size_bytes > HAK_TINY_MAX_BYTES && hak_big_resize(backing.big, size_bytes)
                                    : size_bytes <= backing.usable_bytes && size_bytes >= backing.usable_bytes / 2;
    if (fits) {
        hak_mark_closed(address, backing.big != NULL ? backing.big->size_bytes : backing.usable_bytes);
        hak_mark_open(address, size_bytes);
    }
    return fits;
}

static void content_move(void *to, void *from, struct backing backing, size_t size_bytes) {
    size_t shared_bytes = size_bytes < backing.usable_bytes ? size_bytes : backing.usable_bytes;
    hak_mark_open(from, backing.usable_bytes); /* how much of it was asked for is not known here */
    if (backing.big != NULL && size_bytes > HAK_TINY_MAX_BYTES) {
        size_t shared_pages_bytes = (shared_bytes + HAK_PAGE_BYTES - 1) & ~(size_t)(HAK_PAGE_BYTES - 1);
        hak_mark_open(to, shared_pages_bytes);
        os_move_pages(to, from, shared_pages_bytes);
        hak_mark_closed(to, shared_pages_bytes);
        hak_mark_open(to, size_bytes);
    } else {
        os_announce(to, shared_bytes);
        memcpy(to, from,
               HAK_FAULT_IF(REALLOC_SHORT_COPY, shared_bytes % 16 != 0) ? shared_bytes & ~(size_t)15 : shared_bytes);
    }
}

HAK_EXPORT void *hak_realloc(void *address, size_t size_bytes) {
    if (address == NULL) {
        return hak_malloc(size_bytes);
    }
    if (size_bytes == 0) {
        hak_free(address);
        return NULL;
    }
    struct backing backing = backing_of(address);
    if (resize_in_place(address, backing, size_bytes)) {
        return address;
    }
    void *moved = hak_malloc(size_bytes);
    if (moved == NULL) {
        if (HAK_FAULT(REALLOC_FREES_OLD)) {
            hak_free(address);
        }
        return NULL;
    }
    content_move(moved, address, backing, size_bytes);
    hak_free(address);
    return moved;
}

HAK_EXPORT void *hak_reallocarray(void *address, size_t count, size_t size_bytes) {
    size_t total_bytes;
    return product(count, size_bytes, &total_bytes) ? hak_realloc(address, total_bytes) : out_of_memory();
}

static bool is_power_of_two(size_t n) {
    return n != 0 && (n & (n - 1)) == 0;
}

/* Pre: align_bytes is a power of two. */
static void *aligned_or_null(size_t align_bytes, size_t size_bytes) {
    uint32_t class_id = hak_class_aligned(size_bytes, align_bytes);
    if (class_id == HAK_CLASS_NONE) {
        return big_or_null(size_bytes, align_bytes);
    }
    return tiny_or_null(class_id, size_bytes);
}

HAK_EXPORT void *hak_aligned_alloc(size_t align_bytes, size_t size_bytes) {
    if (!is_power_of_two(align_bytes)) {
        errno = EINVAL;
        return NULL;
    }
    return aligned_or_null(align_bytes, size_bytes);
}

HAK_EXPORT void *hak_memalign(size_t align_bytes, size_t size_bytes) {
    return hak_aligned_alloc(align_bytes, size_bytes);
}

HAK_EXPORT int hak_posix_memalign(void **result, size_t align_bytes, size_t size_bytes) {
    if (!is_power_of_two(align_bytes) || align_bytes % sizeof(void *) != 0) {
        return EINVAL;
    }
    int saved_errno = errno;
    void *block = aligned_or_null(align_bytes, size_bytes);
    errno = saved_errno;
    if (block == NULL) {
        return ENOMEM;
    }
    *result = block;
    return 0;
}

HAK_EXPORT void hak_free_sized(void *address, size_t size_bytes) {
    (void)size_bytes;
    hak_free(address);
}

HAK_EXPORT void hak_free_aligned_sized(void *address, size_t align_bytes, size_t size_bytes) {
    (void)align_bytes;
    (void)size_bytes;
    hak_free(address);
}

HAK_EXPORT size_t hak_malloc_usable_size(void *address) {
    if (address == NULL) {
        return 0;
    }
    struct backing backing = backing_of(address);
    hak_mark_open(address, backing.usable_bytes); /* who asks may use it all */
    if (HAK_FAULT(USABLE_UNDERSTATES)) {
        return backing.usable_bytes - 8;
    }
    return backing.usable_bytes + (HAK_FAULT_IF(USABLE_OVERSTATES, backing.slab != NULL) ? 16 : 0);
}

HAK_EXPORT int hak_malloc_trim(size_t pad_bytes) {
    (void)pad_bytes;
    struct hak_heap *heap = hak_thread_heap();
    if (heap != NULL) {
        hak_heap_trim(heap);
    }
    hak_pool_trim();
    return 1;
}
