/* fault: the catalogue. */
#include "oracle/fault.h"

#include <string.h>

/* Beside the check of a row: others that may see its bug first, or none. */
#define ALONE
#define OR(check) | UINT64_C(1) << CHECK_##check

/* id, name, origin, title, class, needs, other checks, check, target; the rows are in the order of allocator/fault.h.
 */
#define CATALOGUE(ROW, with)                                                                                           \
    ROW(with, CARVE_BY_USED, "carve-by-used", "the lineage",                                                           \
        "refill cut blocks at index `used`, which falls with every free", CARVING,                                     \
        "a free that reaches its slab, then a refill that carves", OR(LEAK_LINK) OR(ACCOUNTING) OR(INVARIANT),         \
        DOUBLE_ALLOC, SEQUENCE)                                                                                        \
    ROW(with, LINK_PAST_BLOCK, "link-past-block", "the lineage",                                                       \
        "the link of an 8 B block stood behind its header, past its end", LINKS,                                       \
        "two neighbouring 8 B blocks, one free", OR(INVARIANT) OR(ACCOUNTING) OR(CRASH), CONTENT_CHANGED, SEQUENCE)    \
    ROW(with, SENTINEL_LEAK, "sentinel-leak", "the lineage",                                                           \
        "a drained queue was spliced into a free list with its sentinel", SENTINELS,                                   \
        "a thread ends with blocks in flight, they are freed, the heap is adopted", OR(INVARIANT), SENTINEL_IN_LIST,   \
        THREADS)                                                                                                       \
    ROW(with, BORN_MARKED, "born-marked", "the lineage", "a chunk's first bitmap word was born with a bit set",        \
        METADATA, "any slab", OR(INVARIANT), ACCOUNTING, SEQUENCE)                                                     \
    ROW(with, CLASS_ROUND_DOWN, "class-round-down", "the lineage",                                                     \
        "a size at a class edge took the class below once its header was counted", SIZES, "a size one above an edge",  \
        OR(CRASH) OR(ACCOUNTING) OR(REALLOC_PREFIX) OR(USABLE_SMALL) OR(CONTENT_CHANGED), OVERLAP, SEQUENCE)           \
    ROW(with, OWNER_8BIT, "owner-8bit", "the lineage",                                                                 \
        "slabs kept the low 8 bits of the owner's id, which two threads shared", OWNERSHIP,                            \
        "three threads, the third frees a block of the first", OR(INVARIANT), ACCOUNTING, THREADS)                     \
    ROW(with, SLAB_TWO_CLASSES, "slab-two-classes", "the lineage",                                                     \
        "the shared pool handed a slab out before unlinking it", OWNERSHIP, "a slab from the pool, or two",            \
        OR(DOUBLE_ALLOC) OR(USABLE_SMALL), ACCOUNTING, SEQUENCE)                                                       \
    ROW(with, RELEASE_UNDER_REMOTE, "release-under-remote", "the lineage",                                             \
        "a remote free counted the block down before the owner had it", OWNERSHIP,                                     \
        "all blocks of a slab freed, one of them remotely, slab given back before the drain",                          \
        OR(ACCOUNTING) OR(INVARIANT), LINK_BROKEN, THREADS)                                                            \
    ROW(with, STALE_METADATA, "stale-metadata", "the lineage",                                                         \
        "a cached SuperSlab was bound again without clearing its slabs", METADATA,                                     \
        "a slab empties, goes to the pool and comes back", ALONE, LINK_BROKEN, SEQUENCE)                               \
    ROW(with, RELEASE_LIVE, "release-live", "the lineage",                                                             \
        "an age limit unmapped a SuperSlab that still had a live block", AGE, "trim with one slab in use",             \
        OR(CRASH) OR(DOUBLE_ALLOC) OR(ACCOUNTING) OR(INVARIANT) OR(OVERLAP), CONTENT_CHANGED, SEQUENCE)                \
    ROW(with, MAP_LOSES_PAGE, "map-loses-page", "the lineage",                                                         \
        "a table that resized lost the entry next to the one it moved", GROWTH,                                        \
        "two mappings in one cell of the region map, the one with more pages there released", OR(INVARIANT),           \
        ACCOUNTING, SEQUENCE)                                                                                          \
    ROW(with, FALLBACK_MALLOC, "fallback-malloc", "the lineage", "out of memory fell back to another malloc", FAILURE, \
        "a system request that fails", OR(IMPOSSIBLE_SUCCESS) OR(CRASH), OUTSIDE_WORLD, OOM)                           \
    ROW(with, CACHE_KEEPS_HEAD, "cache-keeps-head", "tcache-like caches", "a pop that forgets to move the head",       \
        DUPLICATES, "two allocations from a cache of one", OR(ACCOUNTING) OR(CRASH), DOUBLE_ALLOC, SEQUENCE)           \
    ROW(with, CALLOC_SKIPS_ZERO, "calloc-skips-zero", "several", "calloc trusts that reused memory is fresh", ZERO,    \
        "calloc of a block that was used before", ALONE, CALLOC_NONZERO, SEQUENCE)                                     \
    ROW(with, REALLOC_SHORT_COPY, "realloc-short-copy", "several", "realloc copies whole words only", COPY,            \
        "realloc that moves", ALONE, REALLOC_PREFIX, SEQUENCE)                                                         \
    ROW(with, REALLOC_FREES_OLD, "realloc-frees-old", "several",                                                       \
        "realloc frees the old block though the new one failed", FAILURE,                                              \
        "realloc that moves while the system refuses", OR(CONTENT_CHANGED) OR(INVARIANT), REALLOC_HARMED, OOM)         \
    ROW(with, ALIGN_IGNORED, "align-ignored", "several", "aligned_alloc picks a class by size alone", SIZES,           \
        "an alignment above 16 that the size's class does not have", ALONE, MISALIGNED, SEQUENCE)                      \
    ROW(with, ERRNO_MISSING, "errno-missing", "several", "NULL without ENOMEM", FAILURE, "any failing request", ALONE, \
        ERRNO_CONTRACT, OOM)                                                                                           \
    ROW(with, USABLE_OVERSTATES, "usable-overstates", "several", "usable size counts a header that is not the user's", \
        OFFSETS, "malloc_usable_size beside a live neighbour", OR(USABLE_SMALL), USABLE_OVERLAP, SEQUENCE)             \
    ROW(with, LINK_LEFT, "link-left", "most mallocs", "a popped block still shows its link", LINKS,                    \
        "a block that was in a list", ALONE, LEAK_LINK, SEQUENCE)                                                      \
    ROW(with, SENTINEL_VISIBLE, "sentinel-visible", "the lineage",                                                     \
        "the sentinel stayed in a block that was handed out", SENTINELS,                                               \
        "a block freed into a closed queue, adopted, allocated again", ALONE, LEAK_SENTINEL, THREADS)                  \
    ROW(with, FLUSH_DROPS, "flush-drops", "the lineage", "a flush stopped one block early", ACCOUNTING,                \
        "a cache flushed to zero", ALONE, BLOCK_LOST, THREADS)                                                         \
    ROW(with, LOCK_KEPT, "lock-kept", "several", "an early return on the failing path keeps the lock", FAILURE,        \
        "a slab request that fails, then another", ALONE, DEADLOCK, OOM)                                               \
    ROW(with, OVERFLOW_IGNORED, "overflow-ignored", "several, e.g. CVE-2021-3420 (newlib)", "count times size wraps",  \
        SIZES, "calloc or reallocarray with a product above SIZE_MAX", ALONE, IMPOSSIBLE_SUCCESS, SEQUENCE)            \
    ROW(with, STATE_OUTSIDE_ROOT, "state-outside-root", "this project", "a static counter that no reset sees",         \
        METADATA, "several refills", ALONE, NONDETERMINISM, SEQUENCE)                                                  \
    ROW(with, GROWTH_LIMIT, "growth-limit", "the lineage", "a fixed table of SuperSlabs that filled up", GROWTH,       \
        "more than four SuperSlabs", ALONE, SPURIOUS_FAILURE, SEQUENCE)                                                \
    ROW(with, ADOPT_NULL, "adopt-null", "several", "adoption follows the next heap in the list, which may be none",    \
        THREAD_EXIT, "adoption of the last orphan", ALONE, CRASH, THREADS)                                             \
    ROW(with, USABLE_UNDERSTATES, "usable-understates", "several", "usable size of the class below", OFFSETS,          \
        "malloc_usable_size of a block that is nearly full", ALONE, USABLE_SMALL, SEQUENCE)                            \
    ROW(with, TRIM_FORGETS, "trim-forgets", "several", "a loop over a list that ends one early", ACCOUNTING,           \
        "malloc_trim with empty SuperSlabs", ALONE, NOT_RETURNED, SEQUENCE)                                            \
    ROW(with, RUN_JOIN_LOSES_NEIGHBOUR, "run-join-loses-neighbour", "buddy and extent allocators",                     \
        "a run joined with its neighbour leaves that in its bin", METADATA, "a run freed in front of a free one",      \
        OR(INVARIANT) OR(CRASH), ACCOUNTING, SEQUENCE)                                                                 \
    ROW(with, RUN_KEEPS_ZERO, "run-keeps-zero", "mimalloc 50088412",                                                   \
        "calloc of a large block trusts that it is fresh", ZERO, "calloc of a run that was used before", ALONE,        \
        CALLOC_NONZERO, SEQUENCE)                                                                                      \
    ROW(with, RUN_TAIL_SHORT, "run-tail-short", "several", "shrinking in place cuts one page too many", CARVING,       \
        "realloc of a run to fewer pages, then another run", OR(CONTENT_CHANGED) OR(ACCOUNTING), OVERLAP, SEQUENCE)    \
    ROW(with, RUN_ALIGN_FRONT_LOST, "run-align-front-lost", "several",                                                 \
        "what lies in front of an aligned block is not given back", CARVING,                                           \
        "an aligned run that does not begin where its free run did", ALONE, ACCOUNTING, SEQUENCE)                      \
    ROW(with, BIGCACHE_LOSES_ON_GROW, "bigcache-loses-on-grow", "the lineage",                                         \
        "the big cache's table lost the end of a chain while it grew", GROWTH,                                         \
        "more freed mappings than buckets, two of them in one", OR(INVARIANT), ACCOUNTING, SEQUENCE)                   \
    ROW(with, BIGCACHE_WRONG_SIZE, "bigcache-wrong-size", "the lineage", "a cached mapping of the class below served", \
        SIZES, "a freed mapping one step shorter than the request",                                                    \
        OR(CRASH) OR(OVERLAP) OR(ACCOUNTING) OR(INVARIANT), OUTSIDE_WORLD, SEQUENCE)                                   \
    ROW(with, BIGCACHE_KEEPS_ZERO, "bigcache-keeps-zero", "several", "calloc trusts that a cached mapping is zero",    \
        ZERO, "calloc of a mapping that was used before", ALONE, CALLOC_NONZERO, SEQUENCE)                             \
    ROW(with, BIGCACHE_STALE_AFTER_TTL, "bigcache-stale-after-ttl", "the lineage",                                     \
        "the age limit unmapped what the table still named", AGE, "two freed mappings, the older one past its time",   \
        OR(INVARIANT), ACCOUNTING, SEQUENCE)                                                                           \
    ROW(with, LAZY_STALE_DIVISION, "lazy-stale-division", "the lineage",                                               \
        "a cached SuperSlab served another slab size under its old description", METADATA,                             \
        "a SuperSlab of the pool tier empties and serves the tiny tier", OR(INVARIANT), ACCOUNTING, THREADS)           \
    ROW(with, PURGE_BOUND, "purge-bound", "several", "pages are purged by the SuperSlab, live ones too", METADATA,     \
        "a purge with a slab in use beside a free one", OR(LINK_BROKEN), CONTENT_CHANGED, SEQUENCE)                    \
    ROW(with, PENDING_DROPPED, "pending-dropped", "batched remote frees",                                              \
        "a thread ends with a batch not handed over", THREAD_EXIT, "a free of another thread's block, then the end",   \
        ALONE, BLOCK_LOST, THREADS)                                                                                    \
    ROW(with, ADOPT_FORGETS_FULL, "adopt-forgets-full", "several", "adoption goes through the lists with room only",   \
        THREAD_EXIT, "a thread ends with a full slab, another adopts, a block of it is freed", ALONE, INVARIANT,       \
        THREADS)                                                                                                       \
    ROW(with, CUT_KEEPS_TAIL, "cut-keeps-tail", "tcache-like caches",                                                  \
        "the half that is flushed stays linked to the other", LINKS, "a cache that overflows",                         \
        OR(INVARIANT) OR(LINK_BROKEN), ACCOUNTING, SEQUENCE)                                                           \
    ROW(with, DECAY_FORGETS_PURGE, "decay-forgets-purge", "jemalloc-like decay", "the sum of dirty pages only grows",  \
        ACCOUNTING, "a purge", ALONE, ACCOUNTING, SEQUENCE)                                                            \
    ROW(with, MAP_KEEPS_REGION, "map-keeps-region", "several", "the page map names a region that was unmapped",        \
        METADATA, "a region released, another made at its place", ALONE, INVARIANT, SEQUENCE)                          \
    ROW(with, REMAP_KEEPS_LENGTH, "remap-keeps-length", "several",                                                     \
        "mremap moved the block, its record has the old length", METADATA, "realloc of a mapping that has to move",    \
        OR(INVARIANT) OR(NOT_RETURNED), USABLE_SMALL, SEQUENCE)                                                        \
    ROW(with, REFILL_SKIPS_DRAIN, "refill-skips-drain", "several",                                                     \
        "memory that others gave back is looked at too late", ACCOUNTING, "a refill while blocks wait in the queue",   \
        ALONE, RETENTION, THREADS)                                                                                     \
    ROW(with, POOL_PASSES_FREE, "pool-passes-free", "several", "new memory is taken while some is free", ACCOUNTING,   \
        "two slabs of one tier", ALONE, RETENTION, SEQUENCE)                                                           \
    ROW(with, LAZY_KEEPS_MORE, "lazy-keeps-more", "several", "a bound that is off by one", AGE,                        \
        "two empty SuperSlabs where one may stay", ALONE, RETENTION, THREADS)                                          \
    ROW(with, OPTION_UNIT_TRUNCATES, "option-unit-truncates", "several",                                               \
        "a size with a suffix below the unit counts as a round number of it, or as none", SIZES,                       \
        "an option in MB with a number of k", ALONE, MODEL, OPTION)                                                    \
    ROW(with, PURGE_KEEPS_LISTED, "purge-keeps-listed", "several",                                                     \
        "pages of free blocks are purged, and the links in them with them", LINKS,                                     \
        "trim with a slab of which a page is free and another is not", OR(ACCOUNTING), LINK_BROKEN, SEQUENCE)          \
    ROW(with, PURGE_STRADDLED, "purge-straddled", "several",                                                           \
        "a page is purged that the end of a live block reaches into", OFFSETS,                                         \
        "trim with a live block across two pages, the second one free but for it", OR(ACCOUNTING), CONTENT_CHANGED,    \
        SEQUENCE)                                                                                                      \
    ROW(with, RESTORE_FORGETS, "restore-forgets", "several", "of the blocks of a purged page one comes back",          \
        METADATA, "a slab with a purged page that is used again", ALONE, ACCOUNTING, SEQUENCE)                         \
    ROW(with, PUSH_KEEPS_HEAD, "push-keeps-head", "lock-free lists of several",                                        \
        "the loop of a push reads the head once, in front of it", PUBLICATION,                                         \
        "another thread gets in between the head's load and the compare-exchange of a remote free", ALONE, LIVELOCK,   \
        THREADS)                                                                                                       \
    ROW(with, TAKE_RELAXED, "take-relaxed", "rpmalloc 262c698",                                                        \
        "who takes the whole list does not acquire what was pushed", MEMORY_ORDER,                                     \
        "weak memory; a remote free, then a drain", ALONE, RACE, THREADS)                                              \
    ROW(with, PARCEL_COUNT_OFF, "parcel-count-off", "batched remote frees",                                            \
        "the batch's length is that before the last block", ACCOUNTING,                                                \
        "two frees of another thread's slab, handed over together", OR(ACCOUNTING) OR(INVARIANT), BLOCK_LOST, THREADS) \
    ROW(with, PARCEL_SENT_TWICE, "parcel-sent-twice", "batched remote frees",                                          \
        "what was handed over is still there when the next one is gathered", DUPLICATES,                               \
        "a free of another thread's block, handed over, then another one", OR(LINK_BROKEN) OR(INVARIANT), ACCOUNTING,  \
        THREADS)                                                                                                       \
    ROW(with, CHAIN_CUT_KEEPS_COUNT, "chain-cut-keeps-count", "free lists in batches",                                 \
        "the rest of a batch of which some were taken counts them still", ACCOUNTING,                                  \
        "a refill by less than came back at once", OR(INVARIANT), ACCOUNTING, THREADS)                                 \
    ROW(with, LABEL_LEFT, "label-left", "this project", "batches that were joined kept the counts that each had",      \
        LINKS, "batches that came back, a purge of a page beside them", ALONE, LEAK_LINK, THREADS)                     \
    ROW(with, COUNT_BEFORE_HEAD, "count-before-head", "rpmalloc #281; the lineage",                                    \
        "a remote free bumped the queue's count before it stored the block in the head", PUBLICATION,                  \
        "the owner drains between a push's count and its exchange", ALONE, BLOCK_LOST, REMOTE)                         \
    ROW(with, SLAB_LOOKED_UP_EARLY, "slab-looked-up-early", "mimalloc 24164aed; the lineage",                          \
        "a slab was looked up before it was known whose it is", OWNERSHIP,                                             \
        "adoption from an orphan whose last blocks wait in its queue", OR(DOUBLE_ALLOC), ACCOUNTING, ADOPT)            \
    ROW(with, HEAP_REUSED, "heap-reused", "mimalloc #1320; the lineage",                                               \
        "the address of a dead thread's heap was a living one's by then", ABA,                                         \
        "an orphan is adopted or claimed between the look at the list and the lock", OR(ACCOUNTING), MODEL, ADOPT)     \
    ROW(with, ADOPT_PUSHES_TWICE, "adopt-pushes-twice", "the lineage",                                                 \
        "blocks that were on their way when their heap was adopted came to both heaps", DUPLICATES,                    \
        "a block freed to an orphan, then adoption of its slab", OR(ACCOUNTING), LINK_BROKEN, ADOPT)                   \
    ROW(with, START_SIGN_EARLY, "start-sign-early", "the lineage",                                                     \
        "the sign that the process has started stood before what it stands for was written", START,                    \
        "a second first allocation while the first one reads the options", OR(RACE), MODEL, START)                     \
    ROW(with, FORK_KEEPS_LOCK, "fork-keeps-lock", "several", "one lock is forgotten in the child of a fork", FORK,     \
        "fork, then a slab from the pool", ALONE, DEADLOCK, START)                                                     \
    ROW(with, POOL_CHOOSES_EARLY, "pool-chooses-early", "the lineage",                                                 \
        "a free slab was chosen before the lock was taken, and two threads had it", OWNERSHIP,                         \
        "two threads take a slab of one SuperSlab at once", OR(INVARIANT) OR(RACE), DOUBLE_ALLOC, POOL)                \
    ROW(with, LAZY_CHOOSES_EARLY, "lazy-chooses-early", "the lineage",                                                 \
        "a cached SuperSlab was chosen before the lock was taken, and two threads had it", OWNERSHIP,                  \
        "two threads take a SuperSlab from the cache at once", OR(RACE) OR(CRASH), MODEL, LAZY)                        \
    ROW(with, ALIGNED_GAP_COUNTS, "aligned-gap-counts", "rpmalloc 0d36cc2",                                            \
        "the old size that realloc went by took no account of where an aligned block begins", OFFSETS,                 \
        "an aligned run with a gap in front of it, and a realloc for which that is enough",                            \
        OR(USABLE_SMALL) OR(CONTENT_CHANGED) OR(USABLE_OVERLAP) OR(DOUBLE_ALLOC), OVERLAP, SEQUENCE)                   \
    ROW(with, DEAD_THREAD_CLAIMS, "dead-thread-claims", "mimalloc #944",                                               \
        "a free by a thread that has ended made it a heap, which nobody releases any more", THREAD_EXIT,               \
        "two frees of others' blocks by a thread behind its end", ALONE, MODEL, ADOPT)                                 \
    ROW(with, PAGE_COUNT_32BIT, "page-count-32bit", "mimalloc #876", "a length in pages was kept in 32 bits", SIZES,   \
        "a size a little above a multiple of 2^32 pages", OR(IMPOSSIBLE_SUCCESS) OR(OVERLAP) OR(DOUBLE_ALLOC),         \
        OUTSIDE_WORLD, SEQUENCE)                                                                                       \
    ROW(with, REMAP_UNLOCKED, "remap-unlocked", "jemalloc 2.2.5",                                                      \
        "a mapping that moved was taken out of the map when its old place was another's already", ABA,                 \
        "a mapping that grows and moves, and another thread that maps in the middle of it",                            \
        OR(CRASH) OR(ACCOUNTING) OR(MODEL) OR(RACE), INVARIANT, THREADS)                                               \
    ROW(with, JOIN_KEEPS_AGE, "join-keeps-age", "jemalloc 5.1",                                                        \
        "free extents were joined, and one of them stayed in the list by age", AGE,                                    \
        "a run freed in front of one that was freed and not purged", OR(INVARIANT) OR(CRASH), ACCOUNTING, SEQUENCE)    \
    ROW(with, REFILL_COUNTS_REFUSED, "refill-counts-refused", "jemalloc 3.6",                                          \
        "a cache whose refill failed for want of memory counted blocks that did not come", FAILURE,                    \
        "a refill for which the system refuses a SuperSlab", OR(INVARIANT) OR(CRASH), ACCOUNTING, OOM)                 \
    ROW(with, ALIGN_ROUND_WRAPS, "align-round-wraps", "snmalloc 6f3bd6c2",                                             \
        "a size near SIZE_MAX was rounded up to its alignment, which made it zero", SIZES,                             \
        "an aligned request near SIZE_MAX", ALONE, IMPOSSIBLE_SUCCESS, SEQUENCE)                                       \
    ROW(with, SIZED_FREE_TRUSTED, "sized-free-trusted", "snmalloc eebd3d25",                                           \
        "a sized free found another class for the size than the aligned allocation had taken", SIZES,                  \
        "an aligned block of a class above that of its size, given back with its size",                                \
        OR(INVARIANT) OR(LEAK_LINK) OR(RETENTION), ACCOUNTING, SEQUENCE)                                               \
    ROW(with, LABEL_NARROW, "label-narrow", "tcmalloc 7a3e544e",                                                       \
        "a slab was cut into more blocks than the field that numbers them can tell apart", METADATA,                   \
        "a batch that ends with a block beyond the 32nd of its slab",                                                  \
        OR(INVARIANT) OR(DOUBLE_ALLOC) OR(LINK_BROKEN) OR(BLOCK_LOST) OR(LEAK_LINK) OR(CONTENT_CHANGED), ACCOUNTING,   \
        SEQUENCE)                                                                                                      \
    ROW(with, NEAR_MAX_WRAPS, "near-max-wraps", "glibc CVE-2017-17426",                                                \
        "a size near SIZE_MAX was rounded up without a look at whether that wraps", SIZES, "a request near SIZE_MAX",  \
        ALONE, IMPOSSIBLE_SUCCESS, SEQUENCE)                                                                           \
    ROW(with, ALIGN_SUM_WRAPS, "align-sum-wraps", "glibc CVE-2026-0861",                                               \
        "memalign added size and alignment, and no check that this wraps was left", SIZES,                             \
        "memalign of a size that is less than its alignment away from SIZE_MAX", ALONE, IMPOSSIBLE_SUCCESS, SEQUENCE)  \
    ROW(with, HEAP_LISTED_TWICE, "heap-listed-twice", "glibc a62719ba90",                                              \
        "what stood in a list of free ones was put in front of it again, which made a ring", DUPLICATES,               \
        "a thread ends", OR(ACCOUNTING) OR(DOUBLE_ALLOC) OR(LIVELOCK) OR(DEADLOCK) OR(INVARIANT) OR(CRASH), MODEL,     \
        ADOPT)                                                                                                         \
    ROW(with, LOCK_SKIPPED, "lock-skipped", "musl e01b5939",                                                           \
        "a lock was left out when a relaxed look at the number of threads said one", MEMORY_ORDER,                     \
        "a second thread begins while the first one is in the pool",                                                   \
        OR(RACE) OR(DOUBLE_ALLOC) OR(ACCOUNTING) OR(OVERLAP), INVARIANT, THREADS)                                      \
    ROW(with, STALE_FREE_MASK, "stale-free-mask", "mallocng c0d6d87",                                                  \
        "allocation went on to the next group with the mask of free places of the one before", METADATA,               \
        "a SuperSlab with a free slab that is purged, and one with a free slab that is not",                           \
        OR(DOUBLE_ALLOC) OR(ACCOUNTING), INVARIANT, THREADS)                                                           \
    ROW(with, ALIGNED_NULL, "aligned-null", "mallocng 95a540e1", "aligned_alloc followed the NULL that it was given",  \
        FAILURE, "an aligned request that fails", ALONE, CRASH, OOM)                                                   \
    ROW(with, DIVISION_KEEPS_BYTES, "division-keeps-bytes", "scudo llvm#83081",                                        \
        "bytes were counted wrong when memory went from one kind of batch to another", ACCOUNTING,                     \
        "a SuperSlab of the pool tier empties and serves the tiny tier", OR(INVARIANT), ACCOUNTING, THREADS)           \
    ROW(with, REGROW_KEEPS_CLEAN, "regrow-keeps-clean", "scudo llvm#95838",                                            \
        "a block that grew again where it was got its old end back, and nobody saw what it holds", ZERO,               \
        "a run that grows in place into pages that are clean, is freed, and serves calloc",                            \
        OR(ACCOUNTING) OR(INVARIANT), CALLOC_NONZERO, SEQUENCE)                                                        \
    ROW(with, BASE_FOR_USER, "base-for-user", "the lineage",                                                           \
        "a pop returned the base where the user's pointer was due, and another place the reverse", OFFSETS,            \
        "any refill", OR(INVARIANT) OR(CRASH), MISALIGNED, SEQUENCE)                                                   \
    ROW(with, START_CALLS_ITSELF, "start-calls-itself", "the lineage",                                                 \
        "what the process does at its start allocated, and so began to start it", START, "the first allocation",       \
        ALONE, DEADLOCK, START)                                                                                        \
    ROW(with, DOUBLE_FREE_UNSEEN, "double-free-unseen", "glibc's fastbins",                                            \
        "the look for a second free knew only the block that was freed last", MISUSE,                                  \
        "two blocks of a class freed, and the first one again", OR(ACCOUNTING) OR(DOUBLE_ALLOC) OR(INVARIANT),         \
        MISUSE_UNDETECTED, MISUSE)                                                                                     \
    ROW(with, INTERIOR_FREE_UNSEEN, "interior-free-unseen", "several",                                                 \
        "any address inside a mapping was taken for the block's own", MISUSE, "a free of an address inside a mapping", \
        ALONE, MISUSE_UNDETECTED, MISUSE)                                                                              \
    ROW(with, FREE_NULL_ERRNO, "free-null-errno", "several",                                                           \
        "NULL is looked up as any other pointer, is nobody's, and errno says so", FAILURE, "free of NULL", ALONE,      \
        DIVERGENCE, DIFFERENTIAL)

#define ENTRY(with, id, name, origin, title, class, needs, others, check, target)                                      \
    [HAK_FAULT_##id] = {                                                                                               \
        name,          origin,         title, FAULT_CLASS_##class, needs, (UINT64_C(1) << CHECK_##check) others,       \
        CHECK_##check, TARGET_##target},

const struct fault_info fault_table[HAK_FAULT_COUNT] = {
    [HAK_FAULT_NONE] = {"none", "", "", FAULT_CLASS_CARVING, "", 0, CHECK_NONE, TARGET_THREADS}, CATALOGUE(ENTRY, )};

/* --- the catalogue is whole, or this does not compile --- */

#define COUNT_ROW(with, ...) +1
_Static_assert(CATALOGUE(COUNT_ROW, ) == HAK_FAULT_COUNT - 1, "each id of allocator/fault.h has one row");

#define COUNT_CHECK(with, id, name, origin, title, class, needs, others, check, target) +(CHECK_##check == (with))
#define CHECK_HAS_FAULT(id, name, ...)                                                                                 \
    _Static_assert(CATALOGUE(COUNT_CHECK, CHECK_##id) > 0, "no fault trips the check " name ": it is not finished");
CHECK_TABLE(CHECK_HAS_FAULT)
_Static_assert(CATALOGUE(COUNT_CHECK, CHECK_NONE) == 0, "a fault that no check sees");
_Static_assert(CHECK_COUNT <= 64, "a set of checks is one word");

#define COUNT_CLASS(with, id, name, origin, title, class, ...) +(FAULT_CLASS_##class == (with))
#define CLASS_HAS_FAULT(id, name)                                                                                      \
    _Static_assert(CATALOGUE(COUNT_CLASS, FAULT_CLASS_##id) > 0, "no fault is of the class " name);
FAULT_CLASS_TABLE(CLASS_HAS_FAULT)

const char *const fault_class_names[FAULT_CLASS_COUNT] = {
#define CLASS_NAME(id, name) [FAULT_CLASS_##id] = name,
    FAULT_CLASS_TABLE(CLASS_NAME)
#undef CLASS_NAME
};

int fault_find(const char *name) {
    if (name[0] == '\0') {
        return HAK_FAULT_NONE;
    }
    for (int i = 0; i < HAK_FAULT_COUNT; i++) {
        if (strcmp(fault_table[i].name, name) == 0) {
            return i;
        }
    }
    return -1;
}
