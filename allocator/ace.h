/* ace: the controller. A few numbers that no constant gets right for every program are moved by what the program does.
 *
 * Theory. Each rule owns one number: a power of two between its minimum and its maximum. Whoever sees a slow event says
 * which way it speaks, up or down: that is a vote. Votes of one direction add up, one of the other direction throws
 * them away and counts as the first of its own. When the count reaches what the rule asks for that direction, the
 * number doubles or halves, and counting begins anew. So a load that sits on an edge moves nothing, and a number never
 * runs past its bounds. A pinned number does not listen to votes at all.
 *
 * It owns struct hak_ace, which lives in the state root, and nothing else; all zero is its valid first state: every
 * rule at its start. Any thread may call anything here, also before any initialisation and under any lock: there are no
 * locks, no allocation, no clock; the callers bring the times. Every access is atomic and relaxed, since the numbers
 * are advice and order no other memory. Two votes at once may count as one: accepted, another comes. A pin is in the
 * same word as the number, so that no vote can overrun it.
 *
 * Never called on a fast path: only where a lock was taken, the system was asked, or an epoch of a cache ended. */
#ifndef HAKMEM_ALLOCATOR_ACE_H
#define HAKMEM_ALLOCATOR_ACE_H

#include <stdbool.h>
#include <stdint.h>

#include "allocator/atomic.h"
#include "allocator/config.h"

/* id, name, unit, minimum, maximum, start, votes to go up, votes to go down, option that pins it, meaning */
#define HAK_ACE_TABLE(X)                                                                                               \
    X(CHUNK, "superslab-chunk", "SuperSlabs", 1, 16, 1, 2, 4, HAK_OPTION_SUPERSLAB_CHUNK,                              \
      "SuperSlabs reserved from the system at once")                                                                   \
    X(SHARDS, "run-shards", "shards", 1, 64, 1, 2, 2, HAK_OPTION_RUN_SHARDS, "shards of the run tier in use")          \
    X(PURGE_DELAY, "purge-delay", "ms", 64, 8192, 512, 4, 16, HAK_OPTION_PURGE_DELAY_MS,                               \
      "milliseconds that free pages wait before they are purged")                                                      \
    X(CACHE, "cache-capacity", "blocks", 16, 256, 32, 8, 32, HAK_OPTION_CACHE_CAPACITY,                                \
      "capacity that a new thread's caches of small classes start with")

enum hak_ace_rule {
#define HAK_ACE_ENUM(id, ...) HAK_ACE_##id,
    HAK_ACE_TABLE(HAK_ACE_ENUM)
#undef HAK_ACE_ENUM
        HAK_ACE_COUNT
};

struct hak_ace_rule_info {
    const char *name;
    const char *unit;
    const char *meaning;
    uint32_t minimum;
    uint32_t maximum;
    uint32_t start;
    int32_t votes_up;
    int32_t votes_down;
    uint32_t option; /* which option pins it: an id of allocator/option.h */
};

extern const struct hak_ace_rule_info hak_ace_rules[HAK_ACE_COUNT];

/* One lock's recent past, all in one word, so that it is never half of one and half of another. Zero is a new one. */
struct hak_ace_window {
    _Atomic uint64_t counts; /* bits 0 to 15 operations, 16 to 31 contended of the short window, 32 to 47 of the long */
};

struct hak_ace_rule_state {
    _Atomic uint32_t value; /* 0: still at the start; HAK_ACE_PINNED may be set */
    _Atomic int32_t votes;  /* above zero: that many in a row for up; below: for down */
    _Atomic uint32_t ups;   /* how often it doubled */
    _Atomic uint32_t downs; /* how often it halved */
};

struct hak_ace {
    struct hak_ace_rule_state rules[HAK_ACE_COUNT];
};

#define HAK_ACE_PINNED ((uint32_t)1 << 31)

/* The number in force. */
static inline uint32_t hak_ace_value(const struct hak_ace *ace, enum hak_ace_rule rule) {
    uint32_t value = hak_load(&ace->rules[rule].value, relaxed) & ~HAK_ACE_PINNED;
    return value != 0 ? value : hak_ace_rules[rule].start;
}

/* True when the user holds it. While HAK_ACE_CACHE is pinned, heaps leave the capacity of their caches alone. */
static inline bool hak_ace_is_pinned(const struct hak_ace *ace, enum hak_ace_rule rule) {
    return (hak_load(&ace->rules[rule].value, relaxed) & HAK_ACE_PINNED) != 0;
}

/* One vote: direction +1 for up, -1 for down, 0 for none. */
void hak_ace_vote(struct hak_ace *ace, enum hak_ace_rule rule, int direction);

/* ---- options ---- */

struct hak_options;

/* When options were read or changed: each rule is pinned as its option says; with HAK_OPTION_ACE off the others are
 * held at their start, else they are let go. */
void hak_ace_configure(struct hak_ace *ace, const struct hak_options *options);

/* Hold the number at value exactly: the option's bounds count, not the rule's, and it need not be a power of two. 0
 * lets it go: it moves on from the power of two at or below where it stands, within the rule's bounds. One thread at a
 * time pins; others may vote meanwhile. */
void hak_ace_pin(struct hak_ace *ace, enum hak_ace_rule rule, uint32_t value);

/* ---- run-shards: how often a lock was found taken ----
 * A short window with more than 1 in HAK_ACE_CONTENDED_UP found taken votes up, a long one with fewer than 1 in
 * HAK_ACE_CONTENDED_DOWN votes down. The simulated world has windows that its programs can fill. */
enum {
    HAK_ACE_WINDOW_SHORT = HAK_TRIAL ? 16 : 256,     /* operations */
    HAK_ACE_WINDOW_LONG = 16 * HAK_ACE_WINDOW_SHORT, /* operations */
    HAK_ACE_CONTENDED_UP = 16,                       /* one in so many */
    HAK_ACE_CONTENDED_DOWN = 256,                    /* one in so many */
};

/* One operation, counted in the shard's window under its lock: so no count is lost, and the cache line is at hand. */
void hak_ace_contention(struct hak_ace *ace, struct hak_ace_window *window, bool contended);

/* ---- superslab-chunk ---- */

enum { HAK_ACE_CHUNK_SOON_MS = 1000 };

/* The last SuperSlab of a chunk came into use, so long after the chunk was reserved. Going back to the system is a
 * plain vote down. */
static inline void hak_ace_chunk_used_up(struct hak_ace *ace, uint32_t lasted_ms) {
    hak_ace_vote(ace, HAK_ACE_CHUNK, lasted_ms < HAK_ACE_CHUNK_SOON_MS ? 1 : 0);
}

/* ---- purge-delay ---- */

enum { HAK_ACE_PURGE_LATE = 8 };

/* Pages that were purged so long ago are wanted again, or leave for good. Within one more delay: twice the delay would
 * have saved the purge, up. Not within HAK_ACE_PURGE_LATE delays: half of it would have done as well, down. */
void hak_ace_purge_ended(struct hak_ace *ace, uint32_t away_ms);

/* ---- cache-capacity, and the capacity of each cache ---- */

enum {
    HAK_ACE_CACHE_QUIET = 2, /* quiet epochs in a row that halve a cache */
    HAK_ACE_CACHE_YOUNG = 4, /* epochs that a cache's fate speaks about where it started */
};

/* What a heap knows about one cache when an epoch ends. A new cache is all zero but for capacity and bounds. */
struct hak_ace_cache_view {
    uint16_t capacity;     /* blocks */
    uint16_t capacity_min; /* blocks, at least 1; bounds of the class */
    uint16_t capacity_max; /* blocks, at least capacity_min */
    uint8_t quiet_epochs;  /* in a row, as the last step returned it */
    uint8_t age_epochs;    /* since first use, as the last step returned it */
    bool refilled;         /* it ran empty in this epoch */
    bool flushed;          /* it ran full in this epoch */
};

struct hak_ace_cache_step {
    uint16_t capacity; /* blocks, from now on */
    uint8_t quiet_epochs;
    uint8_t age_epochs;
    int8_t vote; /* for HAK_ACE_CACHE */
};

/* Pure: the next step of one cache. Empty and full in one epoch: blocks went back and forth for want of room, double.
 * Neither in HAK_ACE_CACHE_QUIET epochs in a row: too large for its load, halve. Else it stays. A cache that was never
 * used is left alone. */
struct hak_ace_cache_step hak_ace_cache(struct hak_ace_cache_view view);

/* ---- observation ---- */

struct hak_ace_rule_view {
    const struct hak_ace_rule_info *info;
    uint32_t value;
    int32_t votes;
    uint32_t ups;
    uint32_t downs;
    bool pinned;
};

/* Each field is read by itself: while others vote, they may be of different moments. */
struct hak_ace_rule_view hak_ace_look(const struct hak_ace *ace, enum hak_ace_rule rule);

/* True when every number that is not pinned is a power of two within its bounds, no count of votes is beyond what moves
 * it. Holds at every moment, also while others vote. */
bool hak_ace_is_valid(const struct hak_ace *ace);
/* True when its counts can be those of a window that is not yet full. */
bool hak_ace_window_is_valid(const struct hak_ace_window *window);

#endif
