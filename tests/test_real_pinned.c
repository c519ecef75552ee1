/* What a few blocks in a slab pin: pages, not slabs. Threads that sleep with blocks in their caches, and survivors
 * between many blocks that were freed: after malloc_trim, and for idle owners after some time, little stays resident.
 * The figures are printed for the reader.
 *
 * Time: what has to happen is waited for; nothing has to be done fast. */
#include "tests/memory_fixture.h"

enum { SLEEPERS = SANITIZED || HAK_CHECK >= 2 ? 8 : 64, SLEEPER_BYTES = 256 << 10 };
static pthread_t sleepers[SLEEPERS];
static pthread_barrier_t made, freed;

/* For the reader: the bounds are tested beside it. Standard error must stay silent. */
static void say_resident(const char *when, size_t before_bytes) {
    (void)printf("%s: %.1f MiB resident\n", when, (double)(resident_bytes() - before_bytes) / (1 << 20));
    (void)fflush(stdout);
}

/* A lot of every class, one after the other: then its caches hold a few of each. */
static void *burst_and_sleep(void *unused) {
    for (uint32_t class_id = HAK_HEADER; class_id < HAK_CLASS_COUNT; class_id++) {
        chain_free(chain_make(hak_class_bytes[class_id] - HAK_HEADER_BYTES, SLEEPER_BYTES));
    }
    (void)pthread_barrier_wait(&made);
    (void)pthread_barrier_wait(&freed); /* idle meanwhile */
    return unused;
}

static void sleepers_start(void) {
    require(pthread_barrier_init(&made, NULL, SLEEPERS + 1) == 0);
    require(pthread_barrier_init(&freed, NULL, SLEEPERS + 1) == 0);
    for (unsigned i = 0; i < SLEEPERS; i++) {
        require(pthread_create(&sleepers[i], NULL, burst_and_sleep, NULL) == 0);
    }
    (void)pthread_barrier_wait(&made);
}

static void sleepers_end(void) {
    (void)pthread_barrier_wait(&freed);
    for (unsigned i = 0; i < SLEEPERS; i++) {
        require(pthread_join(sleepers[i], NULL) == 0);
    }
    expect_whole_heap();
}

/* Slabs in use, without the pages that take no memory. */
static uint64_t slabs_hold_bytes(void) {
    return NOW(TINY_slab_bytes) - NOW(TINY_clean_bytes) + NOW(POOL_slab_bytes) - NOW(POOL_clean_bytes);
}

/* For all caches together 16 MiB, by block; a page where a block begins, and one where it ends, by page. */
static const size_t SLEEPERS_LIMIT_BYTES = (size_t)48 << 20;

static void expect_slabs_hold_little(size_t before_bytes, size_t limit_bytes) {
    if (HAK_PAGE_SHIFT > 12) {
        return; /* a slab is a page or two */
    }
    size_t grown_bytes = resident_bytes() - before_bytes;
    if (slabs_hold_bytes() > limit_bytes || (!SANITIZED && (ptrdiff_t)grown_bytes > (ptrdiff_t)limit_bytes)) {
        (void)fprintf(stderr, "%ju bytes in slabs, %td resident, %zu allowed\n", (uintmax_t)slabs_hold_bytes(),
                      (ptrdiff_t)grown_bytes, limit_bytes);
        say_all("slabs hold too much");
        abort();
    }
}

static void sleepers_at_trim(void) {
    size_t before_bytes = resident_bytes();
    sleepers_start();
    say_resident("threads that sleep", before_bytes);
    (void)hak_malloc_trim(0);
    say_resident("threads that sleep, after malloc_trim", before_bytes);
    require(NOW(MEMORY_dirty_bytes) == 0);
    expect_slabs_hold_little(before_bytes, SLEEPERS_LIMIT_BYTES);
    expect_whole_heap();
    uint64_t purged_bytes = NOW(MEMORY_slab_purged_bytes);
    (void)hak_malloc_trim(0);
    require(NOW(MEMORY_slab_purged_bytes) == purged_bytes); /* nothing is purged twice */
    sleepers_end();
    (void)hak_malloc_trim(0);
    expect_nothing_held(before_bytes);
}

/* Whether what the others have was given back, as far as it goes: then no slab without a block in use is left. */
static bool others_are_tidy(void) {
    struct hak_heap *heap = hak_load(&hak_root.heaps.known, acquire);
    for (; heap != NULL; heap = heap->next_known) {
        if (heap != hak_thread.heap && hak_load(&heap->idle.tidied, relaxed) != hak_heap_worked(heap)) {
            return false;
        }
        for (uint32_t i = 0; heap != hak_thread.heap && i < HAK_CLASS_COUNT; i++) {
            require(heap->available[i] == NULL || heap->available[i]->used != 0);
        }
    }
    return true;
}

/* Without a trim, by one thread that works on. Once it is done it is not done again. */
static void sleepers_idle(void) {
    set_option("HAKMEM_PURGE_DELAY_MS", "50");
    (void)hak_malloc(1);
    size_t before_bytes = resident_bytes();
    sleepers_start();
    say_resident("threads that sleep", before_bytes);
    for (unsigned turn = 0; !others_are_tidy(); turn++) {
        require(turn < 4000); /* many times more than it should take */
        work_a_little();
        sleep_ms(5);
    }
    work_until(HAK_STAT_MEMORY_dirty_bytes, (size_t)8 << 20);
    say_resident("threads that sleep, after some time", before_bytes);
    expect_slabs_hold_little(before_bytes, SLEEPERS_LIMIT_BYTES + ((size_t)16 << 20)); /* slabs that are full enough */
    uint64_t purged_bytes = NOW(MEMORY_slab_purged_bytes);
    require(purged_bytes > 0 || HAK_PAGE_SHIFT > 12);
    for (unsigned turn = 0; turn < 100; turn++) {
        work_a_little();
        sleep_ms(5);
    }
    require(NOW(MEMORY_slab_purged_bytes) == purged_bytes);
    sleepers_end();
}

/* One block of 200 stays. */
static void sparse_survivors(void) {
    enum { BLOCKS = SANITIZED || HAK_CHECK >= 2 ? 100000 : 400000, EACH = 200, SURVIVOR_BYTES = 256 - HAK_HEADER };
    static void *blocks[BLOCKS];
    size_t before_bytes = resident_bytes();
    for (unsigned i = 0; i < BLOCKS; i++) {
        blocks[i] = hak_malloc(SURVIVOR_BYTES);
        require(blocks[i] != NULL);
        pattern_fill(blocks[i], SURVIVOR_BYTES, i);
    }
    for (unsigned i = 0; i < BLOCKS; i++) {
        if (i % EACH != 0) {
            hak_free(blocks[i]);
        }
    }
    say_resident("one block of 200 stays", before_bytes);
    (void)hak_malloc_trim(0);
    say_resident("one block of 200 stays, after malloc_trim", before_bytes);
    expect_slabs_hold_little(before_bytes + sizeof blocks, (size_t)12 << 20);
    expect_whole_heap();
    for (unsigned i = 0; i < BLOCKS; i++) { /* what was purged serves again */
        if (i % EACH != 0) {
            blocks[i] = hak_calloc(1, SURVIVOR_BYTES);
            require(blocks[i] != NULL);
            pattern_fill(blocks[i], SURVIVOR_BYTES, i);
        }
    }
    for (unsigned i = 0; i < BLOCKS; i++) {
        require(pattern_holds(blocks[i], SURVIVOR_BYTES, i));
        hak_free(blocks[i]);
    }
    expect_whole_heap();
}

static void test_few_blocks_pin_little(void **state) {
    (void)state;
    expect_clean_child(sleepers_at_trim);
    expect_clean_child(sleepers_idle);
    expect_clean_child(sparse_survivors);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_few_blocks_pin_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
