/* Real threads on the real system. Everything is counted: after each test the whole heap is checked, and the number of
 * live blocks must be exactly what the test still holds, so a block that was lost or doubled anywhere shows. Work is
 * fixed in advance; no test depends on who is faster. */
#include "tests/test_real.h"

#include <limits.h>
#include <pthread.h>

#include "allocator/check.h"
#include "allocator/root.h"
#include "allocator/thread.h"

enum { THREADS = 4 };

/* ---- counting ---- */

struct census {
    size_t live; /* small blocks */
    struct hak_heap_counts counts;
};

/* Pre: no other thread is inside the allocator. */
static struct census census_take(void) {
    struct census census;
    const char *broken = hak_check_heap(&census.counts, NULL, NULL);
    if (broken != NULL) {
        fail_msg("%s", broken);
    }
    const struct hak_heap_counts *counts = &census.counts;
    census.live = counts->carved_blocks - counts->free_blocks - counts->cached_blocks - counts->remote_blocks;
    return census;
}

static void expect_same_live(struct census before) {
    struct census after = census_take();
    assert_int_equal(after.live, before.live);
    assert_int_equal(after.counts.bigs, before.counts.bigs);
    assert_int_equal(after.counts.big_bytes, before.counts.big_bytes);
}

static size_t heaps_owned(void) {
    size_t count = 0;
    for (struct hak_heap *heap = hak_root.heaps.known; heap != NULL; heap = heap->next_known) {
        count += heap->state == HAK_HEAP_OWNED;
    }
    return count;
}

/* ---- blocks that carry their own description ---- */

struct parcel {
    size_t size_bytes;
    uint64_t seed;
};

/* Sizes in a fixed order that visits every class and now and then a mapping. */
static size_t size_of_turn(uint64_t turn) {
    return turn % 61 == 60 ? 1025 + turn % 9000 : sizeof(struct parcel) + turn * 7919 % 1000;
}

static struct parcel *parcel_make(uint64_t seed) {
    size_t size_bytes = size_of_turn(seed);
    struct parcel *parcel = seed % 5 == 0 ? hak_calloc(1, size_bytes) : hak_malloc(size_bytes);
    require(parcel != NULL);
    require(seed % 5 != 0 || is_zero(parcel, size_bytes));
    *parcel = (struct parcel){size_bytes, seed};
    pattern_fill(parcel + 1, size_bytes - sizeof *parcel, seed);
    return parcel;
}

static bool parcel_holds(const struct parcel *parcel) {
    return pattern_holds(parcel + 1, parcel->size_bytes - sizeof *parcel, parcel->seed);
}

static void parcel_free(struct parcel *parcel) {
    require(parcel_holds(parcel));
    require(hak_malloc_usable_size(parcel) >= parcel->size_bytes);
    hak_free(parcel);
}

/* Let another thread than its owner resize it. */
static struct parcel *parcel_grow(struct parcel *parcel, size_t more_bytes) {
    require(parcel_holds(parcel));
    size_t size_bytes = parcel->size_bytes + more_bytes;
    parcel = hak_realloc(parcel, size_bytes);
    require(parcel != NULL && parcel_holds(parcel));
    parcel->size_bytes = size_bytes;
    pattern_fill(parcel + 1, size_bytes - sizeof *parcel, parcel->seed);
    return parcel;
}

static void threads_run(void *(*body)(void *), size_t count) {
    pthread_t threads[64];
    require(count <= 64);
    for (uintptr_t i = 0; i < count; i++) {
        require(pthread_create(&threads[i], NULL, body, (void *)i) == 0);
    }
    for (size_t i = 0; i < count; i++) {
        require(pthread_join(threads[i], NULL) == 0);
    }
}

/* ---- producers and consumers ---- */

enum { RING_SLOTS = 64, PARCELS_EACH = 20000 };

static struct ring {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct parcel *slots[RING_SLOTS];
    size_t put, taken;
} ring = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void ring_put(struct parcel *parcel) {
    (void)pthread_mutex_lock(&ring.lock);
    while (ring.put - ring.taken == RING_SLOTS) {
        (void)pthread_cond_wait(&ring.changed, &ring.lock);
    }
    ring.slots[ring.put++ % RING_SLOTS] = parcel;
    (void)pthread_cond_broadcast(&ring.changed);
    (void)pthread_mutex_unlock(&ring.lock);
}

static struct parcel *ring_take(void) {
    (void)pthread_mutex_lock(&ring.lock);
    while (ring.put == ring.taken) {
        (void)pthread_cond_wait(&ring.changed, &ring.lock);
    }
    struct parcel *parcel = ring.slots[ring.taken++ % RING_SLOTS];
    (void)pthread_cond_broadcast(&ring.changed);
    (void)pthread_mutex_unlock(&ring.lock);
    return parcel;
}

/* Even threads make, odd ones take: each block is freed by another thread than made it. */
static void *producer_or_consumer(void *argument) {
    uintptr_t index = (uintptr_t)argument;
    for (uint64_t turn = 0; turn < PARCELS_EACH; turn++) {
        if (index % 2 == 0) {
            ring_put(parcel_make(index * PARCELS_EACH + turn));
        } else {
            struct parcel *parcel = ring_take();
            parcel_free(turn % 3 == 0 ? parcel_grow(parcel, turn % 700) : parcel);
        }
    }
    return NULL;
}

static void test_producers_and_consumers(void **state) {
    (void)state;
    struct census before = census_take();
    threads_run(producer_or_consumer, THREADS);
    expect_same_live(before);
}

/* ---- threads that end with blocks in flight ---- */

/* A table that all threads exchange parcels with: what one leaves there another frees, often after the first has ended.
 */
enum { TABLE_SLOTS = 512, SHORT_THREADS = 200, AT_ONCE = 8 };
static _Atomic(struct parcel *) table[TABLE_SLOTS];

static void *short_life(void *argument) {
    uintptr_t index = (uintptr_t)argument;
    for (uint64_t turn = 0; turn < 300; turn++) {
        struct parcel *mine = parcel_make(index * 1000 + turn);
        struct parcel *other = atomic_exchange(&table[(index * 37 + turn * 101) % TABLE_SLOTS], mine);
        if (other != NULL) {
            parcel_free(other);
        }
    }
    return NULL;
}

/* A chain: each thread starts its successor before it ends, so that lives and ends overlap. */
static _Atomic size_t started;
static void *relay(void *argument) {
    pthread_t next;
    uintptr_t index = atomic_fetch_add(&started, 1);
    if (index >= SHORT_THREADS) {
        return NULL;
    }
    (void)short_life((void *)index);
    require(pthread_create(&next, NULL, relay, argument) == 0);
    (void)short_life((void *)(index + SHORT_THREADS));
    require(pthread_join(next, NULL) == 0);
    return NULL;
}

static size_t table_clear(void) {
    size_t found = 0;
    for (size_t i = 0; i < TABLE_SLOTS; i++) {
        struct parcel *parcel = atomic_exchange(&table[i], NULL);
        if (parcel != NULL) {
            parcel_free(parcel);
            found++;
        }
    }
    return found;
}

static void test_threads_that_come_and_go(void **state) {
    (void)state;
    struct census before = census_take();
    atomic_store(&started, 0);
    threads_run(relay, AT_ONCE);
    struct census full = census_take();
    size_t in_table = 0, mappings = full.counts.bigs - before.counts.bigs;
    for (size_t i = 0; i < TABLE_SLOTS; i++) {
        in_table += atomic_load(&table[i]) != NULL;
    }
    assert_int_equal(full.live - before.live + mappings, in_table);
    assert_int_equal(heaps_owned(), 1);
    assert_int_equal(table_clear(), in_table);
    expect_same_live(before);
}

/* ---- adoption ---- */

enum { KEPT = 3000 };
static struct parcel *kept[KEPT];

static void *fill_kept(void *argument) {
    (void)argument;
    for (uint64_t i = 0; i < KEPT; i++) {
        kept[i] = parcel_make(i);
    }
    return NULL;
}

static void *empty_kept(void *argument) {
    for (size_t i = (uintptr_t)argument; i < KEPT; i += 2) {
        parcel_free(kept[i]);
        kept[i] = NULL;
    }
    return NULL;
}

/* Memory of threads that ended, blocks still in flight, serves the next threads: however many come and go, no more is
 * taken from the system. */
static void test_memory_of_ended_threads_is_used(void **state) {
    (void)state;
    struct census before = census_take();
    struct census first = before;
    for (unsigned generation = 0; generation < 20; generation++) {
        threads_run(fill_kept, 1);
        struct census full = census_take();
        assert_int_equal(full.live + full.counts.bigs, before.live + before.counts.bigs + KEPT);
        if (generation == 0) {
            first = full;
        }
        assert_true(full.counts.superslabs <= first.counts.superslabs);
        assert_true(full.counts.bound_slabs <= first.counts.bound_slabs + 2);
        assert_true(full.counts.carved_blocks <= first.counts.carved_blocks + 2 * KEPT);
        threads_run(empty_kept, 2);
        expect_same_live(before);
    }
}

/* What a thread frees and does not use again does not all stay with it. */
static void test_caches_are_bounded(void **state) {
    (void)state;
    static void *blocks[KEPT];
    (void)hak_malloc_trim(0);
    struct census before = census_take();
    for (size_t i = 0; i < KEPT; i++) {
        blocks[i] = hak_malloc(64);
        require(blocks[i] != NULL);
    }
    for (size_t i = 0; i < KEPT; i++) {
        hak_free(blocks[i]);
    }
    expect_same_live(before);
    assert_true(census_take().counts.cached_blocks <= HAK_GEO->cache_max);
}

/* What others free comes home while the owner allocates: round after round in the same memory. */
static void test_remote_frees_are_used_again(void **state) {
    (void)state;
    struct census before = census_take();
    struct census first = before;
    for (unsigned round = 0; round < 20; round++) {
        (void)fill_kept(NULL);
        struct census full = census_take();
        if (round == 0) {
            first = full;
        }
        assert_true(full.counts.bound_slabs <= first.counts.bound_slabs);
        threads_run(empty_kept, 2);
    }
    expect_same_live(before);
}

/* A thread whose blocks were all freed by others before it ends leaves nothing behind. */
static pthread_barrier_t filled, emptied;

static void *fill_and_wait(void *argument) {
    (void)fill_kept(argument);
    (void)pthread_barrier_wait(&filled);
    (void)pthread_barrier_wait(&emptied);
    return NULL;
}

static void test_thread_takes_its_queue_along(void **state) {
    (void)state;
    (void)hak_malloc_trim(0);
    struct census before = census_take();
    pthread_t thread;
    require(pthread_barrier_init(&filled, NULL, 2) == 0 && pthread_barrier_init(&emptied, NULL, 2) == 0);
    require(pthread_create(&thread, NULL, fill_and_wait, NULL) == 0);
    (void)pthread_barrier_wait(&filled);
    (void)empty_kept((void *)(uintptr_t)0);
    (void)empty_kept((void *)(uintptr_t)1);
    hak_pending_send(hak_thread.heap); /* the last few wait for more to go with */
    (void)pthread_barrier_wait(&emptied);
    require(pthread_join(thread, NULL) == 0);
    struct census after = census_take();
    assert_int_equal(after.counts.remote_blocks, 0);
    assert_int_equal(after.counts.bound_slabs, before.counts.bound_slabs);
}

/* A thread that lives on takes over what an ended one left, while others still free blocks of that one. */
static void *fill_table(void *argument) {
    for (size_t i = 0; i < TABLE_SLOTS; i++) {
        if (i % THREADS == (uintptr_t)argument) {
            atomic_store(&table[i], parcel_make(i));
        }
    }
    return NULL;
}

static void *free_or_adopt(void *argument) {
    if ((uintptr_t)argument % 2 == 0) {
        for (size_t i = 0; i < TABLE_SLOTS; i++) {
            struct parcel *parcel = atomic_exchange(&table[i], NULL);
            if (parcel != NULL) {
                parcel_free(parcel);
            }
        }
    } else {
        static _Thread_local struct parcel *taken[2000];
        for (uint64_t i = 0; i < 2000; i++) {
            taken[i] = parcel_make(i);
        }
        (void)hak_malloc_trim(0);
        for (uint64_t i = 0; i < 2000; i++) {
            parcel_free(taken[i]);
        }
    }
    return NULL;
}

static void test_adoption_beside_remote_frees(void **state) {
    (void)state;
    struct census before = census_take();
    for (unsigned round = 0; round < 60; round++) {
        threads_run(fill_table, THREADS);
        threads_run(free_or_adopt, THREADS);
        expect_same_live(before);
    }
}

/* Blocks that wait in the queues of threads that have ended included. */
static void test_trim_gives_all_back(void **state) {
    (void)state;
    threads_run(fill_kept, 1);
    (void)empty_kept((void *)(uintptr_t)0);
    (void)empty_kept((void *)(uintptr_t)1);
    assert_true(census_take().counts.remote_blocks > 0);
    (void)hak_malloc_trim(0);
    struct census census = census_take();
    assert_int_equal(census.counts.cached_blocks + census.counts.remote_blocks, 0);
    assert_int_equal(census.live, 0); /* this test is the last one */
    assert_int_equal(census.counts.superslabs, 0);
}

/* ---- before main and after the end of a thread ---- */

static struct parcel *from_constructor;
static pthread_key_t early_key, late_key; /* destructors that run before the allocator's own, and after it */

/* A destructor that uses the allocator and asks for another round as often as the system grants one: by then the
 * thread's heap is gone, and after the last one nobody tells the allocator. */
enum { ROUNDS = PTHREAD_DESTRUCTOR_ITERATIONS - UNDER_TSAN }; /* the last is that in which ThreadSanitizer leaves */
struct last_words {
    pthread_key_t *key;
    unsigned rounds_left;
    struct parcel *parcel;
};

static void speak_last(void *argument) {
    struct last_words *words = argument;
    parcel_free(words->parcel);
    void *large = hak_malloc(100000);
    require(large != NULL);
    hak_free(large);
    if (words->rounds_left == 0) {
        parcel_free(parcel_make(1));
        hak_free(words);
        return;
    }
    words->rounds_left--;
    words->parcel = parcel_make(words->rounds_left + 17);
    require(pthread_setspecific(*words->key, words) == 0);
}

__attribute__((constructor)) static void before_main(void) {
    require(pthread_key_create(&early_key, speak_last) == 0);
    from_constructor = parcel_make(3);
    require(pthread_key_create(&late_key, speak_last) == 0);
}

static void test_constructor(void **state) {
    (void)state;
    require(from_constructor != NULL);
    parcel_free(from_constructor);
}

static void *die_talking(void *argument) {
    (void)argument;
    pthread_key_t *const keys[] = {&early_key, &late_key};
    for (size_t i = 0; i < 2; i++) {
        struct last_words *words = hak_malloc(sizeof *words);
        require(words != NULL);
        *words = (struct last_words){keys[i], ROUNDS - 1, parcel_make(i)};
        require(pthread_setspecific(*keys[i], words) == 0);
    }
    return NULL;
}

static void test_destructors_of_threads(void **state) {
    (void)state;
    struct census before = census_take();
    for (unsigned round = 0; round < 30; round++) {
        threads_run(die_talking, THREADS);
    }
    expect_same_live(before);
    assert_int_equal(heaps_owned(), 1); /* none is left with a thread that is gone */
}

/* A thread that frees a little needs no heap; one that frees more gathers it in one. */
static void *only_free(void *argument) {
    (void)argument;
    for (size_t i = 0; i < KEPT; i++) {
        parcel_free(kept[i]);
        require((hak_thread.heap == &hak_heap_none) == (i + 1 < HAK_THREAD_FREES_MAX));
    }
    return NULL;
}

static void test_thread_that_only_frees(void **state) {
    (void)state;
    struct census before = census_take();
    (void)fill_kept(NULL);
    threads_run(only_free, 1);
    expect_same_live(before);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_constructor),
        cmocka_unit_test(test_producers_and_consumers),
        cmocka_unit_test(test_threads_that_come_and_go),
        cmocka_unit_test(test_memory_of_ended_threads_is_used),
        cmocka_unit_test(test_adoption_beside_remote_frees),
        cmocka_unit_test(test_caches_are_bounded),
        cmocka_unit_test(test_remote_frees_are_used_again),
        cmocka_unit_test(test_thread_takes_its_queue_along),
        cmocka_unit_test(test_destructors_of_threads),
        cmocka_unit_test(test_thread_that_only_frees),
        cmocka_unit_test(test_trim_gives_all_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
