/* The run tier beside a plain model: a word for each page of the arena says which block it belongs to. Long sequences
 * from fixed seeds, over geometries, sizes, alignments, homes, resizes, trims, time and refusals; after each step all
 * of the tier is proven, and what a block holds is looked at before it goes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/page_model.h"
#include "tests/run_fixture.h"

enum { BLOCKS_MAX = 48, HOMES = 5, SEQUENCES = 12, STEPS = 3000 };

static struct {
    struct model_block blocks[BLOCKS_MAX];
    size_t live_blocks;
} model;

/* What the sequences of a geometry came to. */
static struct {
    unsigned refused, zeroed, grown, not_grown, shrunk;
    uint64_t lent, released, purged_bytes;
} reached;

/* ---- steps ---- */

/* Mostly small, so that regions are cut into many runs. */
static size_t any_size(void) {
    size_t pages = HAK_GEO->run_max_bytes / HAK_PAGE_BYTES;
    size_t limit = below(3) != 0 && pages > 24 ? 24 : pages;
    return below((uint32_t)limit) * HAK_PAGE_BYTES +
           (below(2) != 0 ? HAK_PAGE_BYTES : 1 + below((uint32_t)HAK_PAGE_BYTES - 1));
}

static void step_take(struct model_block *block) {
    uint32_t shift = below(4) != 0 ? 0 : below(HAK_GEO->superslab_shift + 1);
    bool zeroed = false;
    uint64_t refused = sim_refused();
    size_t size_bytes = any_size();
    char *start = hak_run_take(size_bytes, (size_t)1 << shift, below(HOMES), &zeroed);
    if (start == NULL) {
        assert_true(sim_refused() > refused);
        reached.refused++;
        return;
    }
    assert_int_equal((uintptr_t)start & (((size_t)1 << shift) - 1), 0);
    assert_int_equal((uintptr_t)start % HAK_PAGE_BYTES, 0);
    size_t usable_bytes = hak_run_usable(hak_map_region(start), start);
    assert_true(usable_bytes >= size_bytes && usable_bytes <= size_bytes + size_bytes / 8 + HAK_PAGE_BYTES);
    *block = (struct model_block){start, usable_bytes, ++model_pages.next_id};
    assert_true(sim_is_committed(start, usable_bytes));
    change_owner(start, usable_bytes, 0, block->id);
    if (zeroed) {
        assert_true(is_zero(start, usable_bytes));
        reached.zeroed++;
    }
    stamp_pages(block, 0);
    model.live_blocks++;
    model_pages.live_bytes += usable_bytes;
}

static void step_give(struct model_block *block) {
    struct hak_region *region = hak_map_region(block->start);
    verify_pages(block, block->size_bytes);
    change_owner(block->start, block->size_bytes, block->id, 0);
    if (below(8) == 0 && block->size_bytes > HAK_PAGE_BYTES) {
        assert_false(hak_run_give(region, block->start + HAK_PAGE_BYTES));
    }
    assert_true(hak_run_give(region, block->start));
    assert_int_equal(hak_run_usable(region, block->start), 0);
    model.live_blocks--;
    model_pages.live_bytes -= block->size_bytes;
    block->start = NULL;
}

static void step_resize(struct model_block *block) {
    struct hak_region *region = hak_map_region(block->start);
    size_t size_bytes = below(2) != 0 ? any_size() : block->size_bytes + HAK_PAGE_BYTES;
    size_t old_bytes = block->size_bytes;
    if (!hak_run_resize(region, block->start, size_bytes)) {
        assert_true(size_bytes > old_bytes);
        assert_int_equal(hak_run_usable(region, block->start), old_bytes);
        reached.not_grown++;
        return;
    }
    size_t new_bytes = hak_run_usable(region, block->start);
    assert_true(new_bytes >= size_bytes && new_bytes <= size_bytes + size_bytes / 8 + HAK_PAGE_BYTES);
    verify_pages(block, old_bytes < new_bytes ? old_bytes : new_bytes);
    block->size_bytes = new_bytes;
    if (new_bytes < old_bytes) {
        change_owner(block->start + new_bytes, old_bytes - new_bytes, block->id, 0);
        reached.shrunk++;
    } else if (new_bytes > old_bytes) {
        change_owner(block->start + old_bytes, new_bytes - old_bytes, 0, block->id);
        assert_true(sim_is_committed(block->start, new_bytes));
        stamp_pages(block, old_bytes);
        reached.grown++;
    }
    model_pages.live_bytes += new_bytes - old_bytes;
}

static void step_other(void) {
    switch (below(6)) {
    case 0:
        hak_run_trim();
        break;
    case 1:
    case 2:
        sim_advance_clock(below(1000));
        hak_run_age(os_clock_ms());
        break;
    case 3:
        sim_advance_clock(below(100000));
        hak_run_age(os_clock_ms());
        break;
    case 4:
        hak_ace_pin(&hak_root.ace, HAK_ACE_SHARDS, (uint32_t)1 << below(3));
        break;
    default:
        hak_root.options.value[HAK_OPTION_DIRTY_MAX_MB] = below(2);
        hak_root.options.value[HAK_OPTION_LAZY_CACHE] = below(2);
    }
}

static void step(void) {
    struct model_block *block = &model.blocks[below(BLOCKS_MAX)];
    uint32_t what = below(20);
    sim_fail_next(below(12) == 0 ? 1 + below(4) : 0);
    if (what == 0) {
        step_other();
    } else if (block->start == NULL) {
        step_take(block);
    } else if (what < 8) {
        step_resize(block);
    } else {
        step_give(block);
    }
    sim_fail_next(0);
    assert_proven();
    assert_int_equal(counts.live, model.live_blocks);
    assert_int_equal(counts.live_bytes, model_pages.live_bytes);
    assert_int_equal(sim_reserved_bytes(), hak_root.meta.reserved_bytes + counts.regions * hak_region_bytes());
}

static void run_sequence(enum hak_geometry_id geometry, uint64_t seed) {
    struct hak_run_totals totals;
    memset(&model, 0, sizeof model);
    pages_begin(seed * HAK_GEOMETRY_COUNT + (uint64_t)geometry);
    begin(geometry);
    for (unsigned i = 0; i < STEPS; i++) {
        step();
    }
    hak_run_totals(&totals);
    reached.lent += totals.lent;
    reached.released += totals.released;
    reached.purged_bytes += totals.purged_bytes;
    assert_int_equal(totals.taken - totals.given, model.live_blocks);
    for (unsigned i = 0; i < BLOCKS_MAX; i++) {
        if (model.blocks[i].start != NULL) {
            step_give(&model.blocks[i]);
        }
    }
    assert_all_returned();
}

static void run_sequences(enum hak_geometry_id geometry) {
    memset(&reached, 0, sizeof reached);
    for (uint64_t seed = 1; seed <= SEQUENCES; seed++) {
        run_sequence(geometry, seed);
    }
    assert_true(reached.refused > 0 && reached.zeroed > 0 && reached.lent > 0);
    assert_true(reached.grown > 0 && reached.not_grown > 0 && reached.shrunk > 0);
    assert_true(reached.released > 0 && reached.purged_bytes > 0);
}

#define SEQUENCE_TEST(id, ...)                                                                                         \
    static void test_##id(void **state) {                                                                              \
        (void)state;                                                                                                   \
        run_sequences(HAK_GEOMETRY_##id);                                                                              \
    }
HAK_GEOMETRY_TABLE(SEQUENCE_TEST)

int main(void) {
    const struct CMUnitTest tests[] = {
#define SEQUENCE_ROW(id, ...) cmocka_unit_test_teardown(test_##id, leave_nothing),
        HAK_GEOMETRY_TABLE(SEQUENCE_ROW)
#undef SEQUENCE_ROW
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
