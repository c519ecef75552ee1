/* check: the stable ids of everything the oracle can find. One table; docs/checks.md is made from it.
 * `id` is what people grep for and never changes. Constant data, safe on any thread. */
#ifndef HAKMEM_ORACLE_CHECK_H
#define HAKMEM_ORACLE_CHECK_H

#include <stddef.h>

#define CHECK_TABLE(X)                                                                                                 \
    X(DOUBLE_ALLOC, "double-alloc", "The address returned is already live.",                                           \
      "a block carved twice, a cache that kept its head, a slab handed to two owners")                                 \
    X(OVERLAP, "overlap", "The block returned shares bytes with a live block.",                                        \
      "a slab bound to two classes, a wrong class for the size, a mapping reused too early")                           \
    X(MISALIGNED, "misaligned", "The address is not aligned as the request demands.",                                  \
      "class choice of aligned requests, alignment of direct mappings")                                                \
    X(OUTSIDE_WORLD, "outside-world", "The block is not inside memory that the system layer gave.",                    \
      "a fall-back to other memory, a link followed into nowhere")                                                     \
    X(LEAK_SENTINEL, "leak-sentinel", "The remote queue's sentinel is visible in memory handed out.",                  \
      "the drain boundary, a pop that does not clear its link")                                                        \
    X(LEAK_LINK, "leak-link", "A link or a metadata address is visible in memory handed out.",                         \
      "a pop that does not clear its link, a slab reused without wiping links")                                        \
    X(SENTINEL_IN_LIST, "sentinel-in-list", "The sentinel is inside a free list or was returned as a block.",          \
      "the drain boundary: the last link of a closed queue")                                                           \
    X(CONTENT_CHANGED, "content-changed", "A live block's content changed while nobody wrote to it.",                  \
      "a link stored in a live block or past the end of its own, memory released while live")                          \
    X(CALLOC_NONZERO, "calloc-nonzero", "calloc returned memory that is not zero.", "reused memory, size times count") \
    X(REALLOC_PREFIX, "realloc-prefix", "realloc lost content that both sizes share.", "length of the copy")           \
    X(REALLOC_HARMED, "realloc-harmed", "A realloc that failed changed or freed the old block.",                       \
      "order of free and copy on the failing path")                                                                    \
    X(USABLE_SMALL, "usable-small", "The usable size is less than what was asked for.",                                \
      "class lookup of sizes at an edge")                                                                              \
    X(USABLE_OVERLAP, "usable-overlap", "The usable bytes of a block reach into another live block.",                  \
      "usable size computed from the wrong class or mapping")                                                          \
    X(ERRNO_CONTRACT, "errno-contract", "errno is not what the standard promises after this call.",                    \
      "ENOMEM on failure, EINVAL for a bad alignment, untouched by free and by success of posix_memalign")             \
    X(SPURIOUS_FAILURE, "spurious-failure", "A request failed though the system refused nothing.",                     \
      "limits of sizes, a growth path that gives up, fixed capacities")                                                \
    X(IMPOSSIBLE_SUCCESS, "impossible-success", "A request that cannot be met was met.",                               \
      "overflow of count times size, rounding near SIZE_MAX, invalid alignment accepted")                              \
    X(ACCOUNTING, "accounting", "A carved block is not exactly one of live, cached, free or remote.",                  \
      "two lists hold one block, a cache holds a block of a slab it does not own")                                     \
    X(BLOCK_LOST, "block-lost", "A carved block is in no list and not live: it is lost for good.",                     \
      "a list cut while it is moved, a drain that stops early")                                                        \
    X(NOT_RETURNED, "not-returned", "Everything was freed and trimmed, but memory was not given back.",                \
      "a slab born with a block marked, counters that do not return to zero")                                          \
    X(RETENTION, "retention", "Memory was taken or kept though the policy says otherwise.",                            \
      "a queue that is not drained, a free slab that is passed over, a bound that is off by one")                      \
    X(LINK_BROKEN, "link-broken", "A free block was written to: its link decodes to no address.",                      \
      "an overflow from the block in front, a use after free, a list that a slab kept from its last owner")            \
    X(DEADLOCK, "deadlock", "A thread waits for a lock that nobody will release.",                                     \
      "a path that returns with a lock held")                                                                          \
    X(INVARIANT, "invariant", "The allocator's own assertion failed.", "the message names the invariant")              \
    X(NONDETERMINISM, "nondeterminism", "The same input gave another trace, or reset left something behind.",          \
      "state outside the root, memory the world does not know is dirty")                                               \
    X(CRASH, "crash", "The allocator received a fatal signal or a sanitizer report.",                                  \
      "a wild pointer: what was the last operation on that slab?")                                                     \
    X(MODEL, "model", "A component does something else than its plain model.",                                         \
      "the component that the target is named after: the message says what it did and what the model says")            \
    X(LIVELOCK, "livelock", "An operation does not come to its end, though every other thread had its turn.",          \
      "a loop that tries again without looking again; the message names the accesses it goes round at")                \
    X(RACE, "race", "Two threads touched the same memory, and nothing orders one before the other.",                   \
      "a memory order that is too weak, or a lock that was not taken; the message names both accesses")                \
    X(MISUSE_UNDETECTED, "misuse-undetected",                                                                          \
      "A pointer that is no live block was taken, where that is promised to be refused.",                              \
      "the look at the first word of a block that is freed, at its slab's owner, at the start of a mapping")           \
    X(DIVERGENCE, "divergence", "A malloc answers otherwise than the contract fixes and another malloc does.",         \
      "the message names the malloc, the fact (docs/differential.md) and the operation")

enum check {
    CHECK_NONE,
#define CHECK_ENUM(name, id, meaning, look_for) CHECK_##name,
    CHECK_TABLE(CHECK_ENUM)
#undef CHECK_ENUM
        CHECK_COUNT
};

struct check_info {
    const char *id;
    const char *meaning;
    const char *look_for;
};
/* Indexed by enum check; entry CHECK_NONE has id "none". */
extern const struct check_info check_table[CHECK_COUNT];

/* What signatures say of a size, in the world and elsewhere: "9-128". */
const char *check_size_bucket(size_t bytes);

#endif
