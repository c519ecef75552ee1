/* big: taking, giving, resizing; what leaves the cache; age. big.h has the theory. */
#include "allocator/big.h"

#include "allocator/annotate.h"
#include "allocator/assert.h"
#include "allocator/fault.h"
#include "allocator/root.h"

_Static_assert(sizeof(struct hak_big) <= HAK_META_ALIGN_BYTES, "a record is one unit of metadata memory");

void hak_big_lock(void) {
    hak_lock_acquire(&hak_root.bigs.lock);
}

void hak_big_unlock(void) {
    hak_lock_release(&hak_root.bigs.lock);
}

void hak_big_reset(void) {
    hak_lock_reset(&hak_root.bigs.lock);
}

static void set_state(struct hak_big *big, enum hak_big_state state) {
    hak_store(&big->state, (uint32_t)state, release);
}

/* ---- what leaves the cache ---- */

/* Pre: big.lock is held, and the record is out of the cache. */
static void set_leaving(struct hak_big *big) {
    set_state(big, HAK_BIG_LEAVING);
    hak_root.bigs.leaving++;
}

/* Who had something to wait for: what was purged for its age is wanted again, or leaves for good. */
static void purge_ended(struct hak_big *big) {
    if (big->was_due) {
        hak_ace_purge_ended(&hak_root.ace, os_clock_ms() - big->purged_ms);
        big->was_due = false;
    }
}

/* Give a mapping that is leaving back to the system, and its record to metadata. What the map has not, nobody finds. */
static void release(struct hak_big *big) {
    hak_debug_assert(hak_load(&big->state, relaxed) == HAK_BIG_LEAVING);
    purge_ended(big);
    hak_ring_note(HAK_EVENT_BIG_RELEASED, (uintptr_t)big->base);
    hak_map_remove_big(big->base, big->size_bytes);
    hak_mark_returned(big->base, big->size_bytes);
    os_release(big->base, big->size_bytes);
    hak_big_lock();
    set_state(big, HAK_BIG_NONE);
    hak_root.bigs.leaving--;
    hak_root.bigs.counters.released++;
    hak_big_unlock();
    hak_meta_give(HAK_META_BIG, big);
}

enum leave_when { LEAVE_WHEN_OVER, LEAVE_WHEN_OLD, LEAVE_ALWAYS };

/* Release the oldest mapping of the cache, if it has to leave. False when it has not. */
static bool release_oldest(enum leave_when when, uint32_t now_ms) {
    struct hak_bigcache *cache = &hak_root.bigs.cache;
    hak_big_lock();
    struct hak_big *big;
    if (when == LEAVE_WHEN_OLD) {
        big = hak_bigcache_expire(cache, now_ms);
    } else {
        big = when == LEAVE_ALWAYS || hak_bigcache_is_over(cache) ? cache->oldest : NULL;
        if (big != NULL) {
            hak_bigcache_remove(cache, big);
        }
    }
    if (big != NULL) {
        set_leaving(big);
    }
    hak_big_unlock();
    if (big != NULL) {
        release(big);
    }
    return big != NULL;
}

/* Purge the mapping that is dirty for the longest time. False when there is none, or only_due and it is not. */
static bool purge_oldest(bool only_due, uint32_t now_ms) {
    struct hak_bigs *bigs = &hak_root.bigs;
    hak_big_lock();
    struct hak_big *big = bigs->cache.dirty_oldest;
    if (big == NULL || (only_due && !hak_decay_is_due(big->since_ms, now_ms))) {
        hak_big_unlock();
        return false;
    }
    hak_bigcache_remove(&bigs->cache, big);
    set_leaving(big);
    hak_big_unlock();

    bool purged = hak_decay_purge(big->base, big->size_bytes);
    if (purged) {
        hak_decay_purged(big->size_bytes);
        hak_ring_note(HAK_EVENT_PURGED, (uintptr_t)big->base);
        big->purged_ms = now_ms;
        big->was_due = only_due;
    }
    hak_big_lock();
    bool kept = purged && hak_bigcache_put_back(&bigs->cache, big);
    if (kept) {
        set_state(big, HAK_BIG_CACHED);
        bigs->leaving--;
        bigs->counters.purged++;
    }
    hak_big_unlock();
    if (!kept) {
        release(big);
    }
    return true;
}

void hak_big_age(uint32_t now_ms) {
    while (release_oldest(LEAVE_WHEN_OLD, now_ms) || release_oldest(LEAVE_WHEN_OVER, now_ms)) {
    }
    while (purge_oldest(true, now_ms)) {
    }
    hak_big_lock();
    hak_bigcache_drop_table(&hak_root.bigs.cache);
    hak_big_unlock();
}

/* Whether there was something. */
static bool release_all(void) {
    bool some = false;
    while (release_oldest(LEAVE_ALWAYS, 0)) {
        some = true;
    }
    hak_big_lock();
    hak_bigcache_drop_table(&hak_root.bigs.cache);
    hak_big_unlock();
    return some;
}

bool hak_big_trim(void) {
    return release_all();
}

/* ---- take ---- */

/* Pre: big.lock is held. */
static void count_taken(const struct hak_big *big) {
    struct hak_big_counters *counters = &hak_root.bigs.counters;
    counters->taken++;
    counters->live++;
    counters->live_bytes += big->size_bytes;
    hak_decay_live(big->size_bytes);
}

/* Pre: the block is the caller's, or the lock is held. */
static void set_spare(struct hak_big *big, size_t spare_bytes) {
    hak_decay_spare(spare_bytes - big->spare_bytes);
    big->spare_bytes = spare_bytes;
}

static size_t spare_beyond(const struct hak_big *big, size_t length_bytes) {
    return hak_bigcache_is_long(big->size_bytes, length_bytes) ? big->size_bytes - length_bytes : 0;
}

static struct hak_big *take_cached(size_t length_bytes, size_t align_bytes) {
    struct hak_bigs *bigs = &hak_root.bigs;
    hak_big_lock();
    struct hak_big *big = hak_bigcache_take(&bigs->cache, length_bytes, align_bytes);
    if (big != NULL) {
        set_state(big, HAK_BIG_LIVE);
        bigs->counters.hits++;
        count_taken(big);
        set_spare(big, spare_beyond(big, length_bytes)); /* of a clean one: a step at most, which is none */
    }
    hak_big_unlock();
    if (big != NULL) {
        purge_ended(big);
    }
    return big;
}

static bool wants_huge_pages(size_t length_bytes) {
    return hak_option(HUGE_PAGES) != 0 && length_bytes >= HAK_BIG_HUGE_MIN_BYTES &&
           length_bytes <= HAK_BIG_HUGE_MAX_BYTES;
}

static void ask_for_huge_pages(const struct hak_big *big) {
    if (wants_huge_pages(big->size_bytes)) {
        os_huge(big->base, big->size_bytes);
    }
}

/* A huge page stands where it is aligned to its length. Where kernels align mappings of such lengths by themselves, as
 * they do when they move them, it costs nothing to ask. */
static size_t huge_align_bytes(size_t length_bytes) {
    bool is_whole = length_bytes % HAK_BIG_HUGE_PAGE_BYTES == 0;
    return is_whole && wants_huge_pages(length_bytes) ? HAK_BIG_HUGE_PAGE_BYTES : HAK_PAGE_BYTES;
}

/* Have the system map what the record says, and enter it. On false nothing is left of it. */
static bool mapping_create(struct hak_big *big, size_t align_bytes) {
    size_t huge_bytes = huge_align_bytes(big->size_bytes);
    big->base = os_reserve(big->size_bytes, align_bytes > huge_bytes ? align_bytes : huge_bytes);
    if (big->base == NULL && align_bytes < huge_bytes) {
        big->base = os_reserve(big->size_bytes, align_bytes); /* it may take less room to find one */
    }
    if (big->base == NULL) {
        return false;
    }
    set_state(big, HAK_BIG_LIVE);
    if (os_commit(big->base, big->size_bytes) && hak_map_enter_big(big, big->base, big->size_bytes)) {
        hak_mark_fresh(big->base, big->size_bytes);
        ask_for_huge_pages(big);
        return true;
    }
    set_state(big, HAK_BIG_NONE);
    os_release(big->base, big->size_bytes);
    return false;
}

static struct hak_big *take_mapped(size_t length_bytes, size_t align_bytes) {
    struct hak_big *big = hak_meta_take(HAK_META_BIG, sizeof *big);
    if (big != NULL) {
        big->size_bytes = length_bytes;
        if (!mapping_create(big, align_bytes)) {
            hak_meta_give(HAK_META_BIG, big);
            big = NULL;
        }
    }
    if (big == NULL) {
        hak_ring_note(HAK_EVENT_REFUSED, length_bytes);
        return NULL;
    }
    hak_ring_note(HAK_EVENT_BIG_MAPPED, (uintptr_t)big->base);
    hak_big_lock();
    hak_root.bigs.counters.mapped++;
    count_taken(big);
    hak_big_unlock();
    return big;
}

void *hak_big_take(size_t size_bytes, size_t align_bytes, bool *zeroed) {
    size_t length_bytes = hak_bigcache_length(size_bytes);
    hak_debug_assert((align_bytes & (align_bytes - 1)) == 0);
    *zeroed = false;
    if (length_bytes == 0) {
        return NULL;
    }
    if (align_bytes < HAK_PAGE_BYTES) {
        align_bytes = HAK_PAGE_BYTES;
    }
    struct hak_big *big = take_cached(length_bytes, align_bytes);
    if (big == NULL) {
        big = take_mapped(length_bytes, align_bytes);
    }
    if (big == NULL && release_all()) {
        big = take_mapped(length_bytes, align_bytes);
    }
    if (big == NULL) {
        return NULL;
    }
    *zeroed = !big->dirty || HAK_FAULT_IF(BIGCACHE_KEEPS_ZERO, big->dirty);
    return big->base;
}

/* ---- give ---- */

/* Into the cache, or on the way out. Pre: big.lock is held, the mapping is live. */
static bool put_or_leave(struct hak_big *big, uint32_t now_ms) {
    struct hak_bigs *bigs = &hak_root.bigs;
    bigs->counters.live--;
    bigs->counters.live_bytes -= big->size_bytes;
    hak_decay_live(-big->size_bytes);
    set_spare(big, 0);
    hak_mark_closed(big->base, big->size_bytes);
    bool kept = hak_bigcache_accepts(big->size_bytes) && hak_bigcache_put(&bigs->cache, big, now_ms);
    if (kept) {
        set_state(big, HAK_BIG_CACHED);
    } else {
        set_leaving(big);
    }
    return kept;
}

/* The clock is read under the lock: the cache's list is in its order. */
bool hak_big_give(struct hak_big *big, const void *address) {
    hak_big_lock();
    if (!hak_big_is_live(big, address) &&
        !HAK_FAULT_IF(INTERIOR_FREE_UNSEEN, hak_load(&big->state, relaxed) == HAK_BIG_LIVE)) {
        hak_big_unlock();
        return false;
    }
    uint32_t now_ms = os_clock_ms();
    bool kept = put_or_leave(big, now_ms);
    hak_big_unlock();
    if (!kept) {
        release(big);
        return true;
    }
    while (release_oldest(LEAVE_WHEN_OVER, now_ms)) {
    }
    while (hak_decay_excess() > 0 && purge_oldest(false, now_ms)) {
    }
    return true;
}

/* ---- resize ---- */

/* The block has another length now, and maybe another place. `counter` says how. */
static void resized(struct hak_big *big, void *base, size_t length_bytes, uint64_t *counter) {
    hak_big_lock();
    hak_decay_live(length_bytes - big->size_bytes);
    hak_root.bigs.counters.live_bytes += length_bytes - big->size_bytes;
    hak_plain_store(big->base, base);
    big->size_bytes = length_bytes;
    set_spare(big, 0);
    ++*counter;
    hak_big_unlock();
}

static bool extend(struct hak_big *big, size_t length_bytes) {
    size_t more_bytes = length_bytes - big->size_bytes;
    char *end = big->base + big->size_bytes;
    if (!os_extend(big->base, big->size_bytes, length_bytes)) {
        return false;
    }
    if (!hak_map_enter_big(big, end, more_bytes)) {
        hak_mark_returned(end, more_bytes);
        os_release(end, more_bytes);
        return false;
    }
    hak_mark_fresh(end, more_bytes);
    resized(big, big->base, length_bytes, &hak_root.bigs.counters.extended);
    ask_for_huge_pages(big);
    return true;
}

/* Nothing happens when the map is refused a table: the block is large enough as it is. */
static void cut(struct hak_big *big, size_t length_bytes) {
    char *end = big->base + length_bytes;
    size_t less_bytes = big->size_bytes - length_bytes;
    if (!hak_map_split_big(end)) {
        return;
    }
    resized(big, big->base, length_bytes, &hak_root.bigs.counters.cut);
    hak_map_remove_big(end, less_bytes);
    hak_mark_closed(end, less_bytes);
    hak_mark_returned(end, less_bytes);
    os_release(end, less_bytes);
}

bool hak_big_resize(struct hak_big *big, size_t size_bytes) {
    size_t length_bytes = hak_bigcache_length(size_bytes);
    if (length_bytes == 0) {
        return false;
    }
    if (length_bytes > big->size_bytes) {
        return extend(big, hak_bigcache_grown_length(length_bytes));
    }
    if (big->spare_bytes != 0 && length_bytes >= big->size_bytes - big->spare_bytes) {
        set_spare(big, spare_beyond(big, length_bytes));
    } else if (hak_bigcache_is_long(big->size_bytes, length_bytes)) {
        cut(big, length_bytes);
    }
    return true;
}

/* However short the mapping: moving costs some 10 us, whatever is copied costs more from half a megabyte on even where
 * the target is resident, and from two pages on where it is not; big blocks begin above a megabyte. */
void *hak_big_move(struct hak_big *big, size_t size_bytes) {
    size_t length_bytes = hak_bigcache_length(size_bytes);
    if (length_bytes <= big->size_bytes) {
        return NULL;
    }
    length_bytes = hak_bigcache_grown_length(length_bytes);
    char *moved = hak_map_move_big(big, big->base, big->size_bytes, length_bytes);
    if (moved != NULL) {
        hak_mark_fresh(moved, length_bytes);
        if (HAK_FAULT(REMAP_KEEPS_LENGTH)) {
            length_bytes = big->size_bytes;
        }
        resized(big, moved, length_bytes, &hak_root.bigs.counters.moved);
        ask_for_huge_pages(big);
    }
    return moved;
}

/* ---- observation ---- */

const char *hak_big_check(size_t cached_count) {
    const struct hak_bigs *bigs = &hak_root.bigs;
    const char *broken = hak_bigcache_check(&bigs->cache);
    if (broken != NULL) {
        return broken;
    }
    /* Some are leaving in the child of a fork, for ever. */
    if (cached_count < bigs->cache.count || cached_count > bigs->cache.count + bigs->leaving) {
        return "I33: every freed mapping that the map knows is in the BigCache";
    }
    return NULL;
}

void hak_big_totals(struct hak_big_totals *totals) {
    const struct hak_bigs *bigs = &hak_root.bigs;
    hak_big_lock();
    const struct hak_big_counters counters = bigs->counters;
    const struct hak_bigcache cache = bigs->cache;
    hak_big_unlock();
    *totals = (struct hak_big_totals){
        .taken = counters.taken,
        .live = counters.live,
        .live_bytes = counters.live_bytes,
        .cached = cache.count,
        .cached_bytes = cache.bytes,
        .cached_dirty_bytes = cache.dirty_bytes,
        .hits = counters.hits,
        .misses = counters.taken - counters.hits,
        .mapped = counters.mapped,
        .released = counters.released,
        .purged = counters.purged,
        .resized = counters.extended + counters.cut,
        .extended = counters.extended,
        .cut = counters.cut,
        .moved = counters.moved,
        .buckets = cache.bucket_count,
        .grown = cache.grown,
        .shrunk = cache.shrunk,
    };
}
