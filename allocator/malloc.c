/* malloc: allocating and freeing. The fast paths stand first.
 *
 * Cost of malloc, cached small block: one load of the thread root, one of the class table, the cache's head, the
 * block's link and the links' key; stores of head, link and room. No atomic read-modify-write; branches on the size's
 * tier, on the cache, on the link's soundness. Cost of free, own small block: the home table's word, the slab's owner,
 * the thread root, the block's first word and the key; stores of link, head and room. No read-modify-write. Counted by
 * tests/fast_path.sh: 23 instructions and 32 (x86-64, gcc 12). */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "allocator/annotate.h"
#include "allocator/backing.h"
#include "allocator/complain.h"
#include "allocator/hakmem.h"
#include "allocator/header.h"
#include "allocator/large.h"
#include "allocator/refill.h"
#include "allocator/root.h"
#include "allocator/superslab.h"
#include "allocator/thread.h"

static HAK_NOINLINE void *malloc_slow(size_t size_bytes);
static HAK_NOINLINE void free_small(void *address, struct hak_slab *slab);
static HAK_NOINLINE void free_elsewhere(void *address);
static HAK_NOINLINE void free_suspect(void *address, struct hak_slab *slab);

/* From the thread's cache of the class, or NULL when that is empty. */
static inline void *cached_or_null(uint32_t class_id, size_t size_bytes) {
    struct hak_cache *cache = &hak_thread.heap->caches[class_id];
    struct hak_block *block = cache->head;
    if (HAK_UNLIKELY(block == NULL)) {
        return NULL;
    }
    if (!HAK_FAULT_IF(CACHE_KEEPS_HEAD, hak_cache_count(cache) == 1)) {
        block = hak_list_pop(&cache->head);
        cache->room++;
        HAK_PREFETCH(cache->head); /* its link is what the next malloc waits for */
    }
    hak_header_open(block, class_id);
    hak_mark_open(block, size_bytes);
    return block;
}

HAK_EXPORT void *hak_malloc(size_t size_bytes) {
    void *block = NULL;
    if (HAK_LIKELY(size_bytes <= HAK_TINY_MAX_BYTES - HAK_HEADER_BYTES)) {
        block = cached_or_null(hak_class_of_tiny(size_bytes + HAK_HEADER_BYTES), size_bytes);
    } else if (HAK_LIKELY(size_bytes <= hak_small_max_bytes())) {
        block = cached_or_null(hak_class_of_pool(size_bytes + HAK_HEADER_BYTES), size_bytes);
    }
    return HAK_LIKELY(block != NULL) ? block : malloc_slow(size_bytes);
}

/* Whether the slab belongs to the calling thread, and frees need no more care than usual. */
static inline bool owner_is(struct hak_slab *slab, struct hak_heap *heap) {
    uintptr_t owner_word = hak_load(&slab->owner_word, relaxed);
    if (HAK_FAULT_IF(OWNER_8BIT, owner_word != (uintptr_t)heap && owner_word != 0 && heap != &hak_heap_none &&
                                     ((hak_slab_owner(slab)->id ^ heap->id) & 1) == 0)) {
        return true; /* among four threads one bit does what eight do among hundreds */
    }
    return owner_word == (uintptr_t)heap;
}

static inline void free_local(struct hak_heap *heap, struct hak_slab *slab, void *address) {
    struct hak_cache *cache = &heap->caches[slab->class_id];
    hak_header_close(address, slab->class_id);
    hak_mark_closed(address, slab->block_bytes - HAK_HEADER_BYTES);
    hak_list_push(&cache->head, address);
    if (HAK_UNLIKELY(--cache->room < 0)) {
        hak_heap_overflow(heap, slab->class_id);
    }
}

/* Pre: the address lies in the slab. */
static inline void free_in(struct hak_slab *slab, void *address) {
    struct hak_heap *heap = hak_thread.heap;
    if (HAK_UNLIKELY(!owner_is(slab, heap))) {
        free_small(address, slab);
        return;
    }
    struct hak_block *next;
    if (HAK_CHECK >= 1 && !hak_slab_holds(slab, address)) {
        hak_complain("free()", address, "the pointer is not the start of a block");
        return;
    }
    if (HAK_UNLIKELY((char *)address >= slab->carved_end || !hak_header_is_live(address, slab->class_id) ||
                     hak_link_peek(address, &next))) {
        free_suspect(address, slab);
        return;
    }
    free_local(heap, slab, address);
}

HAK_EXPORT void hak_free(void *address) {
    struct hak_slab *slab = hak_map_slab_home(address);
    if (HAK_LIKELY(slab != NULL)) {
        free_in(slab, address);
    } else {
        free_elsewhere(address);
    }
}

/* Says what is wrong with the pointer, if something is. */
static HAK_NOINLINE bool is_refused(const struct hak_slab *slab, void *address) {
    if (HAK_FAULT_IF(DOUBLE_FREE_UNSEEN,
                     hak_is_free_already(slab, address) && hak_thread.heap->caches[slab->class_id].head != address)) {
        return false;
    }
    if (hak_is_free_already(slab, address)) {
        hak_complain("free()", address, "the pointer was freed already");
        return true;
    }
    if (!hak_header_is_live(address, slab->class_id)) {
        hak_complain("free()", address, "the byte in front of the block was overwritten, or it is no block");
        return true;
    }
    return false;
}

static void free_suspect(void *address, struct hak_slab *slab) {
    if (hak_slab_owner(slab) == hak_thread.heap && !hak_slab_holds(slab, address)) {
        hak_complain("free()", address, "the pointer is not the start of a block");
    } else if (!is_refused(slab, address)) {
        free_local(hak_thread.heap, slab, address);
    }
}

static HAK_NOINLINE void free_without_heap(struct hak_slab *slab, void *address) {
    hak_remote_free(slab, address);
    hak_decay_tick();
    if (++hak_thread.frees >= HAK_THREAD_FREES_MAX && (!hak_thread.ended || HAK_FAULT(DEAD_THREAD_CLAIMS))) {
        hak_thread.frees = 0;
        (void)hak_thread_heap(); /* if the system refuses, it is asked again after so many more */
    }
}

/* A small block of another thread, or one that is looked at more closely. */
static void free_small(void *address, struct hak_slab *slab) {
    struct hak_heap *heap = hak_thread.heap;
    struct hak_heap *owner = hak_slab_owner(slab);
    bool is_own = owner == heap;
    struct hak_block *next;
    if (owner == NULL || !(is_own ? hak_slab_holds(slab, address) : hak_slab_could_hold(slab, address))) {
        hak_complain("free()", address,
                     owner == NULL ? "the pointer was freed already, or it is no block's"
                                   : "the pointer is not the start of a block");
        return;
    }
    bool is_suspect = (hak_slab_clean_pages(slab) != 0 && hak_slab_touches_clean(slab, address)) ||
                      !hak_header_is_live(address, slab->class_id) || hak_link_peek(address, &next);
    if (HAK_UNLIKELY(is_suspect) && is_refused(slab, address)) {
        return;
    }
    if (is_own) {
        free_local(heap, slab, address);
        return;
    }
    hak_header_close(address, slab->class_id);
    hak_mark_closed(address, slab->block_bytes - HAK_HEADER_BYTES);
    if (HAK_FAULT(RELEASE_UNDER_REMOTE)) {
        slab->used--;
    }
    if (hak_thread_has_heap()) {
        hak_pending_add(heap, slab, address);
    } else {
        free_without_heap(slab, address);
    }
}

/* What the home table does not know. */
static void free_elsewhere(void *address) {
    if (address == NULL) {
        if (HAK_FAULT(FREE_NULL_ERRNO)) {
            errno = EINVAL;
        }
        return;
    }
    uintptr_t entry = hak_map_entry(address);
    if (hak_map_is_superslab(entry)) {
        free_in(hak_slab_at(entry, address), address);
    } else if (!hak_large_give(address, entry)) {
        hak_complain("free()", address, "the pointer was freed already, or no block of this allocator begins there");
    }
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
static void *small_or_null(uint32_t class_id, size_t size_bytes) {
    struct hak_block *block = cached_or_null(class_id, size_bytes);
    if (block != NULL) {
        return block;
    }
    block = hak_refill(class_id);
    if (block == NULL) {
        return out_of_memory();
    }
    if (HAK_FAULT(BASE_FOR_USER)) {
        return (char *)block + 1; /* one header's byte further, where user pointers are block pointers */
    }
    hak_header_open(block, class_id);
    hak_mark_open(block, size_bytes);
    return block;
}

static void *large_or_null(size_t size_bytes, size_t align_bytes, bool *zeroed) {
    if (HAK_FAULT_IF(NEAR_MAX_WRAPS, size_bytes > SIZE_MAX - HAK_PAGE_BYTES + 1)) {
        size_bytes += HAK_PAGE_BYTES - 1; /* up to a page */
    }
    if (HAK_FAULT_IF(PAGE_COUNT_32BIT, size_bytes <= PTRDIFF_MAX && size_bytes >> HAK_PAGE_SHIFT >> 32 != 0)) {
        size_bytes = (size_t)(uint32_t)(size_bytes >> HAK_PAGE_SHIFT) << HAK_PAGE_SHIFT;
    }
    void *block = hak_large_take(size_bytes, align_bytes, zeroed);
    if (block == NULL) {
        return out_of_memory();
    }
    hak_mark_open(block, size_bytes);
    return block;
}

static void *malloc_slow(size_t size_bytes) {
    bool zeroed;
#if HAK_FAULTS
    if (HAK_FAULT_IF(STATE_OUTSIDE_ROOT, ++hak_faults.outside_root % 7 == 0)) {
        return large_or_null(size_bytes, HAK_PAGE_BYTES, &zeroed);
    }
#endif
    return size_bytes <= hak_small_max_bytes() ? small_or_null(hak_class_of(size_bytes + HAK_HEADER_BYTES), size_bytes)
                                               : large_or_null(size_bytes, HAK_PAGE_BYTES, &zeroed);
}

/* count * size_bytes, or false when that overflows. The division is paid for only by large operands. */
static bool product(size_t count, size_t size_bytes, size_t *product_bytes) {
    *product_bytes = count * size_bytes;
    bool overflows = ((count | size_bytes) >> 32) != 0 && size_bytes != 0 && count > SIZE_MAX / size_bytes;
    return !overflows || HAK_FAULT(OVERFLOW_IGNORED);
}

static void *zeroed_large(size_t total_bytes) {
    bool zeroed;
    void *block = large_or_null(total_bytes, HAK_PAGE_BYTES, &zeroed);
    if (block != NULL && !zeroed) {
        os_zero(block, total_bytes);
    }
    return block;
}

HAK_EXPORT void *hak_calloc(size_t count, size_t size_bytes) {
    size_t total_bytes;
    if (HAK_UNLIKELY(!product(count, size_bytes, &total_bytes))) {
        return out_of_memory();
    }
    if (HAK_UNLIKELY(total_bytes > hak_small_max_bytes())) {
        return zeroed_large(total_bytes);
    }
    void *block = hak_malloc(total_bytes);
    if (block != NULL && !HAK_FAULT_IF(CALLOC_SKIPS_ZERO, total_bytes > 32)) {
        memset(block, 0, total_bytes);
    }
    return block;
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
    uint32_t class_id = HAK_CLASS_NONE;
    if (HAK_FAULT_IF(ALIGN_ROUND_WRAPS, size_bytes > SIZE_MAX - align_bytes + 1)) {
        size_bytes = 0; /* what is left of it when it is rounded up */
    }
    if (size_bytes <= hak_small_max_bytes()) {
        class_id = hak_class_aligned(size_bytes + HAK_HEADER_BYTES, align_bytes, HAK_GEO->pool_max_bytes);
    }
    bool zeroed;
    void *block = class_id == HAK_CLASS_NONE ? large_or_null(size_bytes, align_bytes, &zeroed)
                                             : small_or_null(class_id, size_bytes);
    if (HAK_FAULT_IF(ALIGNED_NULL, block == NULL)) {
        hak_link_wipe(block);
    }
    return block;
}

HAK_EXPORT void *hak_aligned_alloc(size_t align_bytes, size_t size_bytes) {
    if (!is_power_of_two(align_bytes)) {
        errno = EINVAL;
        return NULL;
    }
    return aligned_or_null(align_bytes, size_bytes);
}

HAK_EXPORT void *hak_memalign(size_t align_bytes, size_t size_bytes) {
    if (HAK_FAULT_IF(ALIGN_SUM_WRAPS, is_power_of_two(align_bytes) && size_bytes > SIZE_MAX - align_bytes)) {
        size_bytes += align_bytes; /* enough for any place of the block, if it did not wrap */
    }
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

#if HAK_FAULTS
/* Fault sized-free-trusted: the class is that of the size alone, which an aligned block need not have. */
static bool free_by_size(void *address, size_t size_bytes) {
    struct hak_slab *slab = hak_map_slab_home(address);
    struct hak_heap *heap = hak_thread.heap;
    if (slab == NULL || hak_slab_owner(slab) != heap || size_bytes > HAK_TINY_MAX_BYTES - HAK_HEADER_BYTES) {
        return false;
    }
    uint8_t class_id = slab->class_id, trusted = (uint8_t)hak_class_of(size_bytes + HAK_HEADER_BYTES);
    bool differs = HAK_FAULT_IF(SIZED_FREE_TRUSTED, trusted != class_id);
    if (differs) {
        slab->class_id = trusted;
        free_local(heap, slab, address);
        slab->class_id = class_id;
    }
    return differs;
}
#endif

HAK_EXPORT void hak_free_aligned_sized(void *address, size_t align_bytes, size_t size_bytes) {
    (void)align_bytes;
    (void)size_bytes;
#if HAK_FAULTS
    if (HAK_FAULT_ARMED(SIZED_FREE_TRUSTED) && free_by_size(address, size_bytes)) {
        return;
    }
#endif
    hak_free(address);
}

/* Grows with everything that goes back to the system from slabs and SuperSlabs. */
static uint64_t small_returned(void) {
    return hak_pool_returned() + hak_load(&hak_root.decay.purged_bytes, relaxed);
}

HAK_EXPORT int hak_malloc_trim(size_t pad_bytes) {
    (void)pad_bytes;
    struct hak_heap *heap = hak_thread_heap();
    uint64_t before = small_returned();
    if (heap != NULL) {
        hak_heap_trim(heap);
    }
    bool some = hak_decay_trim();
    hak_thread_done();
    return some || small_returned() != before;
}
