/* preset: the allocator's options as programs choose them.
 *
 * Two tables over allocator/option.h. A preset is a whole set, picked by header byte 13: what it does not name is at
 * its default, and preset 0 is the default of all. A choice is one option and the values that operation `option` can
 * give it in the middle of a program; every one is valid. The order of rows, and of values in a row, is part of the
 * program encoding: append, never reorder. Constant data; one OS thread applies. */
#ifndef HAKMEM_ORACLE_PRESET_H
#define HAKMEM_ORACLE_PRESET_H

#include <stddef.h>
#include <stdint.h>

#include "allocator/option.h"

/* id, name in text, then the variables of the process as SET(option, value); the last row's are mostly wrong, and what
 * is wrong is ignored */
/* clang-format off */
#define PRESET_TABLE(X)                                                                                                \
    X(DEFAULT, "default", NULL)                                                                                        \
    X(NO_THREAD_CACHE, "no-thread-cache", SET(THREAD_CACHE, 0))                                                        \
    X(NO_REMOTE_BATCH, "no-remote-batch", SET(REMOTE_BATCH, 1))                                                        \
    X(NO_LAZY_CACHE, "no-lazy-cache", SET(LAZY_CACHE, 0))                                                              \
    X(SMALL_LAZY_CACHE, "small-lazy-cache",                                                                            \
      SET(SUPERSLAB_MAX_CACHED, 1), SET(SUPERSLAB_MAX_MEMORY_MB, 1), SET(SUPERSLAB_TTL_SEC, 1))                        \
    X(NO_CONTROLLER, "no-controller", SET(ACE, 0))                                                                     \
    X(PINNED, "pinned",                                                                                                \
      SET(CACHE_CAPACITY, 16), SET(SUPERSLAB_CHUNK, 2), SET(RUN_SHARDS, 2), SET(PURGE_DELAY_MS, 100))                  \
    X(SMALL_BIG_CACHE, "small-big-cache",                                                                              \
      SET(BIG_CACHE_MAX_COUNT, 2), SET(BIG_CACHE_MAX_MEMORY_MB, 4), SET(BIG_CACHE_TTL_SEC, 1))                         \
    X(NO_BIG_CACHE, "no-big-cache", SET(BIG_CACHE_MAX_COUNT, 0))                                                       \
    X(PURGE_AT_ONCE, "purge-at-once", SET(DIRTY_MAX_MB, 0), SET(PURGE_DELAY_MS, 1))                                    \
    X(FAIL_FAST, "fail-fast", SET(FAIL_FAST, 1))                                                                       \
    X(LARGE_CHUNKS, "large-chunks", SET(SUPERSLAB_CHUNK, 4))                                                           \
    X(MANY_SHARDS, "many-shards", SET(RUN_SHARDS, 4))                                                                  \
    X(ALL_OFF, "all-off",                                                                                              \
      SET(THREAD_CACHE, 0), SET(REMOTE_BATCH, 1), SET(LAZY_CACHE, off), SET(ACE, no), SET(BIG_CACHE_MAX_COUNT, 0),     \
      SET(DIRTY_MAX_MB, 0m), SET(RING, false))                                                                         \
    X(WRONG_VALUES, "wrong-values",                                                                                    \
      SET(VERBOSE, 1), SET(RUN_SHARDS, 65), SET(CACHE_CAPACITY, auto), SET(LAZY_CASH, 0), SET(LAZY_CASH, 1),           \
      SET(ACE, 2), SET(CACHE_MAX_KB, 64x), SET(DIRTY_MAX_MB, 1k), SET(RING, on), SET(RING, off),                       \
      SET(REMOTE_BATCH, 99999999999), SET(SUPERSLAB_TTL_SEC, ), SET(SUPERSLAB_MAX_MEMORY_MB, 1g),                      \
      SET(NOTHING_THAT_COMES_NEAR_TO_ANY_OPTION_THAT_THERE_IS, 1), SET(STATS_FILE, statistics), "PATH=/", "HAKMEM")
/* clang-format on */

enum preset {
#define PRESET_ENUM(id, name, ...) PRESET_##id,
    PRESET_TABLE(PRESET_ENUM)
#undef PRESET_ENUM
        PRESET_COUNT
};

enum { PRESET_VARIABLES_MAX = 24 };
struct preset_info {
    const char *name;
    char *environment[PRESET_VARIABLES_MAX + 1]; /* as in environ: ends in NULL */
};
extern const struct preset_info preset_table[PRESET_COUNT];

/* As if the process had begun with these variables. preset < PRESET_COUNT. */
void preset_apply(struct hak_options *options, unsigned preset);

/* option, then its values. A heap that was made without caches never gets them: that is not undone. */
#define CHOICE_TABLE(X)                                                                                                \
    X(FAIL_FAST, 0, 1)                                                                                                 \
    X(ACE, 0, 1)                                                                                                       \
    X(THREAD_CACHE, 0)                                                                                                 \
    X(CACHE_CAPACITY, 0, 16, 2048)                                                                                     \
    X(CACHE_MAX_KB, 64, 4096)                                                                                          \
    X(REMOTE_BATCH, 1, 2, 16)                                                                                          \
    X(LAZY_CACHE, 0, 1)                                                                                                \
    X(SUPERSLAB_MAX_CACHED, 0, 1, 256)                                                                                 \
    X(SUPERSLAB_MAX_MEMORY_MB, 0, 1, 512)                                                                              \
    X(SUPERSLAB_TTL_SEC, 0, 1, 60)                                                                                     \
    X(SUPERSLAB_CHUNK, 0, 1, 4)                                                                                        \
    X(RUN_SHARDS, 0, 1, 4)                                                                                             \
    X(BIG_CACHE_MAX_COUNT, 0, 2, 256)                                                                                  \
    X(BIG_CACHE_MAX_MEMORY_MB, 0, 1, 256)                                                                              \
    X(BIG_CACHE_TTL_SEC, 0, 1, 10)                                                                                     \
    X(PURGE_DELAY_MS, 0, 1, 100)                                                                                       \
    X(DIRTY_MAX_MB, 0, 1, 12)                                                                                          \
    X(RING, 0, 1)                                                                                                      \
    X(STATS, 0, 1, 2)                                                                                                  \
    X(HUGE_PAGES, 0, 1)

enum choice {
#define CHOICE_ENUM(option, ...) CHOICE_##option,
    CHOICE_TABLE(CHOICE_ENUM)
#undef CHOICE_ENUM
        CHOICE_COUNT
};

enum { CHOICE_VALUES_MAX = 4 };
struct choice_info {
    enum hak_option_id option;
    uint32_t value_count;
    uint32_t values[CHOICE_VALUES_MAX];
};
extern const struct choice_info choice_table[CHOICE_COUNT];

#endif
