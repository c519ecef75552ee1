/* repertoire: what each component carries out, and how often that is worth doing.
 *
 * Weights are chosen by hand; that one is 0 where nothing comes of an operation, and only there, and that the options
 * which are not named do not matter, is shown by tests/test_repertoire.c. */
#include "oracle/repertoire.h"

#include <stddef.h>
#include <string.h>

#include "oracle/preset.h"

enum { OVERRIDES_MAX = 12 };

_Static_assert(OP_COUNT <= 32 && PRESET_COUNT <= 32 && CHOICE_COUNT <= 32, "sets are 32 bits");

#define OP(id) (UINT32_C(1) << OP_##id)
#define PRESET(id) (UINT32_C(1) << PRESET_##id)
#define CHOICE(id) (UINT32_C(1) << CHOICE_##id)

/* What no component carries out that has no threads. */
#define IDLE (OP(THREAD_START) | OP(THREAD_END) | OP(FORK) | OP(REPORT))

const struct repertoire repertoire_any = {
    .weights = {[OP_MALLOC] = 600,       [OP_CALLOC] = 80,
                [OP_REALLOC] = 160,      [OP_REALLOCARRAY] = 20,
                [OP_ALIGNED_ALLOC] = 60, [OP_POSIX_MEMALIGN] = 40,
                [OP_MEMALIGN] = 20,      [OP_FREE] = 600,
                [OP_FREE_SIZED] = 60,    [OP_USABLE] = 30,
                [OP_WRITE] = 50,         [OP_VERIFY] = 30,
                [OP_TRIM] = 50,          [OP_THREAD_START] = 20,
                [OP_THREAD_END] = 90,    [OP_FORK] = 10,
                [OP_CLOCK] = 40,         [OP_FAIL] = 30,
                [OP_CHECK] = 10,         [OP_MALLOC_MANY] = 240,
                [OP_FREE_MANY] = 220,    [OP_FREE_ALIGNED_SIZED] = 30,
                [OP_OPTION] = 20,        [OP_REPORT] = 1},
    .presets = UINT32_MAX,
    .choices = UINT32_MAX,
    .threads = PROGRAM_THREADS_MAX,
    .interleaves = true,
    .failures = true,
};

/* One for each component of COMPONENT_TABLE (component.h). */
static const struct row {
    const char *component;
    uint32_t idle;    /* operations of which nothing comes */
    uint32_t presets; /* beside the default one */
    uint32_t choices; /* none: operation `option` is idle too */
    uint8_t threads;  /* 0: as many as the target has */
    struct {
        uint8_t op;
        uint16_t weight;
    } overrides[OVERRIDES_MAX]; /* where the usual weight does not fit; ends in OP_NOP */
} rows[] = {
    {.component = "class", .idle = IDLE | OP(TRIM) | OP(CLOCK)},
    {.component = "map", .idle = IDLE | OP(TRIM) | OP(CLOCK)},
    {.component = "run",
     .idle = IDLE,
     .presets = PRESET(NO_LAZY_CACHE) | PRESET(SMALL_LAZY_CACHE) | PRESET(PINNED) | PRESET(PURGE_AT_ONCE) |
                PRESET(MANY_SHARDS) | PRESET(ALL_OFF),
     .choices = CHOICE(LAZY_CACHE) | CHOICE(SUPERSLAB_TTL_SEC) | CHOICE(RUN_SHARDS) | CHOICE(PURGE_DELAY_MS) |
                CHOICE(DIRTY_MAX_MB),
     .threads = PROGRAM_THREADS_MAX},
    {.component = "bigcache",
     .idle = IDLE,
     .presets =
         PRESET(PINNED) | PRESET(SMALL_BIG_CACHE) | PRESET(NO_BIG_CACHE) | PRESET(PURGE_AT_ONCE) | PRESET(ALL_OFF),
     .choices = CHOICE(BIG_CACHE_MAX_COUNT) | CHOICE(BIG_CACHE_MAX_MEMORY_MB) | CHOICE(BIG_CACHE_TTL_SEC) |
                CHOICE(PURGE_DELAY_MS) | CHOICE(DIRTY_MAX_MB) | CHOICE(HUGE_PAGES)},
    {.component = "pool",
     .idle = IDLE,
     .presets = PRESET(NO_LAZY_CACHE) | PRESET(SMALL_LAZY_CACHE) | PRESET(NO_CONTROLLER) | PRESET(PINNED) |
                PRESET(PURGE_AT_ONCE) | PRESET(LARGE_CHUNKS) | PRESET(ALL_OFF),
     .choices = CHOICE(ACE) | CHOICE(LAZY_CACHE) | CHOICE(SUPERSLAB_MAX_CACHED) | CHOICE(SUPERSLAB_MAX_MEMORY_MB) |
                CHOICE(SUPERSLAB_TTL_SEC) | CHOICE(SUPERSLAB_CHUNK) | CHOICE(PURGE_DELAY_MS) | CHOICE(DIRTY_MAX_MB)},
    {.component = "lazy",
     .idle = IDLE,
     .presets = PRESET(NO_LAZY_CACHE) | PRESET(SMALL_LAZY_CACHE) | PRESET(ALL_OFF),
     .choices = CHOICE(LAZY_CACHE) | CHOICE(SUPERSLAB_MAX_CACHED) | CHOICE(SUPERSLAB_MAX_MEMORY_MB) |
                CHOICE(SUPERSLAB_TTL_SEC)},
    {.component = "option", .idle = IDLE | OP(CLOCK), .overrides = {{OP_CALLOC, 300}, {OP_REALLOCARRAY, 100}}},
    {.component = "remote",
     .idle = OP(CALLOC) | OP(REALLOCARRAY) | OP(ALIGNED_ALLOC) | OP(POSIX_MEMALIGN) | OP(MEMALIGN) | OP(FORK) |
             OP(CLOCK) | OP(MALLOC_MANY) | OP(FREE_ALIGNED_SIZED) | OP(REPORT),
     .presets = PRESET(NO_REMOTE_BATCH) | PRESET(NO_CONTROLLER) | PRESET(PINNED) | PRESET(PURGE_AT_ONCE) |
                PRESET(FAIL_FAST) | PRESET(LARGE_CHUNKS) | PRESET(ALL_OFF),
     .choices = CHOICE(FAIL_FAST) | CHOICE(ACE) | CHOICE(REMOTE_BATCH) | CHOICE(SUPERSLAB_CHUNK) |
                CHOICE(PURGE_DELAY_MS) | CHOICE(DIRTY_MAX_MB),
     .overrides = {{OP_MALLOC, 400},
                   {OP_REALLOC, 200},
                   {OP_FREE_SIZED, 300},
                   {OP_TRIM, 100},
                   {OP_CHECK, 200},
                   {OP_THREAD_END, 150},
                   {OP_THREAD_START, 50}}},
    {.component = "adopt",
     .idle = OP(REALLOCARRAY) | OP(ALIGNED_ALLOC) | OP(POSIX_MEMALIGN) | OP(MEMALIGN) | OP(FORK) | OP(CHECK) |
             OP(FREE_ALIGNED_SIZED) | OP(REPORT),
     .presets = ~(PRESET(SMALL_BIG_CACHE) | PRESET(NO_BIG_CACHE) | PRESET(MANY_SHARDS) | PRESET(WRONG_VALUES)),
     .choices = UINT32_MAX,
     .overrides = {{OP_CALLOC, 200}, {OP_REALLOC, 200}, {OP_FREE_SIZED, 200}, {OP_THREAD_END, 150}}},
    {.component = "misuse",
     .presets = ~(PRESET(FAIL_FAST) | PRESET(WRONG_VALUES)),
     .choices = UINT32_MAX,
     .overrides = {{OP_FREE_SIZED, 200}, {OP_FREE_ALIGNED_SIZED, 100}, {OP_VERIFY, 60}, {OP_USABLE, 10}}},
    {.component = "start", .presets = ~PRESET(WRONG_VALUES), .overrides = {{OP_FORK, 60}}},
};

static const struct row *row_find(const char *component) {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].component, component) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

static void switch_off(struct repertoire *repertoire, uint32_t ops) {
    for (unsigned op = 0; op < OP_COUNT; op++) {
        repertoire->weights[op] = (ops >> op & 1) != 0 ? 0 : repertoire->weights[op];
    }
}

struct repertoire repertoire_of(const struct target_info *target) {
    struct repertoire repertoire = repertoire_any;
    const struct row *row = row_find(target->component);
    repertoire.threads = target->threads;
    repertoire.interleaves = target->threads > 1;
    repertoire.failures = target->failures;
    if (!target->failures) {
        switch_off(&repertoire, OP(FAIL));
    }
    if (target->threads == 1) {
        switch_off(&repertoire, OP(THREAD_START) | OP(THREAD_END));
    }
    if (row != NULL) {
        for (unsigned i = 0; i < OVERRIDES_MAX && row->overrides[i].op != OP_NOP; i++) {
            repertoire.weights[row->overrides[i].op] = row->overrides[i].weight;
        }
        switch_off(&repertoire, row->idle | (row->choices == 0 ? OP(OPTION) : 0));
        repertoire.presets = row->presets | PRESET(DEFAULT);
        repertoire.choices = row->choices;
        repertoire.threads = row->threads != 0 ? row->threads : repertoire.threads;
    }
    return repertoire;
}
