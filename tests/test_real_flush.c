/* How caches that are full give blocks back, by the statistics. Each test is a child with options of its own. */
#include "tests/test_real.h"

#include "allocator/stats.h"

/* What only frees fills its cache again and again: the first time half of it goes back, then all of it. */
enum { FREED = 1010, CAPACITY = 32, WHOLE = 1 + (FREED - (CAPACITY / 2 + 1)) / (CAPACITY + 1) };

static void *blocks[FREED];

static uint64_t flushes(void) {
    struct hak_stats stats;
    hak_stats_take(&stats);
    return stats.value[HAK_STAT_THREAD_flushes];
}

static void only_frees(void) {
    require(setenv("HAKMEM_CACHE_CAPACITY", "32", 1) == 0);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < FREED; i++) {
            blocks[i] = hak_malloc(100);
            require(blocks[i] != NULL);
        }
        hak_malloc_trim(0); /* caches are empty now */
        uint64_t before = flushes();
        for (size_t i = 0; i < FREED; i++) {
            hak_free(blocks[i]);
        }
        require(flushes() - before == WHOLE);
    }
}

static void test_only_frees(void **state) {
    (void)state;
    expect_clean_child(only_frees);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_only_frees)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
