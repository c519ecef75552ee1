/* fork, alone and among threads that are busy in the allocator: the child goes on as if nothing had happened. A lock
 * that stays taken in a child shows as one that is killed after a minute. */
#include "tests/test_real.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "allocator/check.h"
#include "allocator/root.h"
#include "allocator/shard.h"
#include "allocator/thread.h"

enum { BUSY_THREADS = 3, FORKS = 40, SHARED = 300, BLOCK_BYTES = 50000 };

static char *shared[SHARED];
static _Atomic bool stop;

static size_t size_of(size_t i) {
    return i % 20 == 19 ? 1025 + i * 131 % BLOCK_BYTES : 1 + i * 37 % 1000;
}

static void make_shared(size_t from) {
    for (size_t i = from; i < SHARED; i += 2) {
        shared[i] = hak_malloc(size_of(i));
        require(shared[i] != NULL);
        pattern_fill(shared[i], size_of(i), i);
    }
}

/* Keeps all locks of the allocator busy until told to stop. */
static void *churn(void *argument) {
    uintptr_t index = (uintptr_t)argument;
    for (uint64_t turn = 0; !atomic_load(&stop); turn++) {
        char *blocks[50];
        for (size_t i = 0; i < 50; i++) {
            blocks[i] = hak_malloc(size_of(turn * 50 + i * 7 + index));
            require(blocks[i] != NULL);
        }
        for (size_t i = 0; i < 50; i++) {
            hak_free(blocks[i]);
        }
        if (turn % 8 == index) {
            (void)hak_malloc_trim(0);
        }
    }
    return NULL;
}

static void live_in_child(void) {
    struct hak_heap_counts counts;
    require(hak_check_heap(&counts, NULL, NULL) == NULL);
    for (size_t i = 0; i < SHARED; i++) { /* blocks of the parent, of its other threads too */
        require(pattern_holds(shared[i], size_of(i), i));
        shared[i] = hak_realloc(shared[i], size_of(i) * 3);
        require(shared[i] != NULL && pattern_holds(shared[i], size_of(i), i));
        hak_free(shared[i]);
    }
    make_shared(0);
    make_shared(1);
    for (size_t i = 0; i < SHARED; i++) {
        require(pattern_holds(shared[i], size_of(i), i));
        hak_free(shared[i]);
    }
    (void)hak_malloc_trim(0);
}

static void *make_even(void *unused) {
    (void)unused;
    make_shared(0);
    return NULL;
}

static void free_shared(void) {
    for (size_t i = 0; i < SHARED; i++) {
        require(pattern_holds(shared[i], size_of(i), i));
        hak_free(shared[i]);
    }
}

static void make_all(void) {
    pthread_t maker;
    require(pthread_create(&maker, NULL, make_even, NULL) == 0);
    require(pthread_join(maker, NULL) == 0);
    make_shared(1);
}

static void test_fork_among_busy_threads(void **state) {
    (void)state;
    pthread_t threads[BUSY_THREADS];
    make_all();
    atomic_store(&stop, false);
    for (uintptr_t i = 0; i < BUSY_THREADS; i++) {
        require(pthread_create(&threads[i], NULL, churn, (void *)i) == 0);
    }
    for (unsigned i = 0; i < FORKS; i++) {
        expect_clean_child(live_in_child);
    }
    atomic_store(&stop, true);
    for (size_t i = 0; i < BUSY_THREADS; i++) {
        require(pthread_join(threads[i], NULL) == 0);
    }
    free_shared();
    struct hak_heap_counts counts;
    assert_null(hak_check_heap(&counts, NULL, NULL));
}

static void *work_in_childs_thread(void *unused) {
    (void)unused;
    live_in_child();
    return NULL;
}

/* Without busy threads, the child's heap is whole too, and it may have threads of its own. */
static void thread_in_child(void) {
    struct hak_heap_counts counts;
    require(hak_check_heap(&counts, NULL, NULL) == NULL);
    pthread_t thread;
    require(pthread_create(&thread, NULL, work_in_childs_thread, NULL) == 0);
    require(pthread_join(thread, NULL) == 0);
    require(hak_check_heap(&counts, NULL, NULL) == NULL);
    require(counts.bigs == 0);
    require(counts.carved_blocks == counts.free_blocks + counts.cached_blocks + counts.remote_blocks);
}

static void test_threads_in_the_child(void **state) {
    (void)state;
    make_all();
    expect_clean_child(thread_in_child);
    free_shared();
}

/* ---- generations ---- */

/* What busy threads have, so that a child can free it: a block is here from right after it was allocated to right
 * before it is freed. */
enum { SLOTS = 60, GENERATIONS = 10, LOST_BY_A_THREAD = 2 };
static _Atomic(char *) slots[BUSY_THREADS][SLOTS];
static _Atomic uint64_t turns[BUSY_THREADS];

static void slot_free(_Atomic(char *) *slot) {
    hak_free(atomic_exchange(slot, NULL));
}

/* Allocates and frees all the time, blocks of its own and those of its neighbour. */
static void *exchange(void *argument) {
    uintptr_t index = (uintptr_t)argument;
    for (uint64_t turn = 0; !atomic_load(&stop); turn++) {
        size_t slot = turn * 7 % SLOTS;
        slot_free(&slots[index][slot]);
        slot_free(&slots[(index + 1) % BUSY_THREADS][turn * 11 % SLOTS]);
        char *block = hak_malloc(size_of(turn / 500 * 13 + index)); /* often from the cache, so that frees gather */
        require(block != NULL);
        hak_free(atomic_exchange(&slots[index][slot], block));
        atomic_store(&turns[index], turn);
    }
    return NULL;
}

static struct census { size_t live, bound_slabs, superslabs, regions; } * censuses; /* shared with all children */

static unsigned generation;

/* The child of a fork among busy threads: they are not there any more, but all they had is. */
static void next_generation(void);

static void fork_among_exchangers(void) {
    pthread_t threads[BUSY_THREADS];
    atomic_store(&stop, false);
    for (uintptr_t i = 0; i < BUSY_THREADS; i++) {
        atomic_store(&turns[i], 0);
        require(pthread_create(&threads[i], NULL, exchange, (void *)i) == 0);
    }
    for (size_t i = 0; i < BUSY_THREADS; i++) {
        while (atomic_load(&turns[i]) < 5000) {
            (void)sched_yield();
        }
    }
    generation++;
    struct ending ending = run_in_child(next_generation);
    generation--;
    atomic_store(&stop, true);
    for (size_t i = 0; i < BUSY_THREADS; i++) {
        require(pthread_join(threads[i], NULL) == 0);
    }
    if (ending.status != 0 || ending.said[0] != '\0') {
        (void)fprintf(stderr, "child: wait status 0x%x, it said: %s", (unsigned)ending.status, ending.said);
        abort();
    }
}

static void expect_whole_heap(struct hak_heap_counts *counts) {
    const char *broken = hak_check_heap(counts, NULL, NULL);
    if (broken != NULL) {
        (void)fprintf(stderr, "generation %u: %s\n", generation, broken);
    }
    require(broken == NULL);
}

static void next_generation(void) {
    struct hak_heap_counts counts;
    expect_whole_heap(&counts);
    for (size_t i = 0; i < BUSY_THREADS; i++) {
        for (size_t slot = 0; slot < SLOTS; slot++) {
            slot_free(&slots[i][slot]);
        }
    }
    (void)hak_malloc_trim(0);
    expect_whole_heap(&counts);
    censuses[generation] = (struct census){
        .live = counts.carved_blocks - counts.free_blocks - counts.cached_blocks - counts.remote_blocks + counts.runs +
                counts.bigs,
        .bound_slabs = counts.bound_slabs,
        .superslabs = counts.superslabs,
        .regions = counts.regions,
    };
    if (generation < GENERATIONS) {
        fork_among_exchangers();
    }
}

/* Each fork may lose what a thread was just about to take or to give back, and the slab that is in. Nothing else: the
 * caches and queues of threads that are not there serve again. */
static void test_generations(void **state) {
    (void)state;
    if (UNDER_TSAN) {
        skip();
    }
    censuses =
        mmap(NULL, (GENERATIONS + 1) * sizeof *censuses, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    require(censuses != MAP_FAILED);
    (void)hak_malloc_trim(0);
    struct hak_heap_counts counts;
    expect_whole_heap(&counts);
    size_t live = counts.carved_blocks - counts.free_blocks - counts.cached_blocks - counts.remote_blocks +
                  counts.runs + counts.bigs;
    generation = 0;
    fork_among_exchangers();
    for (size_t i = 1; i <= GENERATIONS; i++) {
        size_t lost_max = i * BUSY_THREADS * LOST_BY_A_THREAD;
        assert_true(censuses[i].live <= live + lost_max);
        assert_true(censuses[i].bound_slabs <= counts.bound_slabs + lost_max);
        assert_true(censuses[i].superslabs <= counts.superslabs + lost_max);
        assert_true(censuses[i].regions <= counts.regions + lost_max);
    }
    for (size_t i = 0; i < BUSY_THREADS; i++) {
        for (size_t slot = 0; slot < SLOTS; slot++) {
            slot_free(&slots[i][slot]);
        }
    }
    (void)hak_malloc_trim(0);
    expect_whole_heap(&counts);
    (void)munmap(censuses, (GENERATIONS + 1) * sizeof *censuses);
}

/* ---- locks ---- */

/* Each lock, held by another thread at the moment of the fork, would stop the child for ever: so fork waits for it. */
static pthread_barrier_t held;
static _Atomic bool forking, released;
static struct hak_lock *victim;

static void *hold_lock(void *unused) {
    (void)unused;
    hak_lock_acquire(victim);
    (void)pthread_barrier_wait(&held);
    while (!atomic_load(&forking)) {
    }
    for (unsigned i = 0; i < 1000; i++) {
        (void)sched_yield(); /* the other thread is on its way into fork; it may be late, and then proves less */
    }
    atomic_store(&released, true);
    hak_lock_release(victim);
    return NULL;
}

static void child_knows(void) {
    require(atomic_load(&released));
    live_in_child();
}

static void test_fork_waits_for_each_lock(void **state) {
    (void)state;
    hak_free(hak_malloc(100000)); /* so that there is a shard */
    struct hak_lock *const locks[] = {&hak_root.heaps.lock,
                                      &hak_thread.heap->lock,
                                      &hak_root.pool.lock,
                                      &hak_root.runs.lock,
                                      &hak_load(&hak_root.runs.shards[0], acquire)->lock,
                                      &hak_root.bigs.lock,
                                      &hak_root.map.lock,
                                      &hak_root.meta.lock};
    for (size_t i = 0; i < sizeof locks / sizeof locks[0]; i++) {
        pthread_t holder;
        make_all();
        victim = locks[i];
        atomic_store(&forking, false);
        atomic_store(&released, false);
        require(pthread_barrier_init(&held, NULL, 2) == 0);
        require(pthread_create(&holder, NULL, hold_lock, NULL) == 0);
        (void)pthread_barrier_wait(&held);
        atomic_store(&forking, true);
        expect_clean_child(child_knows);
        require(pthread_join(holder, NULL) == 0);
        free_shared();
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fork_among_busy_threads),
        cmocka_unit_test(test_threads_in_the_child),
        cmocka_unit_test(test_generations),
        cmocka_unit_test(test_fork_waits_for_each_lock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
