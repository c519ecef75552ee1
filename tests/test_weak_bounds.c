/* What the weak memory model keeps and what it drops: sizes, lengths, room, runs. What is dropped must leave fewer
 * behaviours, never one that C11 forbids, and never a race that is none. And how long an access takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "oracle/weak_table.h"

enum { WORDS = 4 * WEAK_LOCATIONS_MAX };
static _Alignas(4096) uint64_t memory[WORDS];
static unsigned races;

static void note_race(const volatile void *address, uint8_t first_thread, uint32_t first_site, uint8_t second_thread,
                      uint32_t second_site, bool first_wrote, bool second_wrote) {
    (void)address, (void)first_thread, (void)first_site, (void)second_thread, (void)second_site;
    (void)first_wrote, (void)second_wrote;
    races++;
}

static int begin(void **state) {
    (void)state;
    memset(memory, 0, sizeof memory);
    races = 0;
    weak_on_race(note_race);
    weak_begin();
    return 0;
}

static void stores(uint8_t thread, uint64_t *at, uint64_t value) {
    weak_store(thread, at, 8, value, WEAK_RELAXED, 0);
}

static void assert_loads(uint8_t thread, const uint64_t *at, uint32_t age, uint64_t value, uint32_t choices) {
    uint32_t found;
    assert_int_equal(weak_load(thread, at, 8, WEAK_RELAXED, age, &found, 0), value);
    assert_int_equal(found, choices);
}

/* ---- histories ---- */

static void test_a_history_has_the_newest_stores(void **state) {
    (void)state;
    for (uint64_t value = 1; value <= 20; value++) {
        stores(0, memory, value);
    }
    assert_int_equal(memory[0], 20);
    assert_loads(1, memory, WEAK_PAST_MAX - 1, 20 - WEAK_PAST_MAX + 1, WEAK_PAST_MAX);
    assert_loads(2, memory, 0, 20, WEAK_PAST_MAX);
    assert_loads(2, memory, 1, 20, 1);
}

static void test_ages_beyond_the_last_choice_are_it(void **state) {
    (void)state;
    stores(0, memory, 1);
    stores(0, memory, 2);
    assert_loads(1, memory, UINT32_MAX, 0, 3);
    assert_loads(1, memory, 1, 1, 3);
    assert_loads(1, memory, 2, 1, 2);
}

static void test_what_memory_held_at_first_can_be_read(void **state) {
    (void)state;
    memory[3] = 77;
    stores(0, &memory[3], 1);
    assert_loads(1, &memory[3], 1, 77, 2);
    memory[4] = 78;
    weak_rmw(0, &memory[4], 8, 78, 2, WEAK_RELAXED, 0);
    assert_int_equal(memory[4], 2);
    assert_loads(1, &memory[4], 1, 78, 2);
}

static void test_all_sizes_are_read_and_written(void **state) {
    (void)state;
    for (unsigned size_bytes = 1; size_bytes <= 8; size_bytes *= 2) {
        begin(NULL);
        memset(memory, 0xaa, 24);
        uint64_t ones = UINT64_MAX >> (64 - 8 * size_bytes), value = ones & UINT64_C(0x8877665544332211);
        uint32_t choices;
        weak_store(0, &memory[1], size_bytes, value, WEAK_RELAXED, 0);
        assert_int_equal(weak_load(1, &memory[1], size_bytes, WEAK_RELAXED, 0, &choices, 0), value);
        assert_int_equal(choices, 2);
        assert_int_equal(weak_load(2, &memory[1], size_bytes, WEAK_RELAXED, 1, &choices, 0),
                         ones & UINT64_C(0xaaaaaaaaaaaaaaaa));
        weak_rmw(0, &memory[1], size_bytes, value, 1, WEAK_RELAXED, 0);
        assert_int_equal(memory[0], UINT64_C(0xaaaaaaaaaaaaaaaa));
        assert_int_equal(memory[1], (UINT64_C(0xaaaaaaaaaaaaaaaa) & ~ones) | 1);
        assert_int_equal(memory[2], UINT64_C(0xaaaaaaaaaaaaaaaa));
    }
}

/* ---- what drops a history ---- */

static void test_another_size_drops_the_history(void **state) {
    (void)state;
    uint32_t choices;
    stores(0, memory, UINT64_C(0x100000002));
    assert_int_equal(weak_load(1, (char *)memory + 4, 4, WEAK_RELAXED, 9, &choices, 0), 1);
    assert_int_equal(choices, 1);
    weak_store(0, (char *)memory + 4, 4, 5, WEAK_RELAXED, 0);
    weak_store(0, memory, 4, 6, WEAK_RELAXED, 0); /* a neighbour: both are kept */
    assert_int_equal(weak_load(1, (char *)memory + 4, 4, WEAK_RELAXED, 9, &choices, 0), 1);
    assert_int_equal(choices, 2);
    assert_loads(1, memory, 9, UINT64_C(0x500000006), 1);
    stores(0, memory, UINT64_C(0x500000007));
    weak_store(1, (char *)memory + 4, 4, 5, WEAK_RELAXED, 0); /* the same value: memory alone would not tell */
    assert_loads(2, memory, 9, UINT64_C(0x500000007), 1);
    assert_int_equal(races, 0);
}

static void test_another_size_learns_what_was_published(void **state) {
    (void)state;
    uint32_t choices;
    weak_plain(0, &memory[1], 8, true, 0);
    weak_store(0, memory, 8, 1, WEAK_RELEASE, 0);
    (void)weak_load(1, memory, 4, WEAK_ACQUIRE, 0, &choices, 0);
    weak_plain(1, &memory[1], 8, false, 0);
    assert_int_equal(races, 0);
}

static void test_memory_is_right_when_it_disagrees(void **state) {
    (void)state;
    stores(0, memory, 1);
    memory[0] = 5;
    assert_loads(1, memory, 9, 5, 1);
    stores(0, memory, 6);
    assert_loads(1, memory, 9, 5, 2);
    memory[0] = 7;
    weak_rmw(0, memory, 8, 7, 8, WEAK_RELAXED, 0);
    assert_loads(2, memory, 9, 7, 2);
}

static void test_a_plain_store_hides_what_was_before(void **state) {
    (void)state;
    stores(0, memory, 1);
    stores(0, memory, 2);
    weak_plain(0, memory, 8, true, 0);
    memory[0] = 2; /* the same value: memory alone would not tell */
    weak_on_race(NULL);
    assert_loads(1, memory, 9, 2, 1);
}

static void test_forgotten_memory_has_no_history(void **state) {
    (void)state;
    static const size_t lengths[] = {8, 100, 512, 520, 4096, 65536};
    for (unsigned i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        begin(NULL);
        size_t end = (lengths[i] + 7) / 8; /* words 1 to `end` are forgotten, at least in part */
        stores(0, &memory[0], 1);
        stores(0, &memory[1], 1);
        stores(0, &memory[end], 1);
        stores(0, &memory[end + 1], 1);
        weak_forget(&memory[1], lengths[i]);
        assert_loads(1, &memory[0], 9, 0, 2);
        assert_loads(1, &memory[1], 9, 1, 1);
        assert_loads(1, &memory[end], 9, 1, 1);
        assert_loads(1, &memory[end + 1], 9, 0, 2);
    }
    begin(NULL);
    stores(0, memory, 1);
    weak_forget((char *)memory + 8, 8);
    weak_forget((char *)memory + 3, 0);
    assert_loads(1, memory, 0, 1, 2);
    weak_forget((char *)memory + 7, 1);
    assert_loads(2, memory, 9, 1, 1);
}

/* ---- room ---- */

static uint64_t evictions_hash(void) {
    uint64_t hash = 0;
    begin(NULL);
    for (unsigned i = 0; i < WORDS; i++) {
        stores(0, &memory[i], 1);
    }
    for (unsigned i = WORDS; i-- > 0;) { /* the youngest first: looking opens none but those evicted */
        uint32_t choices;
        (void)weak_load(1, &memory[i], 8, WEAK_RELAXED, 0, &choices, 0);
        hash = hash * 31 + choices;
    }
    return hash;
}

static void test_without_room_the_oldest_are_dropped(void **state) {
    (void)state;
    for (unsigned i = 0; i < WORDS; i++) {
        stores(0, &memory[i], 1);
    }
    assert_int_equal(weak_evicted(), WORDS - WEAK_LOCATIONS_MAX);
    assert_loads(1, &memory[WORDS - 1], 9, 0, 2);
    assert_loads(1, &memory[0], 9, 1, 1);
}

static void test_room_up_to_half_of_the_bound(void **state) {
    (void)state;
    for (unsigned i = 0; i < WEAK_LOCATIONS_MAX / 4; i++) {
        stores(0, &memory[i], 1); /* side by side, as in a slab */
    }
    assert_int_equal(weak_evicted(), 0);
    for (unsigned i = 0; i < WEAK_LOCATIONS_MAX / 4; i++) {
        stores(0, &memory[WORDS / 2 + i * 3 / 2], 1);
    }
    assert_in_range(weak_evicted(), 0, WEAK_LOCATIONS_MAX / 100);
}

static void test_the_same_calls_evict_the_same(void **state) {
    (void)state;
    uint64_t first = evictions_hash();
    assert_int_equal(evictions_hash(), first);
}

/* The flag is dropped, but some of the data that it published is not: who reads it must not be said to race. */
static void assert_flag_orders(enum weak_order load, enum weak_order fence, bool orders) {
    enum { DATA = 64 };
    uint64_t *flag = memory, *data = flag + 1, *filler = data + DATA;
    uint32_t choices;
    unsigned kept = 0;
    begin(NULL);
    stores(0, flag, 1);
    for (unsigned i = 0; i < WEAK_LOCATIONS_MAX / 2; i++) {
        stores(2, filler++, 1);
    }
    for (unsigned i = 0; i < DATA; i++) {
        weak_plain(0, &data[i], 8, true, 0);
    }
    weak_store(0, flag, 8, 2, WEAK_RELEASE, 0);
    while (weak_table_find(flag, 8) != NULL) {
        assert_true(filler < &memory[WORDS]);
        stores(2, filler++, 1);
    }
    (void)weak_load(1, flag, 8, load, 0, &choices, 0);
    assert_int_equal(choices, 1);
    weak_fence(1, fence);
    for (unsigned i = 0; i < DATA; i++) {
        kept += weak_table_find(&data[i], 8) != NULL;
        weak_plain(1, &data[i], 8, false, 0);
    }
    assert_true(kept > 0);
    assert_int_equal(races, orders ? 0 : kept);
}

static void test_without_room_there_are_no_false_races(void **state) {
    (void)state;
    assert_flag_orders(WEAK_ACQUIRE, WEAK_RELAXED, true);
    assert_flag_orders(WEAK_RELAXED, WEAK_ACQUIRE, true);
    assert_flag_orders(WEAK_RELAXED, WEAK_RELAXED, false);
}

/* ---- runs ---- */

/* What evicted flags of an earlier run published orders nothing in this one. */
static void test_what_was_lost_is_of_one_run(void **state) {
    (void)state;
    uint32_t choices;
    for (unsigned i = 0; i < WORDS; i++) {
        weak_store(0, &memory[i], 8, 1, WEAK_RELEASE, 0);
    }
    weak_begin();
    for (unsigned i = 2; i < WORDS; i++) {
        stores(2, &memory[i], 1);
    }
    assert_true(weak_evicted() > 0);
    weak_plain(0, &memory[1], 8, true, 0);
    (void)weak_load(1, &memory[0], 8, WEAK_ACQUIRE, 0, &choices, 0);
    weak_plain(1, &memory[1], 8, false, 0);
    assert_int_equal(races, 1);
}

static void test_a_new_run_has_no_histories(void **state) {
    (void)state;
    stores(0, memory, 1);
    weak_begin();
    assert_loads(1, memory, 9, 1, 1);
}

/* Tags have 16 bits for the run. */
static void test_many_runs_later_nothing_comes_back(void **state) {
    (void)state;
    for (unsigned later = 65530; later < 65540; later++) {
        memory[0] = 0;
        stores(0, memory, 1);
        for (unsigned i = 0; i < later; i++) {
            weak_begin();
        }
        assert_loads(1, memory, 9, 1, 1);
        weak_begin();
    }
}

/* ---- time ---- */

enum { ROUNDS = 500, SPREAD = 400 };

static uint64_t mixed_access(unsigned i, uint64_t *at) {
    uint8_t thread = (uint8_t)(i / 7 % WEAK_THREADS_MAX);
    uint32_t choices;
    switch (i % 8) {
    case 0:
        weak_store(thread, at, 8, i, WEAK_RELEASE, i);
        return 0;
    case 1:
        weak_rmw(thread, at, 8, *at, i, WEAK_ACQ_REL, i);
        return 0;
    case 2:
        weak_plain(thread, at, 8, false, i);
        return 0;
    case 3:
        weak_store(thread, at, 8, i, WEAK_RELAXED, i);
        return 0;
    default:
        return weak_load(thread, at, 8, i % 2 != 0 ? WEAK_RELAXED : WEAK_ACQUIRE, 0, &choices, i);
    }
}

static uint64_t load_access(unsigned i, uint64_t *at) {
    uint32_t choices;
    return weak_load((uint8_t)(i / 7 % WEAK_THREADS_MAX), at, 8, WEAK_ACQUIRE, 0, &choices, i);
}

static uint64_t store_access(unsigned i, uint64_t *at) {
    weak_store((uint8_t)(i / 7 % WEAK_THREADS_MAX), at, 8, i, WEAK_RELEASE, i);
    return 0;
}

static uint64_t exchange_access(unsigned i, uint64_t *at) {
    weak_rmw((uint8_t)(i / 7 % WEAK_THREADS_MAX), at, 8, *at, i, WEAK_ACQ_REL, i);
    return 0;
}

static uint64_t plain_access(unsigned i, uint64_t *at) {
    weak_plain((uint8_t)(i / 7 % WEAK_THREADS_MAX), at, 8, i % 4 == 0, i);
    return 0;
}

/* Runs of a few thousand accesses to a few hundred words, as a program of the world makes them. */
static void print_time(const char *what, uint64_t (*access)(unsigned, uint64_t *)) {
    enum { ACCESSES = 5000 };
    struct timespec from, to;
    uint64_t sum = 0;
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (unsigned round = 0; round < ROUNDS; round++) {
        weak_begin();
        for (unsigned i = 0; i < ACCESSES; i++) {
            sum += access(i, &memory[i * 37 % SPREAD]);
        }
    }
    clock_gettime(CLOCK_MONOTONIC, &to);
    double ns = (double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec);
    print_message("%-9s %5.1f ns an access\n", what, ns / ((double)ROUNDS * ACCESSES));
    memory[0] = sum;
}

static void test_time_is_printed(void **state) {
    (void)state;
    weak_on_race(NULL);
    print_time("mixed", mixed_access);
    print_time("loads", load_access);
    print_time("stores", store_access);
    print_time("exchanges", exchange_access);
    print_time("plain", plain_access);
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_a_history_has_the_newest_stores),
        TEST(test_ages_beyond_the_last_choice_are_it),
        TEST(test_what_memory_held_at_first_can_be_read),
        TEST(test_all_sizes_are_read_and_written),
        TEST(test_another_size_drops_the_history),
        TEST(test_another_size_learns_what_was_published),
        TEST(test_memory_is_right_when_it_disagrees),
        TEST(test_a_plain_store_hides_what_was_before),
        TEST(test_forgotten_memory_has_no_history),
        TEST(test_without_room_the_oldest_are_dropped),
        TEST(test_room_up_to_half_of_the_bound),
        TEST(test_the_same_calls_evict_the_same),
        TEST(test_without_room_there_are_no_false_races),
        TEST(test_what_was_lost_is_of_one_run),
        TEST(test_a_new_run_has_no_histories),
        TEST(test_many_runs_later_nothing_comes_back),
        TEST(test_time_is_printed),
    };
    return cmocka_run_group_tests_name("weak_bounds", tests, NULL, NULL);
}
