/* memory_fixture: what the process holds, by the kernel's word and the allocator's; chains of blocks; and the work of a
 * program that goes on.
 *
 * Included by the test files that need it, in children with a heap that nobody used. One thread. */
#ifndef HAKMEM_TESTS_MEMORY_FIXTURE_H
#define HAKMEM_TESTS_MEMORY_FIXTURE_H

#include "tests/test_real.h"

#include <fcntl.h>
#include <pthread.h>
#include <time.h>

#include "allocator/check.h"
#include "allocator/root.h"
#include "allocator/stats.h"
#include "allocator/thread.h"

/* Of the whole process, from the kernel. */
static inline size_t resident_bytes(void) {
    char text[128] = "";
    int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    require(file >= 0 && read(file, text, sizeof text - 1) > 0);
    (void)close(file);
    unsigned long total, resident;
    require(sscanf(text, "%lu %lu", &total, &resident) == 2);
    return resident * (size_t)sysconf(_SC_PAGESIZE);
}

static inline uint64_t stat_now(enum hak_stat stat) {
    struct hak_stats stats;
    hak_stats_take(&stats);
    return stats.value[stat];
}
#define NOW(stat) stat_now(HAK_STAT_##stat)

static inline void say_all(const char *what) {
    char text[8192];
    (void)hak_stats_json(text, sizeof text);
    (void)fprintf(stderr, "%s: %s\n", what, text);
}

/* By what the allocator says, and by what the kernel says, which has the last word. */
static inline void expect_little_held(size_t before_bytes, size_t limit_bytes) {
    uint64_t held_bytes = NOW(MEMORY_live_bytes) + NOW(MEMORY_dirty_bytes);
    size_t grown_bytes = resident_bytes() - before_bytes;
    if (held_bytes > limit_bytes || (!SANITIZED && (ptrdiff_t)grown_bytes > (ptrdiff_t)limit_bytes)) {
        (void)fprintf(stderr, "%ju bytes held, %td resident, %zu allowed\n", (uintmax_t)held_bytes,
                      (ptrdiff_t)grown_bytes, limit_bytes);
        say_all("too much is held");
        abort();
    }
}

static inline void expect_whole_heap(void) {
    struct hak_heap_counts counts;
    const char *broken = hak_check_heap(&counts, NULL, NULL);
    if (broken != NULL) {
        (void)fprintf(stderr, "%s\n", broken);
    }
    require(broken == NULL);
}

/* After a trim, with nothing live. */
static inline void expect_nothing_held(size_t before_bytes) {
    require(NOW(SUPERSLAB_mapped) == 0 && NOW(RUN_regions) == 0 && NOW(BIG_cached_blocks) == 0);
    require(NOW(MEMORY_live_bytes) == 0 && NOW(MEMORY_dirty_bytes) == 0);
    expect_little_held(before_bytes, ((size_t)1 << 20) + NOW(MEMORY_metadata_bytes)); /* which stays */
    expect_whole_heap();
}

static inline void set_option(const char *name, const char *value) {
    require(hak_load(&hak_root.started, relaxed) == 0 && setenv(name, value, 1) == 0);
}

static inline void sleep_ms(unsigned duration_ms) {
    struct timespec left = {duration_ms / 1000, (long)(duration_ms % 1000) * 1000000};
    while (nanosleep(&left, &left) != 0) {
    }
}

/* Blocks are linked through their first word, so that the burst needs no memory beside itself. */
struct chain {
    void **first;
};

static inline struct chain chain_make(size_t size_bytes, size_t total_bytes) {
    struct chain chain = {NULL};
    for (size_t bytes = 0; bytes < total_bytes; bytes += size_bytes) {
        char *block = hak_malloc(size_bytes);
        require(block != NULL);
        for (size_t i = 0; i < size_bytes; i += 4096) {
            block[i] = 1;
        }
        *(void ***)(void *)block = chain.first;
        chain.first = (void **)(void *)block;
    }
    return chain;
}

static inline void chain_free_some(struct chain *chain, size_t count) {
    for (size_t i = 0; i < count && chain->first != NULL; i++) {
        void **block = chain->first;
        chain->first = *block;
        hak_free(block);
    }
}

static inline void chain_free(struct chain chain) {
    chain_free_some(&chain, SIZE_MAX);
}

/* What any program does that goes on: some of it takes the slow paths, where the clock is looked at. */
static inline void work_a_little(void) {
    chain_free(chain_make(100, 400000));
    hak_free(hak_malloc(40000));
}

/* Works until no more than so much is left; many times longer than it should take. */
static inline void work_until(enum hak_stat stat, uint64_t most) {
    for (unsigned turn = 0; stat_now(stat) > most; turn++) {
        if (turn == 2000) {
            say_all("it stays");
            abort();
        }
        work_a_little();
        sleep_ms(5);
    }
}

#endif
