/* bigcache: freed mappings that wait for reuse, as a hash table by length that resizes itself, and a list by age.
 *
 * Lengths are whole pages, rounded up to steps: every number up to 8, then eight to a doubling, 12.5 % apart at most.
 * Lengths that ask for huge pages are whole ones of these, where that makes them no more than a seventh longer: what
 * begins and ends with huge pages keeps them when it grows.
 * Steps are numbered, and a step's number is its hash: lengths that are near to each other never share a bucket of a
 * table that is large enough for both. Buckets are chained through the records, newest first.
 *
 * The table begins with HAK_GEO->big_buckets buckets, doubles when it would hold more entries than buckets, and halves
 * when it holds fewer than an eighth as many. It is memory of the system's. Growing takes a new one: when the system
 * refuses that, the old one goes on, only with longer chains. Halving is done in place and cannot fail. An empty
 * cache may have no table at all.
 *
 * The list is by the time of being freed. An entry is dirty (decay.h) until it is purged, and the oldest is purged
 * first: from the old end of the list on there are only clean entries up to dirty_oldest, and only dirty ones from
 * there.
 *
 * Owns struct hak_bigcache, part of struct hak_bigs. Pre, for all that has a cache: big.lock is held. */
#ifndef HAKMEM_ALLOCATOR_BIGCACHE_H
#define HAKMEM_ALLOCATOR_BIGCACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hak_big;

/* Mappings of such lengths ask for huge pages (big.h). */
enum {
    HAK_BIG_HUGE_PAGE_BYTES = 2 << 20, /* of most systems; where theirs have another length nothing is lost */
    HAK_BIG_HUGE_MIN_BYTES = HAK_BIG_HUGE_PAGE_BYTES,
    HAK_BIG_HUGE_MAX_BYTES = 64 << 20,
};

struct hak_bigcache {
    struct hak_big **buckets; /* NULL: no table, no entries */
    size_t bucket_count;      /* a power of two, or 0 */
    size_t count;             /* entries */
    size_t bytes;             /* their memory */
    size_t dirty_bytes;       /* of these, dirty */
    struct hak_big *oldest;
    struct hak_big *youngest;
    struct hak_big *dirty_oldest; /* NULL: none is dirty */
    bool growth_refused;          /* count may be above bucket_count */
    uint64_t grown, shrunk;       /* how often */
};

/* The length of a mapping that serves a request of that size; 0 when there is none such. Pure. */
size_t hak_bigcache_length(size_t size_bytes);
/* The length that a mapping gets that grows to length_bytes: what grows is likely to grow on, and whole huge pages may
 * make it a third longer. Pure. */
size_t hak_bigcache_grown_length(size_t length_bytes);
/* Whether a mapping has more than a step too much for a request of that length. Pure. */
bool hak_bigcache_is_long(size_t mapping_bytes, size_t length_bytes);

/* Put a mapping in that was just freed: dirty, the youngest. False, with nothing changed, when the system refuses a
 * table. now_ms never goes back from call to call. */
bool hak_bigcache_put(struct hak_bigcache *cache, struct hak_big *big, uint32_t now_ms);
/* Put one back in that was taken out to be purged, and was: clean, at the place of its age. False likewise. */
bool hak_bigcache_put_back(struct hak_bigcache *cache, struct hak_big *big);
/* Take a mapping out, at an aligned address: the shortest dirty one of at most twice that length, else a clean one of
 * it or the next. NULL when none is found. */
struct hak_big *hak_bigcache_take(struct hak_bigcache *cache, size_t length_bytes, size_t align_bytes);
/* Take one out. Its `dirty` tells what it was. */
void hak_bigcache_remove(struct hak_bigcache *cache, struct hak_big *big);
/* Take the oldest out, if it is past its time to live; else NULL. */
struct hak_big *hak_bigcache_expire(struct hak_bigcache *cache, uint32_t now_ms);
/* Whether the bounds of count and bytes are passed, and whether they leave room for a mapping of that size at all. */
bool hak_bigcache_is_over(const struct hak_bigcache *cache);
bool hak_bigcache_accepts(size_t mapping_bytes);
/* Give the table of an empty cache back. */
void hak_bigcache_drop_table(struct hak_bigcache *cache);

/* Proof. NULL, or one line that names what does not hold. */
const char *hak_bigcache_check(const struct hak_bigcache *cache);

#endif
