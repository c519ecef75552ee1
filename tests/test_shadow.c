/* The shadow map: which blocks meet, and which bytes are watched. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "allocator/annotate.h"
#include "allocator/links.h"
#include "oracle/extents.h"
#include "oracle/mutate.h"
#include "oracle/shadow.h"
#include "oracle/sim.h"

/* --- the interval set --- */

static void insert(struct shadow *shadow, uint8_t slot, uintptr_t start, size_t bytes) {
    const struct shadow_block block = {.start = start, .requested_bytes = bytes, .claimed_bytes = bytes};
    shadow_insert(shadow, slot, &block);
}

static void assert_meets(struct shadow *shadow, uintptr_t start, size_t bytes, enum shadow_conflict expected,
                         uint8_t expected_slot) {
    uint8_t slot = PROGRAM_SLOTS_MAX;
    assert_int_equal(shadow_find(shadow, start, bytes, &slot), expected);
    if (expected != SHADOW_CLEAR) {
        assert_int_equal(slot, expected_slot);
    }
}

static void test_empty_set_meets_nothing(void **state) {
    (void)state;
    static struct shadow shadow;
    assert_meets(&shadow, 1, 1, SHADOW_CLEAR, 0);
    assert_meets(&shadow, 1, SIZE_MAX, SHADOW_CLEAR, 0);
}

/* The classic mistake is a '<' that lets the same address pass. */
static void test_same_start_is_met(void **state) {
    (void)state;
    struct shadow shadow = {.count = 0};
    insert(&shadow, 3, 1000, 1);
    assert_meets(&shadow, 1000, 1, SHADOW_SAME_START, 3);
    assert_meets(&shadow, 1000, 500, SHADOW_SAME_START, 3);
    insert(&shadow, 9, 1001, 7);
    assert_meets(&shadow, 1000, 1, SHADOW_SAME_START, 3);
    assert_meets(&shadow, 1001, 1, SHADOW_SAME_START, 9);
}

static void test_overlap_by_one_byte_at_both_ends(void **state) {
    (void)state;
    struct shadow shadow = {.count = 0};
    insert(&shadow, 5, 1000, 100);
    assert_meets(&shadow, 990, 10, SHADOW_CLEAR, 0);
    assert_meets(&shadow, 990, 11, SHADOW_OVERLAP, 5);
    assert_meets(&shadow, 1100, 10, SHADOW_CLEAR, 0);
    assert_meets(&shadow, 1099, 10, SHADOW_OVERLAP, 5);
    assert_meets(&shadow, 1099, 1, SHADOW_OVERLAP, 5);
    assert_meets(&shadow, 1050, 1, SHADOW_OVERLAP, 5);
    assert_meets(&shadow, 900, 1000, SHADOW_OVERLAP, 5);
}

static void test_neighbours_are_allowed(void **state) {
    (void)state;
    struct shadow shadow = {.count = 0};
    insert(&shadow, 0, 1000, 16);
    insert(&shadow, 1, 1032, 16);
    assert_meets(&shadow, 1016, 16, SHADOW_CLEAR, 0);
    assert_meets(&shadow, 1016, 17, SHADOW_OVERLAP, 1);
    assert_meets(&shadow, 1015, 17, SHADOW_OVERLAP, 0);
    insert(&shadow, 2, 1016, 16);
    shadow_remove(&shadow, 0);
    assert_meets(&shadow, 1000, 16, SHADOW_CLEAR, 0);
    assert_meets(&shadow, 1000, 17, SHADOW_OVERLAP, 2);
    assert_int_equal(shadow.blocks[0].start, 0);
}

static void test_growing_reaches_the_next(void **state) {
    (void)state;
    struct shadow shadow = {.count = 0};
    uint8_t next = PROGRAM_SLOTS_MAX;
    insert(&shadow, 4, 1000, 8);
    assert_false(shadow_reaches_next(&shadow, 4, SIZE_MAX / 2, &next));
    insert(&shadow, 6, 1016, 8);
    insert(&shadow, 7, 992, 8);
    assert_false(shadow_reaches_next(&shadow, 4, 16, &next));
    assert_true(shadow_reaches_next(&shadow, 4, 17, &next));
    assert_int_equal(next, 6);
    assert_true(shadow_reaches_next(&shadow, 7, 9, &next));
    assert_int_equal(next, 4);
}

/* Against the obvious way: look at every block. */
static enum shadow_conflict find_slowly(const struct shadow *shadow, uintptr_t start, size_t bytes) {
    enum shadow_conflict found = SHADOW_CLEAR;
    for (uint8_t slot = 0; slot < PROGRAM_SLOTS_MAX; slot++) {
        const struct shadow_block *block = &shadow->blocks[slot];
        if (block->start == start) {
            return SHADOW_SAME_START;
        }
        if (block->start != 0 && block->start < start + bytes && start < block->start + block->claimed_bytes) {
            found = SHADOW_OVERLAP;
        }
    }
    return found;
}

static void test_agrees_with_looking_at_every_block(void **state) {
    (void)state;
    struct shadow shadow = {.count = 0};
    struct mutate_random random;
    unsigned met = 0, clear = 0;
    mutate_seed(&random, 1);
    for (unsigned i = 0; i < 100000; i++) {
        uint8_t slot = (uint8_t)mutate_below(&random, PROGRAM_SLOTS_MAX);
        uintptr_t start = 1 + mutate_below(&random, 2000);
        size_t bytes = 1 + mutate_below(&random, 60);
        uint8_t other = PROGRAM_SLOTS_MAX;
        enum shadow_conflict conflict = shadow_find(&shadow, start, bytes, &other);
        assert_int_equal(conflict, find_slowly(&shadow, start, bytes));
        if (conflict != SHADOW_CLEAR) {
            const struct shadow_block *block = &shadow.blocks[other];
            assert_true(block->start < start + bytes && start < block->start + block->claimed_bytes);
        }
        if (shadow.blocks[slot].start != 0) {
            shadow_remove(&shadow, slot);
        } else if (conflict == SHADOW_CLEAR) {
            insert(&shadow, slot, start, bytes);
        }
        for (uint32_t rank = 1; rank < shadow.count; rank++) {
            assert_true(shadow.starts[rank - 1] < shadow.starts[rank]);
        }
        met += conflict != SHADOW_CLEAR;
        clear += conflict == SHADOW_CLEAR;
    }
    assert_true(met > 1000 && clear > 1000);
}

/* --- patterns --- */

static void test_patterns_look_like_nothing_else(void **state) {
    (void)state;
    uint64_t previous = 0;
    for (uint32_t n = 0; n < 2000000; n++) {
        uint32_t at = n < 1000000 ? n : UINT32_MAX - (n - 1000000);
        uint64_t pattern = shadow_pattern(at);
        assert_true(pattern != 0 && pattern != (uintptr_t)HAK_SENTINEL && pattern != previous);
        assert_false(sim_in_arena(pattern));
        assert_true(pattern >> 47 != 0); /* no user address at all */
        previous = pattern;
    }
}

enum { WATCHED_HEAD_BYTES = 32, WATCHED_TAIL_BYTES = 16, WHOLE_BYTES = 64, ROOM_BYTES = 1 << 16, MARGIN_BYTES = 64 };

/* Writable memory of the arena: the shadow tells the world where it writes. */
static unsigned char *room;

static int open_room(void **state) {
    (void)state;
    char why[256];
    if (sim_open(why, sizeof why) != 0) {
        fprintf(stderr, "%s\n", why);
        return -1;
    }
    room = os_reserve(ROOM_BYTES, SIM_PAGE_BYTES);
    if (room == NULL || !os_commit(room, ROOM_BYTES)) {
        return -1;
    }
    hak_mark_open(room, ROOM_BYTES);
    return 0;
}

static int close_room(void **state) {
    (void)state;
    sim_close();
    return 0;
}

static struct shadow_block block_of(size_t bytes) {
    return (struct shadow_block){.start = (uintptr_t)room + MARGIN_BYTES,
                                 .requested_bytes = bytes,
                                 .claimed_bytes = bytes,
                                 .pattern = shadow_pattern((uint32_t)bytes)};
}

static bool is_watched(size_t offset, size_t bytes) {
    return bytes <= WHOLE_BYTES || offset < WATCHED_HEAD_BYTES || offset >= bytes - WATCHED_TAIL_BYTES;
}

/* Flip the byte: seen with exactly this offset. Beyond what is asked about it is not seen. */
static void assert_flip_seen(const struct shadow_block *block, size_t offset) {
    unsigned char *bytes = (unsigned char *)block->start;
    for (unsigned bit = 0; bit < 8; bit++) {
        bytes[offset] ^= (unsigned char)(1U << bit);
        ptrdiff_t seen = shadow_verify(block, block->start, block->claimed_bytes);
        if (is_watched(offset, block->claimed_bytes) ? seen != (ptrdiff_t)offset
                                                     : seen != SHADOW_INTACT && seen != (ptrdiff_t)offset) {
            fail_msg("byte %zu of %zu was changed, seen is %td", offset, block->claimed_bytes, seen);
        }
        assert_true(shadow_verify(block, block->start, offset) == SHADOW_INTACT);
        bytes[offset] ^= (unsigned char)(1U << bit);
    }
}

static void test_every_watched_byte_is_watched(void **state) {
    (void)state;
    for (size_t bytes = 1; bytes <= 600; bytes++) {
        struct shadow_block block = block_of(bytes);
        shadow_fill(&block);
        assert_true(shadow_verify(&block, block.start, bytes) == SHADOW_INTACT);
        for (size_t offset = 0; offset < bytes; offset++) {
            assert_flip_seen(&block, offset);
        }
    }
}

static void test_ends_of_large_blocks_are_watched(void **state) {
    (void)state;
    static const size_t sizes[] = {1023, 1024, 1025, 4095, 4096, 4097, 20001, 40000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct shadow_block block = block_of(sizes[i]);
        shadow_fill(&block);
        for (size_t offset = 0; offset < WATCHED_HEAD_BYTES; offset++) {
            assert_flip_seen(&block, offset);
            assert_flip_seen(&block, sizes[i] - 1 - offset % WATCHED_TAIL_BYTES);
        }
    }
}

static void test_fill_stays_inside(void **state) {
    (void)state;
    for (size_t bytes = 1; bytes <= 300; bytes++) {
        struct shadow_block block = block_of(bytes);
        memset(room, 0xa5, bytes + 2 * (size_t)MARGIN_BYTES);
        shadow_fill(&block);
        for (size_t i = 0; i < MARGIN_BYTES; i++) {
            assert_int_equal(room[i], 0xa5);
            assert_int_equal(room[MARGIN_BYTES + bytes + i], 0xa5);
        }
    }
}

/* realloc moves content: it is looked for at another place, and only as far as both sizes go. */
static void test_content_that_moved(void **state) {
    (void)state;
    unsigned char *elsewhere = room + ROOM_BYTES / 2;
    for (size_t bytes = 1; bytes <= 300; bytes++) {
        struct shadow_block block = block_of(bytes);
        shadow_fill(&block);
        for (size_t kept = 1; kept <= bytes; kept++) {
            memset(elsewhere, 0, bytes);
            memcpy(elsewhere, (void *)block.start, kept);
            assert_true(shadow_verify(&block, (uintptr_t)elsewhere, kept) == SHADOW_INTACT);
            if (is_watched(kept - 1, bytes)) {
                elsewhere[kept - 1] ^= 1;
                assert_true(shadow_verify(&block, (uintptr_t)elsewhere, kept) == (ptrdiff_t)kept - 1);
            }
        }
    }
}

static void test_without_a_pattern_nothing_is_watched(void **state) {
    (void)state;
    struct shadow_block block = block_of(100);
    block.pattern = 0;
    memset(room, 0xff, 4096);
    assert_true(shadow_verify(&block, block.start, 100) == SHADOW_INTACT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty_set_meets_nothing),
        cmocka_unit_test(test_same_start_is_met),
        cmocka_unit_test(test_overlap_by_one_byte_at_both_ends),
        cmocka_unit_test(test_neighbours_are_allowed),
        cmocka_unit_test(test_growing_reaches_the_next),
        cmocka_unit_test(test_agrees_with_looking_at_every_block),
        cmocka_unit_test(test_patterns_look_like_nothing_else),
        cmocka_unit_test(test_every_watched_byte_is_watched),
        cmocka_unit_test(test_ends_of_large_blocks_are_watched),
        cmocka_unit_test(test_fill_stays_inside),
        cmocka_unit_test(test_content_that_moved),
        cmocka_unit_test(test_without_a_pattern_nothing_is_watched),
    };
    return cmocka_run_group_tests_name("shadow", tests, open_room, close_room);
}
