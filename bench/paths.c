/* paths: the ways through malloc and free, each in a function of its own, for counting instructions: `ci/gate --only
 * budget` runs this under callgrind, which collects inside path_* alone and dumps at the end of each. What is not to be
 * counted, as filling a cache first or having another thread allocate, is done outside of them. Nothing here depends on
 * time or addresses, so a count is the same each time.
 *
 * A path that is added is a row of TABLE; `ci/gate --update budget` writes its budget. */
#include "bench/workload.h"

enum { ROUNDS, NUMBERS };
enum {
    SMALL_BYTES = 64,
    MOVED_BYTES = 128,
    POOL_BYTES = 6000,
    RUN_BYTES = 100000,
    BIG_BYTES = 3 << 20,
    ALIGN_BYTES = 256,
    LIVE = 4096
};

static struct workload_number numbers[NUMBERS] = {
    [ROUNDS] = {"ROUNDS", "operations of each path", 1000, 1, LIVE},
};

static void *blocks[LIVE];

/* Who writes to it as volatile must have what is written: a block that nobody looks at is made all the same. */
static void *volatile kept;

/* ---- what paths are made of ---- */

static void pairs(size_t count, size_t size_bytes) {
    for (size_t i = 0; i < count; i++) {
        kept = malloc(size_bytes);
        free(kept);
    }
}

static void zeroed_pairs(size_t count, size_t size_bytes) {
    for (size_t i = 0; i < count; i++) {
        kept = calloc(1, size_bytes);
        free(kept);
    }
}

static void aligned_pairs(size_t count, size_t size_bytes) {
    for (size_t i = 0; i < count; i++) {
        kept = aligned_alloc(ALIGN_BYTES, size_bytes);
        free(kept);
    }
}

static void allocate(size_t count, size_t size_bytes) {
    for (size_t i = 0; i < count; i++) {
        blocks[i] = malloc(size_bytes);
    }
}

static void release(size_t count, size_t size_bytes) {
    (void)size_bytes;
    for (size_t i = 0; i < count; i++) {
        free(blocks[i]);
    }
}

static void reallocate(size_t count, size_t size_bytes) {
    for (size_t i = 0; i < count; i++) {
        kept = realloc(kept, i % 2 == 0 ? size_bytes : SMALL_BYTES);
    }
}

/* ---- what comes before one, not counted ---- */

static void *allocate_elsewhere(void *size_bytes) {
    allocate(numbers[ROUNDS].value, *(size_t *)size_bytes);
    return NULL;
}

static void before_pairs(size_t size_bytes) {
    pairs(8, size_bytes);
}

static void before_batch(size_t size_bytes) {
    (void)size_bytes;
}

static void before_remote(size_t size_bytes) {
    workload_thread(allocate_elsewhere, &size_bytes);
}

static void before_realloc(size_t size_bytes) {
    (void)size_bytes;
    kept = malloc(SMALL_BYTES);
}

/* ---- the paths ---- */

/* name, what comes before, what is counted, its size. In the order they run: release frees what allocate made, and the
 * second time both find what the first left. */
#define TABLE(X)                                                                                                       \
    X(cached_pair, before_pairs, pairs, SMALL_BYTES)                                                                   \
    X(refill, before_batch, allocate, SMALL_BYTES)                                                                     \
    X(overflow, before_batch, release, SMALL_BYTES)                                                                    \
    X(refill_again, before_batch, allocate, SMALL_BYTES)                                                               \
    X(overflow_again, before_batch, release, SMALL_BYTES)                                                              \
    X(remote_free, before_remote, release, SMALL_BYTES)                                                                \
    X(calloc_pair, before_pairs, zeroed_pairs, SMALL_BYTES)                                                            \
    X(aligned_pair, before_batch, aligned_pairs, ALIGN_BYTES)                                                          \
    X(realloc_in_place, before_realloc, reallocate, SMALL_BYTES - 1)                                                   \
    X(realloc_moves, before_realloc, reallocate, MOVED_BYTES)                                                          \
    X(pool_pair, before_pairs, pairs, POOL_BYTES)                                                                      \
    X(pool_refill, before_batch, allocate, POOL_BYTES)                                                                 \
    X(pool_overflow, before_batch, release, POOL_BYTES)                                                                \
    X(run_pair, before_pairs, pairs, RUN_BYTES)                                                                        \
    X(big_pair, before_pairs, pairs, BIG_BYTES)

#define PATH(name, before, part, size_bytes)                                                                           \
    static void path_##name(size_t count) {                                                                            \
        part(count, size_bytes);                                                                                       \
    }
TABLE(PATH)

static const struct path {
    void (*before)(size_t size_bytes);
    void (*run)(size_t count);
    size_t size_bytes;
} paths[] = {
#define ROW(name, before, part, size_bytes) {before, path_##name, size_bytes},
    TABLE(ROW)};

static void work(unsigned thread, struct tally *tally) {
    (void)thread;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        paths[i].before(paths[i].size_bytes);
        paths[i].run(numbers[ROUNDS].value);
        tally->operations += numbers[ROUNDS].value;
    }
}

int main(int argc, char **argv) {
    workload_arguments("paths", "The ways through malloc and free, one after another.", numbers, NUMBERS, argc, argv);
    double seconds = workload_run(1, work);
    return workload_report(seconds, workload_operations(), "");
}
