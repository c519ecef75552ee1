/* What each layout promises of mistakes at the edges of a small block, at any optimisation and without
 * HAKMEM_FAIL_FAST.
 *
 * With a header (-DHAKMEM_HEADER=1) a byte changed in front of a block, a free from its middle, and a second free, even
 * after the freed block was written to, are noticed at the free, which then does nothing. Without one nothing stands
 * between blocks: the same byte is the neighbour's, all of a block's class can be used, and a block that is freed with
 * care, which HAKMEM_FAIL_FAST=1 asks for, may not be freed from its middle.
 *
 * Each case is a child of its own. Options are read at the first allocation, so this process makes none. */
#include "tests/test_real.h"

#include <pthread.h>

#include "allocator/check.h"
#include "allocator/links.h"
#include "allocator/root.h"
#include "allocator/superslab.h"

#define NO_BLOCK "the pointer is not the start of a block"
#define FREED "the pointer was freed already"
#define SPOILT "the byte in front of the block was overwritten, or it is no block"
#define NOT_LIVE "the pointer is not a live block"

enum { BESIDE = 4 };
static const size_t sizes_bytes[] = {24, 100, 1000, 5000, 30000};
enum { SIZES = sizeof sizes_bytes / sizeof sizes_bytes[0] };

/* What a program does by mistake, so AddressSanitizer must not see it here. */
HAK_RAW_ACCESS void spoil(char *place) {
    *(volatile char *)place ^= 0x5a;
}

static void expect_complaints(uint32_t count) {
    require(hak_load(&hak_root.complaints, relaxed) == count);
    struct hak_heap_counts counts;
    const char *broken = hak_check_heap(&counts, NULL, NULL);
    if (broken != NULL) {
        (void)fprintf(stderr, "%s\n", broken);
    }
    require(broken == NULL);
}

/* Two live blocks of which the second begins where the first one's place ends. */
struct pair {
    char *front;
    char *back;
    size_t place_bytes;
};

static struct pair take_pair(size_t size_bytes) {
    static char *blocks[BESIDE * 4];
    for (size_t i = 0; i < BESIDE * 4; i++) {
        blocks[i] = block_of(size_bytes);
        size_t place_bytes = hak_malloc_usable_size(blocks[i]) + HAK_HEADER_BYTES;
        for (size_t j = 0; j < i; j++) {
            if (blocks[j] + place_bytes == blocks[i]) {
                return (struct pair){blocks[j], blocks[i], place_bytes};
            }
            if (blocks[i] + place_bytes == blocks[j]) {
                return (struct pair){blocks[i], blocks[j], place_bytes};
            }
        }
    }
    bool there_are_neighbours = false;
    require(there_are_neighbours);
    return (struct pair){NULL, NULL, 0};
}

static void *free_it(void *block) {
    hak_free(block);
    return NULL;
}

static void free_on_thread(void *block) {
    pthread_t thread;
    require(pthread_create(&thread, NULL, free_it, block) == 0 && pthread_join(thread, NULL) == 0);
}

/* ---- the bytes between two blocks ---- */

/* All that may be used of both can be, and nothing of it is the other's. */
static void use_all(void) {
    for (size_t i = 0; i < SIZES; i++) {
        struct pair pair = take_pair(sizes_bytes[i]);
        size_t usable_bytes = hak_malloc_usable_size(pair.front);
        require(usable_bytes + HAK_HEADER_BYTES == hak_slab_of((struct hak_block *)(void *)pair.front)->block_bytes);
        require(is_aligned(pair.front, 16) && is_aligned(pair.back, 16));
        pattern_fill(pair.front, usable_bytes, 1);
        pattern_fill(pair.back, usable_bytes, 2);
        require(pattern_holds(pair.front, usable_bytes, 1) && pattern_holds(pair.back, usable_bytes, 2));
        hak_free(pair.back);
        require(pattern_holds(pair.front, usable_bytes, 1));
        hak_free(pair.front);
    }
    expect_complaints(0);
}

/* One byte too few: noticed at the free of the block behind, on its own thread and on another; until it is mended. */
static void underflow(void) {
    uint32_t expected = 0;
    for (size_t i = 0; i < SIZES; i++) {
        struct pair pair = take_pair(sizes_bytes[i]);
        spoil(pair.back - 1);
        if (HAK_HEADER) {
            hak_free(pair.back);
            free_on_thread(pair.back);
            errno = ERRNO_MARK;
            require(hak_realloc(pair.back, sizes_bytes[i] * 3) == NULL && errno == EINVAL);
            require(hak_malloc_usable_size(pair.back) == 0);
            require(pattern_holds(pair.back, sizes_bytes[i], sizes_bytes[i])); /* not one of the calls did anything */
            spoil(pair.back - 1);
            expected += 4;
        }
        hak_free(pair.back);
        hak_free(pair.front);
        expect_complaints(expected);
    }
}

/* One byte too many is the same byte, and as near. */
static void overflow(void) {
    uint32_t expected = 0;
    for (size_t i = 0; i < SIZES; i++) {
        struct pair pair = take_pair(sizes_bytes[i]);
        if (HAK_HEADER) {
            spoil(pair.front + hak_malloc_usable_size(pair.front));
            hak_free(pair.front); /* it has done nothing to itself */
            expect_complaints(expected);
            hak_free(pair.back);
            expect_complaints(++expected);
        } else {
            spoil(pair.front + hak_malloc_usable_size(pair.front) - 1); /* that one is its own */
            hak_free(pair.front);
            hak_free(pair.back);
            expect_complaints(expected);
        }
    }
}

/* ---- frees ---- */

/* From the middle, at every place where a block could be. */
static void interior(void) {
    uint32_t expected = 0;
    char *block = block_of(1000);
    memset(block, 0x33, 1000);
    for (size_t offset = 16; offset < 1000; offset += 16 * 13) {
        hak_free(block + offset);
        expected++;
    }
    free_on_thread(block + 16);
    expected++;
    require(block[0] == 0x33 && block[999] == 0x33);
    hak_free(block);
    for (size_t i = 0; i < 100; i++) {
        pattern_fill(hak_malloc(1000), 1000, i);
    }
    expect_complaints(expected);
}

/* Who writes to what was freed destroys the link in it, by which a second free is known otherwise. */
static void second_free(void) {
    for (uint32_t i = 0; i < SIZES; i++) {
        struct pair pair = take_pair(sizes_bytes[i]);
        hak_free(pair.front);
        for (size_t byte = 0; byte < 8; byte++) {
            spoil(pair.front + byte);
        }
        hak_free(pair.front);
        for (size_t byte = 0; byte < 8; byte++) {
            spoil(pair.front + byte);
        }
        hak_free(pair.back);
        expect_complaints(i + 1);
    }
}

static void interior_with_care(void) {
    require(setenv("HAKMEM_FAIL_FAST", "1", 1) == 0);
    interior();
}

/* ---- what is said ---- */

static size_t count_of(const char *said, const char *wanted) {
    size_t count = 0;
    for (const char *at = said; (at = strstr(at, wanted)) != NULL; at++) {
        count++;
    }
    return count;
}

/* The child ended well, and said so many lines, each with that reason. */
static void expect_said(void (*body)(void), size_t lines, const char *why) {
    struct ending ending = run_in_child(body);
    if (ending.status != 0 || count_of(ending.said, "; the call is ignored") != lines ||
        (why != NULL && count_of(ending.said, why) == 0)) {
        fail_msg("wait status 0x%x, expected %zu lines of '%s', it said:\n%s", (unsigned)ending.status, lines,
                 why == NULL ? "" : why, ending.said);
    }
}

static void test_all_usable_bytes(void **state) {
    (void)state;
    expect_clean_child(use_all);
}

static void test_byte_in_front(void **state) {
    (void)state;
    enum { SAID_AT_MOST = 16 };
    expect_said(underflow, HAK_HEADER ? SAID_AT_MOST : 0, HAK_HEADER ? SPOILT : NULL);
    expect_said(underflow, HAK_HEADER ? SAID_AT_MOST : 0, HAK_HEADER ? NOT_LIVE : NULL);
}

static void test_byte_behind(void **state) {
    (void)state;
    expect_said(overflow, HAK_HEADER ? SIZES : 0, HAK_HEADER ? SPOILT : NULL);
}

static void test_free_from_the_middle(void **state) {
    (void)state;
    if (HAK_HEADER || HAK_CHECK >= 1) {
        expect_said(interior, 6, HAK_CHECK >= 1 ? NO_BLOCK : NULL);
    }
    struct ending ending = run_in_child(interior_with_care);
    assert_true(WIFSIGNALED(ending.status) && WTERMSIG(ending.status) == SIGABRT);
    assert_int_equal(count_of(ending.said, "\n"), 1);
    assert_int_equal(count_of(ending.said, NO_BLOCK), 1);
}

static void test_second_free(void **state) {
    (void)state;
    if (HAK_HEADER) {
        expect_said(second_free, SIZES, FREED);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_usable_bytes), cmocka_unit_test(test_byte_in_front),
        cmocka_unit_test(test_byte_behind),      cmocka_unit_test(test_free_from_the_middle),
        cmocka_unit_test(test_second_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
