/* stats: what the allocator holds and has done, as numbers, text, JSON and XML.
 *
 * One table: a row a number, by group. Sums are taken over heaps, shards and the shared parts, each under its own lock,
 * one after the other: while other threads go on, numbers of different moments may not add up. Blocks in the caches of
 * other threads count as live, since only their owners may count those. Allocates nothing. Any thread, no lock held. */
#ifndef HAKMEM_ALLOCATOR_STATS_H
#define HAKMEM_ALLOCATOR_STATS_H

#include <stdint.h>

#include "allocator/print.h"

/* group, name, meaning. Names are what JSON shows; within a group each is there once. */
#define HAK_STATS_TABLE(X)                                                                                             \
    X(TINY, blocks, "blocks handed to threads so far")                                                                 \
    X(TINY, refills, "batches they came in")                                                                           \
    X(TINY, slabs, "slabs in use")                                                                                     \
    X(TINY, slab_bytes, "their memory")                                                                                \
    X(TINY, clean_bytes, "of this, pages that are not resident")                                                       \
    X(TINY, live_blocks, "blocks in use, or in another thread's cache")                                                \
    X(TINY, live_bytes, "their memory")                                                                                \
    X(TINY, free_blocks, "blocks that were in use and are back in their slabs")                                        \
    X(POOL, blocks, "blocks handed to threads so far")                                                                 \
    X(POOL, refills, "batches they came in")                                                                           \
    X(POOL, slabs, "slabs in use")                                                                                     \
    X(POOL, slab_bytes, "their memory")                                                                                \
    X(POOL, clean_bytes, "of this, pages that are not resident")                                                       \
    X(POOL, live_blocks, "blocks in use, or in another thread's cache")                                                \
    X(POOL, live_bytes, "their memory")                                                                                \
    X(POOL, free_blocks, "blocks that were in use and are back in their slabs")                                        \
    X(RUN, blocks, "blocks handed out so far")                                                                         \
    X(RUN, live_blocks, "blocks in use")                                                                               \
    X(RUN, live_bytes, "their memory")                                                                                 \
    X(RUN, resized, "blocks that were resized where they are")                                                         \
    X(RUN, regions, "regions mapped")                                                                                  \
    X(RUN, contended, "times a shard was found taken")                                                                 \
    X(BIG, blocks, "blocks handed out so far")                                                                         \
    X(BIG, live_blocks, "blocks in use")                                                                               \
    X(BIG, live_bytes, "their memory")                                                                                 \
    X(BIG, resized, "blocks that were resized where they are")                                                         \
    X(BIG, moved, "blocks that the system moved")                                                                      \
    X(BIG, cached_blocks, "mappings in the BigCache")                                                                  \
    X(BIG, cached_bytes, "their memory")                                                                               \
    X(BIG, cache_hits, "blocks that came from it")                                                                     \
    X(SUPERSLAB, mapped, "SuperSlabs mapped")                                                                          \
    X(SUPERSLAB, cached, "of these, in the lazy cache")                                                                \
    X(SUPERSLAB, created, "made so far")                                                                               \
    X(SUPERSLAB, released, "given back so far")                                                                        \
    X(SUPERSLAB, reused, "taken from the lazy cache so far")                                                           \
    X(SUPERSLAB, slabs_taken, "free slabs bound so far")                                                               \
    X(SUPERSLAB, slabs_given, "empty slabs that came back so far")                                                     \
    X(MEMORY, live_bytes, "slabs, runs and mappings in use")                                                           \
    X(MEMORY, dirty_bytes, "free memory that is resident")                                                             \
    X(MEMORY, purged_bytes, "free memory purged so far")                                                               \
    X(MEMORY, slab_purged_bytes, "of these, inside slabs in use")                                                      \
    X(MEMORY, metadata_bytes, "the allocator's own records")                                                           \
    X(THREAD, heaps, "heaps made")                                                                                     \
    X(THREAD, adopted, "heaps of ended threads taken over")                                                            \
    X(THREAD, flushes, "times a full cache gave blocks back")                                                          \
    X(THREAD, remote_pushed, "blocks freed for other threads")                                                         \
    X(THREAD, remote_drained, "of these, come home")                                                                   \
    X(THREAD, helped, "queues of idle threads emptied by others")                                                      \
    X(ERROR, bad_pointers, "calls with a pointer of no block")

/* id, name: the groups that are tiers stand first. */
#define HAK_STATS_GROUPS(X)                                                                                            \
    X(TINY, "tiny")                                                                                                    \
    X(POOL, "pool")                                                                                                    \
    X(RUN, "run") X(BIG, "big") X(SUPERSLAB, "superslab") X(MEMORY, "memory") X(THREAD, "thread") X(ERROR, "error")
enum hak_stats_group {
#define HAK_STATS_GROUP_ENUM(id, name) HAK_STATS_##id,
    HAK_STATS_GROUPS(HAK_STATS_GROUP_ENUM)
#undef HAK_STATS_GROUP_ENUM
        HAK_STATS_GROUP_COUNT,
    HAK_STATS_TIERS = HAK_STATS_SUPERSLAB
};

enum hak_stat {
#define HAK_STAT_ENUM(group, name, meaning) HAK_STAT_##group##_##name,
    HAK_STATS_TABLE(HAK_STAT_ENUM)
#undef HAK_STAT_ENUM
        HAK_STAT_COUNT
};

struct hak_stats {
    uint64_t value[HAK_STAT_COUNT];
};

/* Takes heap locks, pool.lock and shard locks, one at a time. */
void hak_stats_take(struct hak_stats *stats);

void hak_stats_print_text(const struct hak_stats *stats, struct hak_print *print);
/* One object on one line, without a newline; the controller's rules and the options that are not at their default too.
 */
void hak_stats_print_json(const struct hak_stats *stats, struct hak_print *print);
/* malloc_info's document. */
void hak_stats_print_xml(const struct hak_stats *stats, struct hak_print *print);

/* What HAKMEM_STATS and HAKMEM_STATS_FILE ask for, at the end of the process. */
void hak_stats_exit(void);

#endif
