/* The first calls of a process come from several threads at once: what they read of the allocator's root was not
 * written yet, or is being written. Nothing here may allocate from hakmem before the test does, so the one test has a
 * process of its own. It is for ThreadSanitizer: the threads are put in order by relaxed accesses only, which it does
 * not take for order, so it reports what nothing else orders, on every run. */
#include "tests/test_real.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

static atomic_bool done;

/* Looks up addresses in the region map, which has nothing yet. */
static void *free_nothing(void *unused) {
    hak_free(NULL);
    require(hak_malloc_usable_size(NULL) == 0);
    atomic_store_explicit(&done, true, memory_order_relaxed);
    return unused;
}

static void test_lookup_beside_the_first_block(void **state) {
    (void)state;
    pthread_t thread;
    require(pthread_create(&thread, NULL, free_nothing, NULL) == 0);
    while (!atomic_load_explicit(&done, memory_order_relaxed)) {
        (void)sched_yield();
    }
    void *block = hak_malloc(1);
    require(block != NULL);
    hak_free(block);
    require(pthread_join(thread, NULL) == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lookup_beside_the_first_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
