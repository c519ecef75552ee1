/* Races on plain accesses: what is one, what orders two accesses, and what is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "oracle/weak.h"

static _Alignas(64) uint64_t memory[8];
static uint64_t *const data = &memory[0], *const flag = &memory[1], *const other = &memory[2];

static struct {
    unsigned count;
    const volatile void *address;
    uint8_t first_thread, second_thread;
    uint32_t first_site, second_site;
    bool first_wrote, second_wrote;
} raced;

static void note_race(const volatile void *address, uint8_t first_thread, uint32_t first_site, uint8_t second_thread,
                      uint32_t second_site, bool first_wrote, bool second_wrote) {
    raced.count++;
    raced.address = address;
    raced.first_thread = first_thread;
    raced.first_site = first_site;
    raced.second_thread = second_thread;
    raced.second_site = second_site;
    raced.first_wrote = first_wrote;
    raced.second_wrote = second_wrote;
}

static int begin(void **state) {
    (void)state;
    memset(memory, 0, sizeof memory);
    memset(&raced, 0, sizeof raced);
    weak_on_race(note_race);
    weak_begin();
    return 0;
}

/* The site of an access is its thread's number and ten times the kind: 0 plain read, 1 plain write, 2 atomic. */
static void reads(uint8_t thread, const uint64_t *at) {
    weak_plain(thread, at, 8, false, thread);
}

static void writes(uint8_t thread, uint64_t *at) {
    weak_plain(thread, at, 8, true, 10u + thread);
    *at = 100 + thread;
}

static void stores(uint8_t thread, uint64_t *at, uint64_t value, enum weak_order order) {
    weak_store(thread, at, 8, value, order, 20u + thread);
}

static uint64_t loads(uint8_t thread, const uint64_t *at, enum weak_order order, uint32_t age) {
    uint32_t choices;
    return weak_load(thread, at, 8, order, age, &choices, 20u + thread);
}

static void exchanges(uint8_t thread, uint64_t *at, uint64_t value, enum weak_order order) {
    weak_rmw(thread, at, 8, *at, value, order, 20u + thread);
}

static void assert_raced(const volatile void *address, uint8_t first_thread, uint32_t first_site, uint8_t second_thread,
                         uint32_t second_site) {
    assert_int_equal(raced.count, 1);
    assert_ptr_equal(raced.address, address);
    assert_int_equal(raced.first_thread, first_thread);
    assert_int_equal(raced.first_site, first_site);
    assert_int_equal(raced.second_thread, second_thread);
    assert_int_equal(raced.second_site, second_site);
    raced.count = 0;
}

/* ---- what is one ---- */

static void test_two_writes_race(void **state) {
    (void)state;
    writes(0, data);
    writes(1, data);
    assert_raced(data, 0, 10, 1, 11);
    assert_true(raced.first_wrote && raced.second_wrote);
}

static void test_a_read_races_with_an_earlier_write(void **state) {
    (void)state;
    writes(2, data);
    reads(1, data);
    assert_raced(data, 2, 12, 1, 1);
    assert_true(raced.first_wrote && !raced.second_wrote);
}

static void test_a_write_races_with_every_earlier_read(void **state) {
    (void)state;
    reads(0, data);
    reads(3, data);
    reads(1, data);
    assert_int_equal(raced.count, 0);
    writes(1, data);
    assert_int_equal(raced.count, 2);
    assert_int_equal(raced.first_thread, 3);
    assert_true(!raced.first_wrote && raced.second_wrote);
}

static void test_one_thread_does_not_race(void **state) {
    (void)state;
    writes(1, data);
    reads(1, data);
    writes(1, data);
    writes(2, other);
    assert_int_equal(raced.count, 0);
}

static void test_plain_and_atomic_race_but_not_two_atomics(void **state) {
    (void)state;
    stores(0, data, 1, WEAK_RELAXED);
    stores(1, data, 2, WEAK_RELAXED);
    (void)loads(2, data, WEAK_RELAXED, 0);
    assert_int_equal(raced.count, 0);
    reads(1, data);
    assert_raced(data, 0, 20, 1, 1);
    writes(3, other);
    (void)loads(2, other, WEAK_ACQUIRE, 0);
    assert_raced(other, 3, 13, 2, 22);
    (void)loads(0, flag, WEAK_RELAXED, 0);
    writes(1, flag);
    assert_raced(flag, 0, 20, 1, 11);
    reads(0, &memory[4]);
    (void)loads(1, &memory[4], WEAK_RELAXED, 0);
    assert_int_equal(raced.count, 0);
    exchanges(1, &memory[4], 1, WEAK_ACQ_REL);
    assert_raced(&memory[4], 0, 0, 1, 21);
}

static void test_the_worst_of_a_thread_is_told(void **state) {
    (void)state;
    reads(0, data);
    stores(0, data, 1, WEAK_RELAXED);
    writes(0, data);
    writes(1, data);
    assert_raced(data, 0, 10, 1, 11);
}

static void test_sizes_that_overlap_race(void **state) {
    (void)state;
    const char *bytes = (const char *)data;
    weak_plain(0, bytes, 4, true, 1);
    weak_plain(1, bytes + 4, 4, true, 2);
    assert_int_equal(raced.count, 0);
    weak_plain(0, bytes, 8, false, 3);
    assert_raced(bytes, 1, 2, 0, 3);
    weak_plain(1, bytes + 7, 1, true, 4);
    assert_raced(bytes + 7, 0, 3, 1, 4);
}

static void test_long_and_crooked_accesses_are_seen_word_by_word(void **state) {
    (void)state;
    weak_plain(0, memory, 40, true, 1);
    weak_plain(1, &memory[4], 8, false, 2);
    assert_raced(&memory[4], 0, 1, 1, 2);
    weak_plain(1, &memory[5], 8, false, 2);
    weak_plain(2, (char *)&memory[6] + 5, 8, true, 3);
    weak_plain(1, (char *)&memory[7] + 4, 1, false, 4);
    assert_raced((char *)&memory[7] + 4, 2, 3, 1, 4);
}

static void test_nobody_need_be_told(void **state) {
    (void)state;
    weak_on_race(NULL);
    writes(0, data);
    writes(1, data);
    assert_int_equal(raced.count, 0);
}

/* ---- what orders ---- */

static void test_release_and_acquire_order(void **state) {
    (void)state;
    writes(0, data);
    stores(0, flag, 1, WEAK_RELEASE);
    assert_int_equal(loads(1, flag, WEAK_ACQUIRE, 0), 1);
    writes(1, data);
    stores(1, flag, 2, WEAK_SEQ_CST);
    assert_int_equal(loads(2, flag, WEAK_SEQ_CST, 0), 2);
    reads(2, data);
    assert_int_equal(raced.count, 0);
}

static void test_half_a_pair_does_not_order(void **state) {
    (void)state;
    static const enum weak_order pairs[][2] = {
        {WEAK_RELAXED, WEAK_RELAXED}, {WEAK_RELEASE, WEAK_RELAXED}, {WEAK_RELAXED, WEAK_ACQUIRE}};
    for (unsigned i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        begin(NULL);
        writes(0, data);
        stores(0, flag, 1, pairs[i][0]);
        assert_int_equal(loads(1, flag, pairs[i][1], 0), 1);
        reads(1, data);
        assert_raced(data, 0, 10, 1, 1);
    }
}

static void test_an_older_store_does_not_order(void **state) {
    (void)state;
    writes(0, data);
    stores(0, flag, 1, WEAK_RELEASE);
    assert_int_equal(loads(1, flag, WEAK_ACQUIRE, 1), 0);
    reads(1, data);
    assert_raced(data, 0, 10, 1, 1);
}

static void test_what_follows_the_release_is_not_ordered(void **state) {
    (void)state;
    stores(0, flag, 1, WEAK_RELEASE);
    writes(0, data);
    (void)loads(1, flag, WEAK_ACQUIRE, 0);
    reads(1, data);
    assert_raced(data, 0, 10, 1, 1);
    weak_fence(0, WEAK_RELEASE);
    writes(0, other);
    stores(0, flag, 2, WEAK_RELAXED);
    (void)loads(1, flag, WEAK_ACQUIRE, 0);
    reads(1, other);
    assert_raced(other, 0, 10, 1, 1);
}

static void test_a_release_sequence_orders(void **state) {
    (void)state;
    writes(0, data);
    stores(0, flag, 1, WEAK_RELEASE);
    exchanges(1, flag, 2, WEAK_RELAXED);
    (void)loads(2, flag, WEAK_ACQUIRE, 0);
    reads(2, data);
    assert_int_equal(raced.count, 0);
    stores(1, flag, 3, WEAK_RELAXED);
    (void)loads(3, flag, WEAK_ACQUIRE, 0);
    reads(3, data);
    assert_raced(data, 0, 10, 3, 3);
}

/* The store of thread 0 ends the sequence that thread 1 headed, though not its own. */
static void test_a_sequence_goes_on_for_its_own_head_only(void **state) {
    (void)state;
    writes(0, data);
    stores(0, flag, 1, WEAK_RELEASE);
    writes(1, other);
    exchanges(1, flag, 2, WEAK_RELEASE);
    stores(0, flag, 3, WEAK_RELAXED);
    (void)loads(2, flag, WEAK_ACQUIRE, 0);
    reads(2, data);
    assert_int_equal(raced.count, 0);
    reads(2, other);
    assert_raced(other, 1, 11, 2, 2);
}

static void test_a_lock_orders(void **state) {
    (void)state;
    for (uint8_t round = 0; round < 8; round++) {
        uint8_t thread = round % WEAK_THREADS_MAX;
        exchanges(thread, flag, 1, WEAK_ACQUIRE);
        reads(thread, data);
        writes(thread, data);
        stores(thread, flag, 0, WEAK_RELEASE);
    }
    assert_int_equal(raced.count, 0);
    reads(2, data); /* the last round was of thread 3, the one before its own */
    assert_raced(data, 3, 13, 2, 2);
}

static void test_birth_orders(void **state) {
    (void)state;
    writes(0, data);
    stores(0, flag, 1, WEAK_RELAXED);
    weak_thread_born(0, 1);
    reads(1, data);
    assert_int_equal(loads(1, flag, WEAK_RELAXED, 9), 1);
    writes(1, other);
    assert_int_equal(raced.count, 0);
    writes(0, data); /* after the birth */
    assert_raced(data, 1, 1, 0, 10);
    reads(0, other);
    assert_raced(other, 1, 11, 0, 0);
}

static void test_what_the_parent_does_later_is_not_ordered(void **state) {
    (void)state;
    weak_thread_born(0, 1);
    writes(0, data);
    reads(1, data);
    assert_raced(data, 0, 10, 1, 1);
}

static void test_join_orders(void **state) {
    (void)state;
    writes(1, data);
    weak_thread_ended(1);
    weak_join(0, 1);
    writes(0, data);
    assert_int_equal(raced.count, 0);
    writes(2, other);
    weak_thread_ended(2);
    writes(0, other);
    assert_raced(other, 2, 12, 0, 10);
}

static void test_join_knows_the_thread_that_ended_not_the_next(void **state) {
    (void)state;
    writes(1, data);
    weak_thread_ended(1);
    weak_thread_born(2, 1);
    writes(1, data); /* what the first of that id did happens before */
    assert_int_equal(raced.count, 0);
    writes(1, other);
    weak_join(0, 1);
    reads(0, other);
    assert_raced(other, 1, 11, 0, 0);
}

/* A new thread does not go on with fences that an earlier one of its id made. */
static void test_fences_end_with_their_thread(void **state) {
    (void)state;
    writes(0, other);
    stores(0, &memory[4], 1, WEAK_RELEASE);
    writes(1, data);
    weak_fence(1, WEAK_RELEASE);
    (void)loads(1, &memory[4], WEAK_RELAXED, 0);
    weak_thread_ended(1);
    weak_thread_born(2, 1);
    stores(1, flag, 1, WEAK_RELAXED);
    (void)loads(3, flag, WEAK_ACQUIRE, 0);
    reads(3, data);
    assert_raced(data, 1, 11, 3, 3);
    weak_fence(1, WEAK_ACQUIRE);
    reads(1, other);
    assert_raced(other, 0, 10, 1, 1);
}

static void test_fences_order_around_relaxed_accesses(void **state) {
    (void)state;
    writes(0, data);
    weak_fence(0, WEAK_RELEASE);
    stores(0, flag, 1, WEAK_RELAXED);
    (void)loads(1, flag, WEAK_RELAXED, 0);
    weak_fence(1, WEAK_ACQUIRE);
    reads(1, data);
    assert_int_equal(raced.count, 0);
}

static void test_half_a_pair_of_fences_does_not_order(void **state) {
    (void)state;
    writes(0, data);
    weak_fence(0, WEAK_ACQUIRE);
    stores(0, flag, 1, WEAK_RELAXED);
    (void)loads(1, flag, WEAK_RELAXED, 0);
    weak_fence(1, WEAK_ACQUIRE);
    reads(1, data);
    assert_raced(data, 0, 10, 1, 1);
    writes(2, other);
    weak_fence(2, WEAK_RELEASE);
    stores(2, flag, 2, WEAK_RELAXED);
    (void)loads(3, flag, WEAK_RELAXED, 0);
    weak_fence(3, WEAK_RELEASE);
    reads(3, other);
    assert_raced(other, 2, 12, 3, 3);
}

/* They order what may be read, but make nothing happen before anything. */
static void test_seq_cst_fences_alone_do_not_order(void **state) {
    (void)state;
    writes(0, data);
    stores(0, flag, 1, WEAK_RELAXED);
    weak_fence(0, WEAK_SEQ_CST);
    weak_fence(1, WEAK_SEQ_CST);
    assert_int_equal(loads(1, flag, WEAK_RELAXED, 9), 1);
    reads(1, data);
    assert_raced(data, 0, 10, 1, 1);
}

/* ---- what is forgotten ---- */

static void test_memory_with_a_new_use_does_not_race(void **state) {
    (void)state;
    writes(0, data);
    stores(0, flag, 1, WEAK_RELAXED);
    weak_forget(data, 2 * sizeof *data);
    writes(1, data);
    writes(1, flag);
    writes(0, other);
    weak_forget(data, 2 * sizeof *data);
    writes(1, other);
    assert_raced(other, 0, 10, 1, 11);
}

static void test_a_new_run_knows_no_access(void **state) {
    (void)state;
    writes(0, data);
    weak_begin();
    writes(1, data);
    assert_int_equal(raced.count, 0);
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_two_writes_race),
        TEST(test_a_read_races_with_an_earlier_write),
        TEST(test_a_write_races_with_every_earlier_read),
        TEST(test_one_thread_does_not_race),
        TEST(test_plain_and_atomic_race_but_not_two_atomics),
        TEST(test_the_worst_of_a_thread_is_told),
        TEST(test_sizes_that_overlap_race),
        TEST(test_long_and_crooked_accesses_are_seen_word_by_word),
        TEST(test_nobody_need_be_told),
        TEST(test_release_and_acquire_order),
        TEST(test_half_a_pair_does_not_order),
        TEST(test_an_older_store_does_not_order),
        TEST(test_what_follows_the_release_is_not_ordered),
        TEST(test_a_release_sequence_orders),
        TEST(test_a_sequence_goes_on_for_its_own_head_only),
        TEST(test_a_lock_orders),
        TEST(test_birth_orders),
        TEST(test_what_the_parent_does_later_is_not_ordered),
        TEST(test_join_orders),
        TEST(test_join_knows_the_thread_that_ended_not_the_next),
        TEST(test_fences_end_with_their_thread),
        TEST(test_fences_order_around_relaxed_accesses),
        TEST(test_half_a_pair_of_fences_does_not_order),
        TEST(test_seq_cst_fences_alone_do_not_order),
        TEST(test_memory_with_a_new_use_does_not_race),
        TEST(test_a_new_run_knows_no_access),
    };
    return cmocka_run_group_tests_name("weak_race", tests, NULL, NULL);
}
