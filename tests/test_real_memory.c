/* The life of memory: after a burst to a gigabyte of every size of block, and the free of everything, little stays
 * resident, whoever frees; what waits for reuse goes back when it is old; nothing that could go back stays after
 * malloc_trim. Each test is a child with a heap that nobody used and with the options it wants.
 *
 * Time: where something has to be older than a limit, the test sleeps longer than that, or works until it has happened;
 * nothing has to be done fast. */
#include "tests/memory_fixture.h"

/* Sanitizers have memory of their own for each byte of ours, and proofs of whole heaps take their time: there a smaller
 * burst shows the same. */
static const size_t BURST_BYTES = SANITIZED || HAK_CHECK >= 2 ? (size_t)128 << 20 : (size_t)1 << 30;
static const size_t LIMIT_BYTES = (size_t)32 << 20;

static const size_t sizes[] = {16, 64, 200, 1024, 3000, 20000, 32768, 100000, 1000000, 5000000};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

/* ---- bursts ---- */

static void burst(void) {
    size_t before_bytes = resident_bytes();
    for (unsigned i = 0; i < SIZES; i++) {
        chain_free(chain_make(sizes[i], BURST_BYTES / (i < 2 ? 8 : 2)));
        expect_little_held(before_bytes, LIMIT_BYTES); /* at once: the rest is beyond the budget */
    }
    expect_whole_heap();
    (void)hak_malloc_trim(0);
    expect_nothing_held(before_bytes);
}

static void test_burst(void **state) {
    (void)state;
    expect_clean_child(burst);
}

static void burst_of_all_sizes_at_once(void) {
    struct chain chains[SIZES];
    size_t before_bytes = resident_bytes();
    for (unsigned i = 0; i < SIZES; i++) {
        chains[i] = chain_make(sizes[i], BURST_BYTES / SIZES);
    }
    require(NOW(MEMORY_live_bytes) >= BURST_BYTES);
    for (unsigned i = 0; i < SIZES; i++) {
        chain_free(chains[i]);
    }
    expect_little_held(before_bytes, LIMIT_BYTES);
    (void)hak_malloc_trim(0);
    expect_nothing_held(before_bytes);
}

static void test_burst_of_all_sizes_at_once(void **state) {
    (void)state;
    expect_clean_child(burst_of_all_sizes_at_once);
}

/* One block in some slabs stays: the slabs between go back all the same. */
static void survivors(void) {
    enum { SURVIVORS = 64 };
    static void *kept[SURVIVORS];
    size_t before_bytes = resident_bytes();
    for (unsigned n = 0; n < SURVIVORS; n++) {
        struct chain chain = chain_make(500, BURST_BYTES / SURVIVORS / 4);
        kept[n] = hak_malloc(500);
        require(kept[n] != NULL);
        pattern_fill(kept[n], 500, n);
        chain_free(chain);
    }
    expect_little_held(before_bytes, LIMIT_BYTES);
    (void)hak_malloc_trim(0);
    require(NOW(MEMORY_dirty_bytes) == 0 && NOW(SUPERSLAB_cached) == 0);
    require(NOW(TINY_slabs) <= SURVIVORS && NOW(TINY_live_blocks) == SURVIVORS);
    for (unsigned n = 0; n < SURVIVORS; n++) {
        require(pattern_holds(kept[n], 500, n));
        hak_free(kept[n]);
    }
    (void)hak_malloc_trim(0);
    expect_nothing_held(before_bytes);
}

static void test_survivors(void **state) {
    (void)state;
    expect_clean_child(survivors);
}

/* ---- age ---- */

static void make_some_of_each_tier(void) {
    struct chain chains[SIZES];
    for (unsigned i = 0; i < SIZES; i++) {
        chains[i] = chain_make(sizes[i], (size_t)6 << 20);
    }
    for (unsigned i = 0; i < SIZES; i++) {
        chain_free(chains[i]);
    }
}

static void age(void) {
    set_option("HAKMEM_DIRTY_MAX_MB", "256");
    set_option("HAKMEM_PURGE_DELAY_MS", "200");
    set_option("HAKMEM_SUPERSLAB_TTL_SEC", "1");
    set_option("HAKMEM_BIG_CACHE_TTL_SEC", "1");
    size_t before_bytes = resident_bytes();
    make_some_of_each_tier();
    require(NOW(SUPERSLAB_cached) > 3 && NOW(RUN_regions) > 1 && NOW(BIG_cached_blocks) > 0);
    work_until(HAK_STAT_MEMORY_dirty_bytes,
               (size_t)8 << 20); /* a region, and SuperSlabs, that the work itself keeps young */
    expect_little_held(before_bytes, (size_t)10 << 20);
    work_until(HAK_STAT_SUPERSLAB_cached, 1);
    work_until(HAK_STAT_BIG_cached_blocks, 0);
    work_until(HAK_STAT_RUN_regions, 1);
    expect_whole_heap();
}

/* Before its time nothing goes. */
static void too_young(void) {
    set_option("HAKMEM_DIRTY_MAX_MB", "256");
    set_option("HAKMEM_PURGE_DELAY_MS", "3600000");
    set_option("HAKMEM_SUPERSLAB_TTL_SEC", "3600");
    set_option("HAKMEM_BIG_CACHE_TTL_SEC", "3600");
    make_some_of_each_tier();
    uint64_t dirty_bytes = NOW(MEMORY_dirty_bytes), cached = NOW(SUPERSLAB_cached), bigs = NOW(BIG_cached_blocks);
    require(dirty_bytes > (size_t)20 << 20);
    for (unsigned i = 0; i < 10; i++) {
        work_a_little();
        sleep_ms(30);
    }
    require(NOW(MEMORY_dirty_bytes) + ((size_t)2 << 20) >= dirty_bytes);
    require(NOW(SUPERSLAB_cached) + 1 >= cached && NOW(BIG_cached_blocks) == bigs);
    require(NOW(MEMORY_purged_bytes) == 0 && NOW(SUPERSLAB_released) == 0);
    size_t before_bytes = resident_bytes();
    (void)hak_malloc_trim(0);
    expect_nothing_held(before_bytes);
    require(SANITIZED || resident_bytes() + dirty_bytes / 2 < before_bytes);
}

static void nothing_may_wait(void) {
    set_option("HAKMEM_LAZY_CACHE", "0");
    set_option("HAKMEM_BIG_CACHE_MAX_COUNT", "0");
    set_option("HAKMEM_DIRTY_MAX_MB", "0");
    set_option("HAKMEM_THREAD_CACHE", "0");
    size_t before_bytes = resident_bytes();
    make_some_of_each_tier();
    require(NOW(SUPERSLAB_cached) == 0 && NOW(RUN_regions) == 0 && NOW(BIG_cached_blocks) == 0);
    require(NOW(MEMORY_dirty_bytes) <= NOW(MEMORY_live_bytes));
    expect_little_held(before_bytes, (size_t)4 << 20);
    expect_whole_heap();
}

static void test_age(void **state) {
    (void)state;
    expect_clean_child(age);
    expect_clean_child(too_young);
    expect_clean_child(nothing_may_wait);
}

/* Bounds of count and bytes hold at every moment. */
static void bounded(void) {
    set_option("HAKMEM_SUPERSLAB_MAX_CACHED", "3");
    set_option("HAKMEM_BIG_CACHE_MAX_MEMORY_MB", "10");
    set_option("HAKMEM_DIRTY_MAX_MB", "256");
    struct chain chains[] = {chain_make(1000, (size_t)30 << 20), chain_make(3000000, (size_t)30 << 20)};
    for (unsigned i = 0; i < 2; i++) {
        while (chains[i].first != NULL) {
            chain_free_some(&chains[i], i == 0 ? 500 : 1);
            require(NOW(SUPERSLAB_cached) <= 3 && NOW(BIG_cached_bytes) <= (size_t)10 << 20);
        }
    }
    require(NOW(SUPERSLAB_cached) == 3 && NOW(BIG_cached_blocks) == 3);
    expect_whole_heap();
}

static void test_bounds(void **state) {
    (void)state;
    expect_clean_child(bounded);
}

/* ---- owners and others ---- */

enum { OWNERS = 4, IDLE_LONGER_MS = 400 };
static struct chain chains[OWNERS];
static pthread_t threads[OWNERS];
static pthread_barrier_t made, freed;
static const size_t OWNED_BYTES = (size_t)16 << 20;

static void *make_and_wait(void *argument) {
    struct chain *chain = argument;
    *chain = chain_make(300, OWNED_BYTES);
    (void)pthread_barrier_wait(&made);
    (void)pthread_barrier_wait(&freed); /* idle meanwhile */
    return NULL;
}

static void owners_start(unsigned count) {
    require(pthread_barrier_init(&made, NULL, count + 1) == 0 && pthread_barrier_init(&freed, NULL, count + 1) == 0);
    for (unsigned i = 0; i < count; i++) {
        require(pthread_create(&threads[i], NULL, make_and_wait, &chains[i]) == 0);
    }
    (void)pthread_barrier_wait(&made);
}

static void owners_end(unsigned count) {
    (void)pthread_barrier_wait(&freed);
    for (unsigned i = 0; i < count; i++) {
        require(pthread_join(threads[i], NULL) == 0);
    }
    expect_whole_heap();
}

/* What idle threads allocated and another one frees does not wait for them: after malloc_trim all but their caches is
 * gone. */
static void owners_are_idle_at_trim(void) {
    size_t before_bytes = resident_bytes();
    owners_start(OWNERS);
    for (unsigned i = 0; i < OWNERS; i++) {
        chain_free(chains[i]);
    }
    (void)hak_malloc_trim(0);
    require(NOW(MEMORY_dirty_bytes) == 0);
    expect_little_held(before_bytes, (size_t)4 << 20);
    owners_end(OWNERS);
    (void)hak_malloc_trim(0);
    expect_nothing_held(before_bytes);
}

/* Without a trim: once an owner counts as idle, whoever frees empties its queue now and then. */
static void owner_is_idle(void) {
    enum { PIECES = 6 };
    (void)hak_malloc(1); /* who helps has a heap */
    owners_start(1);
    uint64_t live_bytes = NOW(MEMORY_live_bytes);
    for (unsigned piece = 1; piece <= PIECES; piece++) {
        sleep_ms(IDLE_LONGER_MS);
        chain_free_some(&chains[0], piece < PIECES ? OWNED_BYTES / 300 / PIECES : SIZE_MAX);
        require(NOW(THREAD_helped) >= piece);
        /* the piece before this one is home, but for what shares a slab with this one */
        require(NOW(MEMORY_live_bytes) <= live_bytes - (piece - 1) * (OWNED_BYTES / PIECES) + ((size_t)1 << 20));
    }
    owners_end(1);
}

static void test_owners_are_idle(void **state) {
    (void)state;
    expect_clean_child(owners_are_idle_at_trim);
    expect_clean_child(owner_is_idle);
}

/* One thread only allocates, another only frees, in lock step: what is in flight bounds what is held. */
enum { IN_FLIGHT = 1000, ROUNDS = 1500, WARM = 100 };
static void *flight[IN_FLIGHT];
static pthread_barrier_t step;
static bool freer_has_heap;

static void *only_free(void *unused) {
    (void)unused;
    void *own = freer_has_heap ? hak_malloc(8) : NULL;
    for (unsigned round = 0; round < ROUNDS; round++) {
        (void)pthread_barrier_wait(&step);
        for (unsigned i = 0; i < IN_FLIGHT; i++) {
            hak_free(flight[i]);
        }
        (void)pthread_barrier_wait(&step);
    }
    hak_free(own);
    return NULL;
}

static void only_allocate(void) {
    pthread_t thread;
    uint64_t most_bytes = 0;
    require(pthread_barrier_init(&step, NULL, 2) == 0);
    require(pthread_create(&thread, NULL, only_free, NULL) == 0);
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < IN_FLIGHT; i++) {
            flight[i] = hak_malloc(i % 100 == 99 ? 40 * i : i % 10 == 9 ? 1000 + 4 * i : 16 + i);
            require(flight[i] != NULL);
        }
        uint64_t live_bytes = NOW(MEMORY_live_bytes) + NOW(MEMORY_dirty_bytes);
        if (round < WARM) {
            most_bytes = live_bytes > most_bytes ? live_bytes : most_bytes;
        } else {
            require(live_bytes <= most_bytes + ((size_t)2 << 20));
        }
        (void)pthread_barrier_wait(&step);
        (void)pthread_barrier_wait(&step);
    }
    require(pthread_join(thread, NULL) == 0);
    require(NOW(SUPERSLAB_mapped) <= 8);
    expect_whole_heap();
    (void)hak_malloc_trim(0);
    require(NOW(MEMORY_live_bytes) == 0 && NOW(MEMORY_dirty_bytes) == 0);
}

static void only_allocate_to_heap(void) {
    freer_has_heap = true;
    only_allocate();
}

static void test_only_allocates_only_frees(void **state) {
    (void)state;
    expect_clean_child(only_allocate);
    expect_clean_child(only_allocate_to_heap);
}

/* ---- threads that end ---- */

enum { AT_ONCE = 50, GENERATIONS = 20, LEFT = 8 };
static void *left[AT_ONCE][LEFT];
static pthread_barrier_t all_there;

static size_t left_bytes(size_t i) {
    return sizes[i % SIZES] < 100000 ? sizes[i % SIZES] : 100;
}

/* Makes and frees some, and leaves a few blocks behind. All of a generation are there at once, so each has a heap. */
static void *live_shortly(void *argument) {
    void **mine = argument;
    chain_free(chain_make(200, 200000));
    for (size_t i = 0; i < LEFT; i++) {
        mine[i] = hak_malloc(left_bytes(i));
        require(mine[i] != NULL);
        pattern_fill(mine[i], left_bytes(i), i);
    }
    (void)pthread_barrier_wait(&all_there);
    return NULL;
}

static void a_thousand_threads(void) {
    static pthread_t many[AT_ONCE];
    size_t before_bytes = resident_bytes();
    uint64_t first_mapped = 0;
    require(pthread_barrier_init(&all_there, NULL, AT_ONCE) == 0);
    for (unsigned generation = 0; generation < GENERATIONS; generation++) {
        for (unsigned i = 0; i < AT_ONCE; i++) {
            require(pthread_create(&many[i], NULL, live_shortly, left[i]) == 0);
        }
        for (unsigned i = 0; i < AT_ONCE; i++) {
            require(pthread_join(many[i], NULL) == 0);
        }
        first_mapped = generation == 0 ? NOW(SUPERSLAB_mapped) : first_mapped;
        if (NOW(SUPERSLAB_mapped) > first_mapped * 3 / 2 || NOW(THREAD_heaps) > AT_ONCE + 1) {
            (void)fprintf(stderr, "generation %u, first %ju\n", generation, (uintmax_t)first_mapped);
            say_all("threads that ended leave too much");
            abort();
        }
        for (unsigned i = 0; i < AT_ONCE; i++) {
            for (size_t k = 0; k < LEFT; k++) {
                require(pattern_holds(left[i][k], left_bytes(k), k));
                hak_free(left[i][k]);
            }
        }
        expect_whole_heap();
    }
    sleep_ms(HAK_DECAY_WINDOW_MS);      /* generations are turns */
    chain_free(chain_make(700, 10000)); /* no slab of that class: those of the ended are looked through, all at once */
    require(hak_load(&hak_root.heaps.orphans, relaxed) == NULL);
    expect_little_held(before_bytes, LIMIT_BYTES);
    (void)hak_malloc_trim(0);
    expect_nothing_held(before_bytes);
}

static void test_a_thousand_threads(void **state) {
    (void)state;
    expect_clean_child(a_thousand_threads);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_burst),
        cmocka_unit_test(test_burst_of_all_sizes_at_once),
        cmocka_unit_test(test_survivors),
        cmocka_unit_test(test_age),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_owners_are_idle),
        cmocka_unit_test(test_only_allocates_only_frees),
        cmocka_unit_test(test_a_thousand_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
