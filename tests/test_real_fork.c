/* fork, alone and among threads that are busy in the allocator: the child goes on as if nothing had happened. A lock
 * that stays taken in a child shows as one that is killed after a minute. */
#include "tests/test_real.h"

#include <pthread.h>
#include <stdatomic.h>

#include "allocator/check.h"
#include "allocator/root.h"

enum { BUSY_THREADS = 3, FORKS = 40, SHARED = 300, BLOCK_BYTES = 5000 };

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
    struct hak_lock *const locks[] = {&hak_root.heaps.lock, &hak_root.pool.lock, &hak_root.map.lock,
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
        cmocka_unit_test(test_fork_waits_for_each_lock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
