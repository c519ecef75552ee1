/* Pages inside slabs: what is purged, what comes back, and that nothing in use is touched, in each geometry and for
 * classes of both tiers. A slab is driven alone, beside a model that knows which blocks are out. And when it is done
 * for owners that are idle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "allocator/backing.h"
#include "allocator/check.h"
#include "allocator/hakmem.h"
#include "allocator/header.h"
#include "allocator/links.h"
#include "allocator/process.h"
#include "allocator/superslab.h"
#include "allocator/thread.h"
#include "tests/run_fixture.h"

enum { BLOCKS_MAX = 8192, STEPS = 3000 };

static struct hak_heap *owner; /* only its address counts */
static struct hak_slab *slab;
static struct {
    bool out[BLOCKS_MAX];
    uint32_t count;
    uint64_t random;
} model;

static uint32_t below(uint32_t bound) {
    model.random ^= model.random << 13;
    model.random ^= model.random >> 7;
    model.random ^= model.random << 17;
    return (uint32_t)(model.random >> 33) % bound;
}

static size_t page_count(void) {
    return hak_slab_bytes(slab) / HAK_PAGE_BYTES;
}

static char *slab_base(void) {
    return slab->start - ((uintptr_t)slab->start & (hak_slab_bytes(slab) - 1));
}

static void slab_open(enum hak_geometry_id geometry, uint32_t class_id) {
    begin(geometry);
    hak_process_start();
    owner = hak_heap_claim();
    assert_non_null(owner);
    slab = hak_pool_take(class_id);
    assert_non_null(slab);
    hak_slab_bind(slab, class_id, owner);
    memset(&model, 0, sizeof model);
    model.random = UINT64_C(0x9e3779b97f4a7c15);
}

/* ---- blocks ---- */

static uint32_t index_of(const struct hak_block *block) {
    size_t offset = (size_t)((const char *)block - slab->start);
    assert_true(offset % slab->block_bytes == 0 && offset / slab->block_bytes < slab->capacity);
    return (uint32_t)(offset / slab->block_bytes);
}

static size_t user_bytes(void) {
    return slab->block_bytes - HAK_HEADER_BYTES;
}

static void fill(uint32_t index) {
    char *block = (char *)hak_slab_block(slab, index);
    hak_mark_open(block, user_bytes());
    os_announce(block, user_bytes());
    memset(block, (int)(index % 255 + 1), user_bytes());
}

static bool is_filled(uint32_t index) {
    const char *block = (const char *)hak_slab_block(slab, index);
    char byte = (char)(index % 255 + 1);
    return block[0] == byte && memcmp(block, block + 1, user_bytes() - 1) == 0 &&
           hak_header_is_live(hak_slab_block(slab, index), slab->class_id);
}

static uint32_t block_take(void) {
    uint32_t taken;
    struct hak_block *block = hak_slab_take(slab, 1, 1, &taken);
    hak_link_wipe(block);
    uint32_t index = index_of(block);
    assert_false(model.out[index]);
    hak_header_open(block, slab->class_id);
    fill(index);
    model.out[index] = true;
    model.count++;
    return index;
}

static void block_give(uint32_t index) {
    struct hak_block *block = hak_slab_block(slab, index);
    assert_true(model.out[index] && is_filled(index));
    assert_false(hak_is_free_already(slab, block));
    hak_header_close(block, slab->class_id);
    hak_mark_closed(block, user_bytes());
    hak_slab_give(slab, (struct hak_chain){block, block, 1});
    model.out[index] = false;
    model.count--;
}

/* ---- what must hold ---- */

static uint32_t pages_in_use(void) {
    uint32_t pages = 0;
    for (uint32_t i = 0; i < slab->capacity; i++) {
        const char *place = (const char *)hak_slab_block(slab, i) - HAK_HEADER_BYTES;
        for (size_t byte = 0; model.out[i] && byte < slab->block_bytes; byte++) {
            pages |= UINT32_C(1) << (size_t)(place + byte - slab_base()) / HAK_PAGE_BYTES;
        }
    }
    return pages;
}

static bool is_zero_page(size_t page) {
    const char *start = slab_base() + page * HAK_PAGE_BYTES;
    hak_mark_open((void *)(uintptr_t)start, HAK_PAGE_BYTES);
    bool zero = start[0] == 0 && memcmp(start, start + 1, HAK_PAGE_BYTES - 1) == 0;
    hak_mark_closed((void *)(uintptr_t)start, HAK_PAGE_BYTES);
    return zero;
}

static void assert_sound(void) {
    assert_true(hak_slab_is_valid(slab));
    assert_int_equal(slab->used, model.count);
    assert_int_equal(hak_slab_is_full(slab), model.count == slab->capacity);
    assert_true(hak_slab_owner(slab) == owner);
    assert_int_equal(hak_slab_has_withdrawn(slab), hak_slab_withdrawn(slab) != 0);
    for (uint32_t i = 0; i < slab->carved; i++) {
        struct hak_block *block = hak_slab_block(slab, i);
        if (model.out[i] != !(hak_is_free_already(slab, block) || !hak_header_is_live(block, slab->class_id)) ||
            (model.out[i] && !is_filled(i))) {
            fail_msg("block %u of %u B, %s", i, slab->block_bytes, model.out[i] ? "in use" : "free");
        }
    }
}

/* Exactly the pages that nothing in use touches are clean, and read as zero. */
static void assert_purged(void) {
    uint32_t clean = hak_slab_clean_pages(slab);
    assert_int_equal(clean, hak_slab_all_pages(slab) & ~pages_in_use());
    for (size_t page = 0; page < page_count(); page++) {
        assert_true((clean >> page & 1) == 0 || is_zero_page(page));
    }
}

static void slab_close(void) {
    for (uint32_t i = 0; i < slab->capacity; i++) {
        if (model.out[i]) {
            block_give(i);
        }
    }
    assert_sound();
    (void)hak_slab_purge(slab, 1);
    assert_purged();
    hak_slab_unbind(slab);
    hak_pool_give(slab);
    hak_pool_trim();
    assert_int_equal(sim_reserved_bytes(), hak_root.meta.reserved_bytes);
}

/* ---- tests ---- */

/* Blocks come and go, mostly in one direction at a time; now and then somebody purges, and the system may refuse. */
static void wander(bool refuses) {
    uint32_t toward = slab->capacity;
    for (unsigned step = 0; step < STEPS; step++) {
        if (below(40) == 0) {
            toward = below(slab->capacity + 1U);
        }
        if (below(30) == 0) {
            bool refused = refuses && below(3) == 0;
            sim_fail_next(refused ? 1 : 0);
            size_t purged_bytes = hak_slab_purge(slab, 1 + below(3));
            sim_fail_next(0);
            assert_true(purged_bytes % HAK_PAGE_BYTES == 0);
            assert_sound();
            (void)hak_slab_purge(slab, 1);
            assert_purged();
        } else if (model.count < toward) {
            (void)block_take();
        } else if (model.count > 0) {
            uint32_t index = below(slab->carved);
            while (!model.out[index]) {
                index = (index + 1) % slab->carved;
            }
            block_give(index);
        }
        if (step % 16 == 0) {
            assert_sound();
        }
    }
}

static void test_model(void **state) {
    (void)state;
    static const uint32_t classes[] = {1, 3, 9, 20, 32, 33, 37, 40, 45, 53, 61, 70, 72};
    for (enum hak_geometry_id geometry = 0; geometry < HAK_GEOMETRY_COUNT; geometry++) {
        for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
            if (hak_class_bytes[classes[i]] <= hak_geometries[geometry].pool_max_bytes) {
                slab_open(geometry, classes[i]);
                assert_true(geometry != HAK_GEOMETRY_REAL || HAK_REAL_PAGE_SHIFT != 12 || page_count() >= 16);
                wander(i % 2 == 0);
                slab_close();
            }
        }
    }
}

static void take_all(void) {
    while (!hak_slab_is_full(slab)) {
        (void)block_take();
    }
}

/* The lowest page's blocks come first, and all that is withdrawn before what was never cut. With headers the first
 * block begins 1 KiB into the slab, and its byte before that. */
static void test_order(void **state) {
    (void)state;
    enum { CUT = 40, LISTED = HAK_HEADER ? 2 : 3, PURGED = HAK_HEADER ? 10 : 9, OF_LAST_PAGE = HAK_HEADER ? 39 : 36 };
    slab_open(HAK_GEOMETRY_REAL, 32);
    for (unsigned i = 0; i < CUT; i++) {
        (void)block_take();
    }
    for (uint32_t i = 1; i < CUT; i++) {
        block_give(i);
    }
    assert_int_equal(hak_slab_purge(slab, 1), PURGED * HAK_PAGE_BYTES); /* the others were never written */
    assert_purged();
    assert_int_equal(hak_slab_withdrawn(slab), CUT - 1 - LISTED);
    for (unsigned i = 0; i < LISTED; i++) {
        assert_true(block_take() <= LISTED);
    }
    assert_int_equal(hak_slab_withdrawn(slab), CUT - 1 - LISTED);
    for (uint32_t i = LISTED + 1; i < CUT + 4; i++) {
        assert_int_equal(block_take(), i);
        assert_int_equal(slab->carved, i < CUT ? CUT : i + 1);
        assert_int_equal(hak_slab_has_withdrawn(slab), i < OF_LAST_PAGE);
        uintptr_t word = hak_load(&slab->owner_word, relaxed);
        assert_int_equal(word & HAK_OWNER_CAREFUL, i < OF_LAST_PAGE); /* then frees are quick again */
    }
    slab_close();
}

/* A slab that was in use before is dirty where it is not cut, and behind its last block. */
static void test_what_was_never_cut(void **state) {
    (void)state;
    slab_open(HAK_GEOMETRY_REAL, 69); /* a few pages are behind the last block */
    take_all();
    memset(model.out, 0, sizeof model.out);
    for (uint32_t i = 0; i < slab->capacity; i++) {
        hak_header_close(hak_slab_block(slab, i), slab->class_id);
        hak_mark_closed(hak_slab_block(slab, i), user_bytes());
        hak_slab_give(slab, (struct hak_chain){hak_slab_block(slab, i), hak_slab_block(slab, i), 1});
    }
    model.count = 0;
    hak_slab_unbind(slab);
    hak_pool_give(slab);
    assert_ptr_equal(hak_pool_take(41), slab);
    hak_slab_bind(slab, 41, owner);
    assert_int_equal(hak_slab_clean_pages(slab), 0);
    (void)block_take();
    size_t purged_bytes = hak_slab_purge(slab, 1);
    assert_true(purged_bytes >= (page_count() - 2) * HAK_PAGE_BYTES);
    assert_purged();
    assert_int_equal(hak_slab_purge(slab, 1), 0);
    slab_close();
}

/* Too little, and nothing happens. What is refused is as before. */
static void test_little_and_refused(void **state) {
    (void)state;
    slab_open(HAK_GEOMETRY_REAL, 32);
    take_all();
    for (uint32_t i = 4; i < 12; i++) {
        block_give(i);
    }
    assert_int_equal(hak_slab_purge(slab, 4), 0);
    assert_int_equal(hak_slab_clean_pages(slab), 0);
    sim_fail_next(1);
    assert_int_equal(hak_slab_purge(slab, 1), 0);
    assert_sound();
    assert_int_equal(hak_slab_clean_pages(slab), 0);
    assert_int_equal(hak_slab_withdrawn(slab), 0);
    size_t purged_bytes = hak_slab_purge(slab, 1);
    assert_true(purged_bytes >= HAK_PAGE_BYTES && purged_bytes <= 2 * HAK_PAGE_BYTES);
    assert_false(hak_slab_is_full(slab));
    take_all();
    assert_int_equal(hak_slab_clean_pages(slab), 0);
    slab_close();
}

/* ---- owners that are idle ---- */

static uint64_t purged_by_others(const struct hak_heap *heap) {
    return hak_load(&((struct hak_heap *)(uintptr_t)heap)->work.purged_bytes, relaxed);
}

static void pass_and_look(uint32_t ms) {
    sim_advance_clock(ms);
    hak_heaps_help(os_clock_ms());
}

static bool is_tidy(struct hak_heap *heap) {
    return hak_load(&heap->idle.tidied, relaxed) == hak_heap_worked(heap);
}

/* The calling thread is another one from now on. */
static struct hak_heap *change_thread(struct hak_heap *to) {
    struct hak_heap *from = hak_thread.heap;
    hak_thread.heap = to;
    return from;
}

static size_t slabs_of(const struct hak_heap *heap) {
    size_t count = 0;
    for (uint32_t class_id = 0; class_id < HAK_CLASS_COUNT; class_id++) {
        for (const struct hak_slab *s = heap->available[class_id]; s != NULL; s = s->next) {
            count++;
        }
    }
    return count;
}

/* A sleeper with one live block of a slab, and an empty slab of another class, which it keeps for itself. */
static struct hak_heap *sleeper_make(void *blocks[24]) {
    for (unsigned i = 0; i < 24; i++) {
        blocks[i] = hak_malloc(1000);
        assert_non_null(blocks[i]);
    }
    for (unsigned i = 1; i < 24; i++) {
        hak_free(blocks[i]);
    }
    hak_free(hak_malloc(2000));
    hak_heap_flush_all(hak_thread.heap);
    assert_int_equal(slabs_of(hak_thread.heap), 2);
    return hak_thread.heap;
}

static void test_idle_owner(void **state) {
    (void)state;
    enum { DELAY_MS = 100, IDLE_MS = 250 };
    void *blocks[24];
    begin(HAK_GEOMETRY_REAL);
    change_thread((struct hak_heap *)(uintptr_t)&hak_heap_none);
    hak_process_start();
    hak_ace_pin(&hak_root.ace, HAK_ACE_PURGE_DELAY, DELAY_MS);
    struct hak_heap *sleeper = sleeper_make(blocks);
    pass_and_look(IDLE_MS);
    pass_and_look(10 * DELAY_MS); /* one's own heap is not idle */
    assert_int_equal(purged_by_others(sleeper), 0);
    assert_int_equal(slabs_of(sleeper), 2);
    void *sign = hak_malloc(3000); /* of life */

    change_thread((struct hak_heap *)(uintptr_t)&hak_heap_none);
    void *own = hak_malloc(16);
    struct hak_heap *passer = hak_thread.heap;
    assert_true(passer != sleeper);
    pass_and_look(IDLE_MS);
    pass_and_look(4 * DELAY_MS - 1);
    assert_int_equal(purged_by_others(sleeper), 0);
    pass_and_look(1);
    uint64_t purged_bytes = purged_by_others(sleeper);
    assert_true(purged_bytes >= 5 * HAK_PAGE_BYTES);
    assert_int_equal(slabs_of(sleeper), 2); /* that of the live block, and of the sign */
    assert_true(is_tidy(sleeper));
    pass_and_look(100 * DELAY_MS);
    assert_int_equal(purged_by_others(sleeper), purged_bytes);

    change_thread(sleeper); /* what was purged serves again; then it sleeps again */
    for (unsigned i = 1; i < 24; i++) {
        blocks[i] = hak_malloc(1000);
        os_announce(blocks[i], 1000);
        memset(blocks[i], 'x', 1000);
    }
    for (unsigned i = 0; i < 24; i++) {
        hak_free(blocks[i]);
    }
    hak_free(sign);
    hak_heap_flush_all(sleeper);
    change_thread(passer);
    pass_and_look(IDLE_MS);
    assert_false(is_tidy(sleeper));
    pass_and_look(4 * DELAY_MS);
    assert_int_equal(slabs_of(sleeper), 0); /* all free: the last of a class too */
    hak_free(own);
    change_thread((struct hak_heap *)(uintptr_t)&hak_heap_none);
}

/* Looks go into so many slabs and no more, and the next one goes on, behind those that stayed. The purged ones are the
 * last of their list. */
static void test_looks_are_bounded(void **state) {
    (void)state;
    begin(HAK_GEOMETRY_REAL);
    change_thread((struct hak_heap *)(uintptr_t)&hak_heap_none);
    enum { SLABS = 4, EACH = 64 };
    void *blocks[SLABS * EACH];
    for (unsigned i = 0; i < SLABS * EACH; i++) {
        blocks[i] = hak_malloc(1000);
    }
    for (unsigned i = 0; i < SLABS * EACH; i++) {
        if (i % EACH != 0) {
            hak_free(blocks[i]);
        }
    }
    struct hak_heap *heap = hak_thread.heap;
    hak_heap_flush_all(heap);
    uint32_t class_id = hak_class_of(1000 + HAK_HEADER_BYTES), stayed = 0, looks = 3;
    assert_false(hak_heap_purge(heap, class_id, 4, &stayed, &looks));
    assert_int_equal(hak_slab_clean_pages(heap->available[class_id]), 0);
    assert_int_equal(stayed, 0);
    looks = 5;
    assert_true(hak_heap_purge(heap, class_id, 4, &stayed, &looks));
    assert_int_equal(looks, 1);
    assert_int_equal(stayed, SLABS - 1);
    assert_true(hak_heap_is_valid(heap));
    for (const struct hak_slab *s = heap->available[class_id]; s != NULL; s = s->next) {
        assert_true(hak_slab_clean_pages(s) != 0);
    }
    change_thread((struct hak_heap *)(uintptr_t)&hak_heap_none);
}

/* A sleeper's slabs from which nothing can go are looked into as seldom as others. */
static void test_vain_looks_are_bounded(void **state) {
    (void)state;
    enum { DELAY_MS = 100, IDLE_MS = 250, SLABS = 300, EACH = 64, COUNT = SLABS * EACH };
    static void *blocks[COUNT];
    begin(HAK_GEOMETRY_REAL);
    change_thread((struct hak_heap *)(uintptr_t)&hak_heap_none);
    hak_process_start();
    hak_ace_pin(&hak_root.ace, HAK_ACE_PURGE_DELAY, DELAY_MS);
    for (unsigned i = 0; i < COUNT; i++) {
        blocks[i] = hak_malloc(1000);
        assert_non_null(blocks[i]);
    }
    for (unsigned i = 0; i < COUNT; i += 2) {
        hak_free(blocks[i]);
    }
    struct hak_heap *sleeper = hak_thread.heap;
    hak_heap_flush_all(sleeper);
    assert_true(slabs_of(sleeper) > 256);
    change_thread((struct hak_heap *)(uintptr_t)&hak_heap_none);
    hak_free(hak_malloc(16));
    pass_and_look(IDLE_MS);
    pass_and_look(4 * DELAY_MS);
    assert_false(is_tidy(sleeper));
    pass_and_look(DELAY_MS);
    assert_true(is_tidy(sleeper));
    assert_int_equal(purged_by_others(sleeper), 0);
    change_thread((struct hak_heap *)(uintptr_t)&hak_heap_none);
}

/* The stories are told in pages of 4 KiB, of which a slab has many. Where a page is as large as a slab, there are none.
 */
int main(void) {
    const struct CMUnitTest model_only[] = {cmocka_unit_test_teardown(test_model, leave_nothing)};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_model, leave_nothing),
        cmocka_unit_test_teardown(test_order, leave_nothing),
        cmocka_unit_test_teardown(test_what_was_never_cut, leave_nothing),
        cmocka_unit_test_teardown(test_little_and_refused, leave_nothing),
        cmocka_unit_test_teardown(test_idle_owner, leave_nothing),
        cmocka_unit_test_teardown(test_looks_are_bounded, leave_nothing),
        cmocka_unit_test_teardown(test_vain_looks_are_bounded, leave_nothing),
    };
    return HAK_REAL_PAGE_SHIFT == 12 ? cmocka_run_group_tests_name("slab_pages", tests, open_arena, close_arena)
                                     : cmocka_run_group_tests_name("slab_pages", model_only, open_arena, close_arena);
}
