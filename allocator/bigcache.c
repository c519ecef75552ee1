/* bigcache: steps, the table, the list by age, bounds, proof. */
#include "allocator/bigcache.h"

#include "allocator/annotate.h"
#include "allocator/assert.h"
#include "allocator/fault.h"
#include "allocator/root.h"

/* Entries of a bucket that are looked at: where many lie at addresses that are not aligned as asked for, or more
 * entries of other lengths share the bucket than a table that could not grow should have, mapping anew is faster. */
enum { LOOKED_AT = 32 };
enum { FEW = 8 }; /* the table halves when it has more than so many buckets for an entry */

#define BIGCACHE_PROOF(id, name, page_shift, superslab_shift, tiny_shift, pool_shift, region_shift, blocks, pool_max,  \
                       run_max, cache_min, cache_max, refill, prewarm, remote, lazy, regions, big_buckets, ...)        \
    _Static_assert((big_buckets) > 0 && ((big_buckets) & ((big_buckets)-1)) == 0, name ": buckets are a power of two");
HAK_GEOMETRY_TABLE(BIGCACHE_PROOF)

/* ---- steps ---- */

static uint32_t log2_floor(size_t value) {
    return 63 - (uint32_t)__builtin_clzll(value);
}

/* Up to whole huge pages, where one of `share` parts of the result is new at most. */
static size_t whole_huge(size_t length_bytes, size_t share) {
    size_t whole_bytes = (length_bytes + HAK_BIG_HUGE_PAGE_BYTES - 1) & ~(size_t)(HAK_BIG_HUGE_PAGE_BYTES - 1);
    bool asks = length_bytes > HAK_BIG_HUGE_MIN_BYTES && length_bytes <= HAK_BIG_HUGE_MAX_BYTES;
    return asks && whole_bytes - length_bytes <= whole_bytes / share ? whole_bytes : length_bytes;
}

size_t hak_bigcache_length(size_t size_bytes) {
    if (size_bytes > PTRDIFF_MAX - HAK_PAGE_BYTES) {
        return 0;
    }
    size_t pages = size_bytes == 0 ? 1 : (size_bytes + HAK_PAGE_BYTES - 1) >> HAK_PAGE_SHIFT;
    if (pages > 8) {
        size_t step = (size_t)1 << (log2_floor(pages) - 3);
        pages = (pages + step - 1) & ~(step - 1);
    }
    return pages > (size_t)PTRDIFF_MAX >> HAK_PAGE_SHIFT ? 0 : whole_huge(pages << HAK_PAGE_SHIFT, 8);
}

size_t hak_bigcache_grown_length(size_t length_bytes) {
    return whole_huge(length_bytes, 4);
}

/* The number of a length's step: 1, 2, 3 ... without gap. */
static uint32_t step_of(size_t length_bytes) {
    size_t pages = length_bytes >> HAK_PAGE_SHIFT;
    uint32_t doubling = pages < 8 ? 0 : log2_floor(pages) - 3;
    return doubling * 8 + (uint32_t)(pages >> doubling);
}

static size_t next_length(size_t length_bytes) {
    return hak_bigcache_length(length_bytes + 1);
}

bool hak_bigcache_is_long(size_t mapping_bytes, size_t length_bytes) {
    return mapping_bytes > next_length(length_bytes);
}

/* ---- buckets ---- */

static struct hak_big **bucket_at(const struct hak_bigcache *cache, uint32_t step) {
    return &cache->buckets[step & (cache->bucket_count - 1)];
}

static void bucket_insert(const struct hak_bigcache *cache, struct hak_big *big) {
    struct hak_big **head = bucket_at(cache, step_of(big->size_bytes));
    big->previous = NULL;
    big->next = *head;
    if (big->next != NULL) {
        big->next->previous = big;
    }
    *head = big;
}

static void bucket_remove(const struct hak_bigcache *cache, struct hak_big *big) {
    struct hak_big **head = bucket_at(cache, step_of(big->size_bytes));
    struct hak_big **place = big->previous == NULL ? head : &big->previous->next;
    hak_assert(*place == big);
    *place = big->next;
    if (big->next != NULL) {
        big->next->previous = big->previous;
    }
    big->next = big->previous = NULL;
}

static struct hak_big *bucket_find(const struct hak_bigcache *cache, uint32_t step, size_t align_bytes, bool dirty) {
    struct hak_big *big = *bucket_at(cache, step);
    for (uint32_t looked = 0; big != NULL && looked < LOOKED_AT; looked++) {
        if (step_of(big->size_bytes) == step && big->dirty == dirty &&
            ((uintptr_t)big->base & (align_bytes - 1)) == 0) {
            return big;
        }
        big = big->next;
    }
    return NULL;
}

/* ---- the table ---- */

static size_t table_bytes(size_t bucket_count) {
    return (bucket_count * sizeof(struct hak_big *) + HAK_PAGE_BYTES - 1) & ~(HAK_PAGE_BYTES - 1);
}

static struct hak_big **table_take(size_t bucket_count) {
    size_t bytes = table_bytes(bucket_count);
    struct hak_big **buckets = os_reserve(bytes, HAK_PAGE_BYTES);
    if (buckets == NULL) {
        return NULL;
    }
    if (!os_commit(buckets, bytes)) {
        os_release(buckets, bytes);
        return NULL;
    }
    os_announce(buckets, bucket_count * sizeof *buckets);
    hak_mark_open(buckets, bytes);
    return buckets;
}

static void table_give(void *address, size_t bytes) {
    if (bytes != 0) {
        hak_mark_closed(address, bytes);
        hak_mark_returned(address, bytes);
        os_release(address, bytes);
    }
}

/* The first table, or one twice as large. The list knows every entry, and walking it from its old end leaves the newest
 * first in each bucket. */
static bool table_grow(struct hak_bigcache *cache) {
    struct hak_big **old_buckets = cache->buckets;
    size_t old_count = cache->bucket_count;
    size_t new_count = old_buckets == NULL ? HAK_GEO->big_buckets : old_count * 2;
    struct hak_big **buckets = table_take(new_count);
    if (buckets == NULL) {
        return false;
    }
    cache->buckets = buckets;
    cache->bucket_count = new_count;
    for (struct hak_big *big = cache->oldest; big != NULL; big = big->younger) {
        if (HAK_FAULT_IF(BIGCACHE_LOSES_ON_GROW, big->next == NULL && big->previous != NULL)) {
            continue;
        }
        bucket_insert(cache, big);
    }
    if (old_buckets != NULL) {
        cache->grown++;
        table_give(old_buckets, table_bytes(old_count));
    }
    return true;
}

/* The upper half's chains go in front of the lower half's. */
static void table_halve(struct hak_bigcache *cache) {
    size_t half = cache->bucket_count / 2;
    for (size_t i = 0; i < half; i++) {
        struct hak_big *upper = cache->buckets[half + i];
        struct hak_big *lower = cache->buckets[i];
        struct hak_big *last = upper;
        while (last != NULL && last->next != NULL) {
            last = last->next;
        }
        if (last != NULL) {
            last->next = lower;
            cache->buckets[i] = upper;
        }
        if (last != NULL && lower != NULL) {
            lower->previous = last;
        }
    }
    size_t kept_bytes = table_bytes(half);
    table_give((char *)cache->buckets + kept_bytes, table_bytes(cache->bucket_count) - kept_bytes);
    cache->bucket_count = half;
    cache->shrunk++;
}

static bool is_sparse(const struct hak_bigcache *cache) {
    return cache->bucket_count > HAK_GEO->big_buckets && cache->count < cache->bucket_count / FEW;
}

void hak_bigcache_drop_table(struct hak_bigcache *cache) {
    if (cache->count == 0 && cache->buckets != NULL) {
        table_give(cache->buckets, table_bytes(cache->bucket_count));
        cache->buckets = NULL;
        cache->bucket_count = 0;
    }
}

/* Room for one more entry. False when there is no table. It is made up for when growing was refused before. */
static bool table_make_room(struct hak_bigcache *cache) {
    bool grown = true;
    while (cache->count >= cache->bucket_count && grown) {
        grown = table_grow(cache);
    }
    cache->growth_refused = !grown && cache->buckets != NULL;
    return cache->buckets != NULL;
}

/* ---- the list by age ---- */

/* Put an entry behind `older`, or at the old end where that is NULL. */
static void list_insert(struct hak_bigcache *cache, struct hak_big *big, struct hak_big *older) {
    big->older = older;
    big->younger = older == NULL ? cache->oldest : older->younger;
    *(big->older == NULL ? &cache->oldest : &big->older->younger) = big;
    *(big->younger == NULL ? &cache->youngest : &big->younger->older) = big;
    cache->count++;
    cache->bytes += big->size_bytes;
}

static void list_remove(struct hak_bigcache *cache, struct hak_big *big) {
    *(big->older == NULL ? &cache->oldest : &big->older->younger) = big->younger;
    *(big->younger == NULL ? &cache->youngest : &big->younger->older) = big->older;
    if (cache->dirty_oldest == big) {
        cache->dirty_oldest = big->younger;
    }
    big->younger = big->older = NULL;
    cache->count--;
    cache->bytes -= big->size_bytes;
    if (big->dirty) {
        cache->dirty_bytes -= big->size_bytes;
        hak_decay_dirty(-big->size_bytes);
    }
}

/* ---- entries ---- */

bool hak_bigcache_put(struct hak_bigcache *cache, struct hak_big *big, uint32_t now_ms) {
    if (!table_make_room(cache)) {
        return false;
    }
    big->since_ms = now_ms;
    big->dirty = true;
    bucket_insert(cache, big);
    list_insert(cache, big, cache->youngest);
    if (cache->dirty_oldest == NULL) {
        cache->dirty_oldest = big;
    }
    cache->dirty_bytes += big->size_bytes;
    hak_decay_dirty(big->size_bytes);
    return true;
}

/* It was the oldest dirty one: its place is next to where those begin now, or a little older if another thread was
 * faster with one that was its neighbour. */
bool hak_bigcache_put_back(struct hak_bigcache *cache, struct hak_big *big) {
    if (!table_make_room(cache)) {
        return false;
    }
    struct hak_big *older = cache->dirty_oldest != NULL ? cache->dirty_oldest->older : cache->youngest;
    while (older != NULL && (int32_t)(older->since_ms - big->since_ms) > 0) {
        older = older->older;
    }
    big->dirty = false;
    bucket_insert(cache, big);
    list_insert(cache, big, older);
    return true;
}

static void after_removal(struct hak_bigcache *cache) {
    if (is_sparse(cache)) {
        table_halve(cache);
    }
    cache->growth_refused = cache->growth_refused && cache->count > cache->bucket_count;
}

void hak_bigcache_remove(struct hak_bigcache *cache, struct hak_big *big) {
    bucket_remove(cache, big);
    list_remove(cache, big);
    after_removal(cache);
}

/* The shortest dirty one up to twice as long: what is resident is worth more than it has too much. */
static struct hak_big *find_dirty(const struct hak_bigcache *cache, size_t length_bytes, size_t align_bytes) {
    struct hak_big *big = NULL;
    for (uint32_t step = step_of(length_bytes), end = step_of(2 * length_bytes); big == NULL && step <= end; step++) {
        big = bucket_find(cache, step, align_bytes, true);
    }
    return big;
}

static struct hak_big *find_clean(const struct hak_bigcache *cache, size_t length_bytes, size_t align_bytes) {
    struct hak_big *big = bucket_find(cache, step_of(length_bytes), align_bytes, false);
    return big != NULL ? big : bucket_find(cache, step_of(next_length(length_bytes)), align_bytes, false);
}

struct hak_big *hak_bigcache_take(struct hak_bigcache *cache, size_t length_bytes, size_t align_bytes) {
    if (cache->count == 0) {
        return NULL;
    }
    struct hak_big *big = cache->dirty_bytes == 0 ? NULL : find_dirty(cache, length_bytes, align_bytes);
    big = big != NULL ? big : find_clean(cache, length_bytes, align_bytes);
    if (HAK_FAULT_ARMED(BIGCACHE_WRONG_SIZE) && big == NULL) {
        struct hak_big *shorter = bucket_find(cache, step_of(length_bytes) - 1, align_bytes, true);
        big = HAK_FAULT_IF(BIGCACHE_WRONG_SIZE, shorter != NULL) ? shorter : NULL;
    }
    if (big != NULL) {
        hak_bigcache_remove(cache, big);
    }
    return big;
}

struct hak_big *hak_bigcache_expire(struct hak_bigcache *cache, uint32_t now_ms) {
    struct hak_big *oldest = cache->oldest;
    uint32_t limit_ms = hak_option(BIG_CACHE_TTL_SEC) * 1000;
    if (oldest == NULL || hak_decay_age_ms(oldest->since_ms, now_ms) < limit_ms) {
        return NULL;
    }
    if (!HAK_FAULT(BIGCACHE_STALE_AFTER_TTL)) {
        bucket_remove(cache, oldest);
    }
    list_remove(cache, oldest);
    after_removal(cache);
    return oldest;
}

bool hak_bigcache_is_over(const struct hak_bigcache *cache) {
    return cache->count > hak_option(BIG_CACHE_MAX_COUNT) ||
           cache->bytes > (uint64_t)hak_option(BIG_CACHE_MAX_MEMORY_MB) << 20;
}

bool hak_bigcache_accepts(size_t mapping_bytes) {
    return hak_option(BIG_CACHE_MAX_COUNT) != 0 && mapping_bytes <= (uint64_t)hak_option(BIG_CACHE_MAX_MEMORY_MB) << 20;
}

/* ---- proof ---- */

static bool table_is_valid(const struct hak_bigcache *cache) {
    if (cache->buckets == NULL) {
        return cache->bucket_count == 0 && cache->count == 0;
    }
    return cache->bucket_count >= HAK_GEO->big_buckets && (cache->bucket_count & (cache->bucket_count - 1)) == 0 &&
           !is_sparse(cache) && (cache->count <= cache->bucket_count || cache->growth_refused);
}

static bool buckets_are_valid(const struct hak_bigcache *cache) {
    size_t count = 0;
    for (size_t i = 0; i < cache->bucket_count; i++) {
        const struct hak_big *previous = NULL;
        for (const struct hak_big *big = cache->buckets[i]; big != NULL; previous = big, big = big->next) {
            if (++count > cache->count || big->previous != previous ||
                hak_load(&big->state, relaxed) != HAK_BIG_CACHED ||
                bucket_at(cache, step_of(big->size_bytes)) != &cache->buckets[i]) {
                return false;
            }
        }
    }
    return count == cache->count;
}

static bool is_in_its_bucket_once(const struct hak_bigcache *cache, const struct hak_big *big) {
    size_t found = 0;
    for (const struct hak_big *at = *bucket_at(cache, step_of(big->size_bytes)); at != NULL; at = at->next) {
        found += at == big;
    }
    return found == 1;
}

/* The list, in what it says of itself. */
static bool list_is_valid(const struct hak_bigcache *cache) {
    size_t count = 0, bytes = 0, dirty_bytes = 0;
    const struct hak_big *older = NULL, *dirty_oldest = NULL;
    for (const struct hak_big *big = cache->oldest; big != NULL; older = big, big = big->younger) {
        if (++count > cache->count || big->older != older || (!big->dirty && dirty_oldest != NULL) ||
            (older != NULL && (int32_t)(big->since_ms - older->since_ms) < 0)) {
            return false;
        }
        dirty_oldest = dirty_oldest == NULL && big->dirty ? big : dirty_oldest;
        bytes += big->size_bytes;
        dirty_bytes += big->dirty ? big->size_bytes : 0;
    }
    return cache->youngest == older && cache->dirty_oldest == dirty_oldest && count == cache->count &&
           bytes == cache->bytes && dirty_bytes == cache->dirty_bytes;
}

const char *hak_bigcache_check(const struct hak_bigcache *cache) {
    if (!table_is_valid(cache)) {
        return "I27: the BigCache's table is of a size that its rule allows";
    }
    if (!buckets_are_valid(cache)) {
        return "I28: a bucket of the BigCache holds cached mappings of its lengths only";
    }
    if (!list_is_valid(cache)) {
        return "I30: the BigCache's list is in the order of age, dirty ones last, and counts right";
    }
    for (const struct hak_big *big = cache->oldest; big != NULL; big = big->younger) {
        if (!is_in_its_bucket_once(cache, big)) {
            return "I29: a cached mapping is in its bucket, once";
        }
        if (hak_bigcache_length(big->size_bytes) != big->size_bytes) {
            return "I31: the length of a mapping is a step";
        }
        if (hak_map_big(big->base) != big || hak_map_big(big->base + big->size_bytes - 1) != big) {
            return "I32: the map knows first and last page of a cached mapping";
        }
    }
    return NULL;
}
