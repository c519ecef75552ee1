/* The life of memory: after a burst to a gigabyte of every size of block, and the free of everything, little stays
 * resident, whoever frees; and nothing that could go back stays after malloc_trim. */
#include "tests/test_real.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "allocator/root.h"

/* Sanitizers have memory of their own for each byte of ours: a smaller burst shows the same. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define BURST_BYTES ((size_t)256 << 20)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define BURST_BYTES ((size_t)256 << 20)
#define SANITIZED 1
#endif
#endif
#ifndef BURST_BYTES
#define BURST_BYTES ((size_t)1 << 30)
#define SANITIZED 0
#endif

static const size_t RESIDENT_LIMIT_BYTES = (size_t)32 << 20;

/* Of the whole process, from the kernel. */
static size_t resident_bytes(void) {
    char text[128] = "";
    int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    require(file >= 0 && read(file, text, sizeof text - 1) > 0);
    (void)close(file);
    unsigned long total, resident;
    require(sscanf(text, "%lu %lu", &total, &resident) == 2);
    return resident * (size_t)sysconf(_SC_PAGESIZE);
}

/* Blocks are linked through their first word, so that the burst needs no memory beside itself. */
struct chain {
    void **first;
    size_t bytes;
};

static struct chain chain_make(size_t size_bytes, size_t total_bytes) {
    struct chain chain = {NULL, 0};
    while (chain.bytes < total_bytes) {
        char *block = hak_malloc(size_bytes);
        require(block != NULL);
        for (size_t i = 0; i < size_bytes; i += 4096) {
            block[i] = 1;
        }
        *(void ***)(void *)block = chain.first;
        chain.first = (void **)(void *)block;
        chain.bytes += size_bytes;
    }
    return chain;
}

static void chain_free(struct chain chain) {
    while (chain.first != NULL) {
        void **block = chain.first;
        chain.first = *block;
        hak_free(block);
    }
}

static void expect_little_resident(size_t before_bytes, const char *when, size_t size_bytes) {
    size_t now_bytes = resident_bytes();
    if (!SANITIZED && now_bytes > before_bytes + RESIDENT_LIMIT_BYTES) {
        fail_msg("%zu bytes resident %s, with blocks of %zu bytes", now_bytes, when, size_bytes);
    }
}

static const size_t sizes[] = {16, 64, 200, 1024, 3000, 20000, 32768, 100000, 1000000, 5000000};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

static void test_burst(void **state) {
    (void)state;
    size_t before_bytes = resident_bytes();
    for (unsigned i = 0; i < SIZES; i++) {
        struct chain chain = chain_make(sizes[i], BURST_BYTES / (i < 2 ? 4 : 1));
        chain_free(chain);
        expect_little_resident(before_bytes, "after a burst", sizes[i]);
    }
    (void)hak_malloc_trim(0);
    struct hak_totals totals;
    hak_stats_totals(&totals);
    assert_true(totals.trimmable_bytes == 0);
}

/* One block in each slab stays: the slabs between go back all the same. */
static void test_burst_with_survivors(void **state) {
    (void)state;
    enum { SURVIVORS = 64 };
    static void *survivors[SURVIVORS];
    size_t before_bytes = resident_bytes();
    for (unsigned n = 0; n < SURVIVORS; n++) {
        struct chain chain = chain_make(500, BURST_BYTES / SURVIVORS / 4);
        survivors[n] = hak_malloc(500);
        chain_free(chain);
    }
    expect_little_resident(before_bytes, "with survivors", 500);
    for (unsigned n = 0; n < SURVIVORS; n++) {
        hak_free(survivors[n]);
    }
}

enum { THREADS = 4 };
static struct chain chains[THREADS];
static pthread_barrier_t made, freed;

static void *make_and_wait(void *argument) {
    struct chain *chain = argument;
    *chain = chain_make(300, BURST_BYTES / 4 / THREADS);
    (void)pthread_barrier_wait(&made);
    (void)pthread_barrier_wait(&freed); /* idle meanwhile */
    return NULL;
}

/* What idle threads allocated and another one frees must not wait for them: after malloc_trim it is gone. */
static void test_owners_are_idle(void **state) {
    (void)state;
    pthread_t threads[THREADS];
    size_t before_bytes = resident_bytes();
    require(pthread_barrier_init(&made, NULL, THREADS + 1) == 0 &&
            pthread_barrier_init(&freed, NULL, THREADS + 1) == 0);
    for (unsigned i = 0; i < THREADS; i++) {
        require(pthread_create(&threads[i], NULL, make_and_wait, &chains[i]) == 0);
    }
    (void)pthread_barrier_wait(&made);
    for (unsigned i = 0; i < THREADS; i++) {
        chain_free(chains[i]);
    }
    (void)hak_malloc_trim(0);
    expect_little_resident(before_bytes, "while the owners are idle", 300);
    (void)pthread_barrier_wait(&freed);
    for (unsigned i = 0; i < THREADS; i++) {
        require(pthread_join(threads[i], NULL) == 0);
    }
}

/* One thread only allocates, another only frees: what is in flight bounds what is resident. */
enum { IN_FLIGHT = 1000, ROUNDS = 2000 };
static void *volatile flight[IN_FLIGHT];
static pthread_barrier_t step;

static void *only_free(void *unused) {
    (void)unused;
    for (unsigned round = 0; round < ROUNDS; round++) {
        (void)pthread_barrier_wait(&step);
        for (unsigned i = 0; i < IN_FLIGHT; i++) {
            hak_free(flight[i]);
        }
        (void)pthread_barrier_wait(&step);
    }
    return NULL;
}

static void test_only_allocates_only_frees(void **state) {
    (void)state;
    pthread_t thread;
    size_t before_bytes = resident_bytes();
    require(pthread_barrier_init(&step, NULL, 2) == 0);
    require(pthread_create(&thread, NULL, only_free, NULL) == 0);
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < IN_FLIGHT; i++) {
            flight[i] = hak_malloc(16 + i);
            require(flight[i] != NULL);
        }
        (void)pthread_barrier_wait(&step);
        (void)pthread_barrier_wait(&step);
    }
    require(pthread_join(thread, NULL) == 0);
    expect_little_resident(before_bytes, "between a producer and a consumer", 516);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_burst),
        cmocka_unit_test(test_burst_with_survivors),
        cmocka_unit_test(test_owners_are_idle),
        cmocka_unit_test(test_only_allocates_only_frees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
