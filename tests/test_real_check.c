/* The proof of the whole heap has eyes: each thing that it looks at is made wrong, alone, and the proof has to name the
 * invariant that it breaks; put back, it has to hold again. And what it says an address is. One thread. */
#include "tests/test_real.h"

#include "allocator/check.h"
#include "allocator/links.h"
#include "allocator/pool.h"
#include "allocator/region.h"
#include "allocator/root.h"
#include "allocator/superslab.h"
#include "allocator/thread.h"

enum { SMALL_BYTES = 64, OTHER_BYTES = 128, POOL_BYTES = 5000, RUN_BYTES = 100000, BIG_BYTES = 3 << 20 };

/* What a heap with something in every tier consists of. */
static struct {
    char *small, *other, *pool, *run, *big; /* live blocks */
    struct hak_heap *heap;
    struct hak_slab *slab;   /* of `small`, with live and with free blocks */
    struct hak_cache *cache; /* of `other`, with blocks in it */
    struct hak_superslab *superslab;
} seen;

static struct hak_slab *slab_of(const void *block) {
    return hak_slab_at(hak_map_entry(block), block);
}

static const char *proof(void) {
    struct hak_heap_counts counts;
    return hak_check_heap(&counts, NULL, NULL);
}

/* "I1" is not what "I12: ..." says. */
static void expect_broken(const char *invariant, const char *what) {
    const char *said = proof();
    size_t length = strlen(invariant);
    if (said == NULL || strncmp(said, invariant, length) != 0 || said[length] != ':') {
        fail_msg("%s breaks %s, but the proof says: %s", what, invariant, said != NULL ? said : "nothing");
    }
}

static void expect_whole(void) {
    const char *said = proof();
    if (said != NULL) {
        fail_msg("all is well, but the proof says: %s", said);
    }
}

#define BREAK(type, lvalue, wrong, invariant)                                                                          \
    do {                                                                                                               \
        type saved = (lvalue);                                                                                         \
        (lvalue) = (wrong);                                                                                            \
        expect_broken((invariant), #lvalue " = " #wrong);                                                              \
        (lvalue) = saved;                                                                                              \
        expect_whole();                                                                                                \
    } while (0)

static int fill(void **state) {
    (void)state;
    enum { BLOCKS = 40 };
    void *blocks[BLOCKS];
    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[i] = hak_malloc(SMALL_BYTES);
    }
    for (size_t i = 1; i < BLOCKS; i++) {
        hak_free(blocks[i]);
    }
    hak_heap_flush_all(hak_thread.heap); /* they go back to their slab */
    seen.small = blocks[0];
    seen.other = hak_malloc(OTHER_BYTES);
    seen.pool = hak_malloc(POOL_BYTES);
    seen.run = hak_malloc(RUN_BYTES);
    seen.big = hak_malloc(BIG_BYTES);
    seen.heap = hak_thread.heap;
    seen.slab = slab_of(seen.small);
    seen.cache = &seen.heap->caches[slab_of(seen.other)->class_id];
    seen.superslab = hak_superslab_of(seen.small);
    return seen.slab->free == NULL || hak_cache_count(seen.cache) == 0;
}

static int empty(void **state) {
    (void)state;
    void *const blocks[] = {seen.small, seen.other, seen.pool, seen.run, seen.big};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        hak_free(blocks[i]);
    }
    return proof() != NULL;
}

static void test_a_slab_that_is_wrong_is_seen(void **state) {
    (void)state;
    struct hak_slab *slab = seen.slab;
    expect_whole();
    BREAK(uint16_t, slab->used, (uint16_t)(slab->carved + 1), "I1");
    BREAK(uint16_t, slab->capacity, (uint16_t)(slab->carved - 1), "I1");
    BREAK(uint16_t, slab->used, (uint16_t)(slab->used + 1), "I6");
    BREAK(uint16_t, slab->used, 0, "I6");
    BREAK(uint16_t, slab->carved, (uint16_t)(slab->carved + 1), "I6");
    uintptr_t owner_word = hak_load(&slab->owner_word, relaxed);
    hak_store(&slab->owner_word, 0, relaxed);
    expect_broken("I2", "no owner");
    hak_store(&slab->owner_word, owner_word, relaxed);
    BREAK(struct hak_block *, slab->free, HAK_SENTINEL, "I3");
    BREAK(struct hak_block *, slab->free, (struct hak_block *)(void *)seen.other, "I4");
    BREAK(struct hak_block *, slab->free, (struct hak_block *)(void *)(seen.small + 16), "I4");
    BREAK(struct hak_block *, slab->free, NULL, "I6");
}

/* What a chain's first block says of the chain: a count of none, one that is too large, a last block that is not there.
 */
static void test_a_label_that_is_wrong_is_seen(void **state) {
    (void)state;
    struct hak_slab *slab = seen.slab;
    assert_true(hak_slab_has_labels(slab));
    struct hak_label label = hak_label_get(slab->free);
    hak_label_set(slab->free, (struct hak_label){label.index, 0});
    expect_broken("I37", "a chain of no blocks");
    hak_label_set(slab->free, (struct hak_label){label.index, slab->carved + 1U});
    expect_broken("I37", "a chain of more blocks than there are");
    hak_label_set(slab->free, (struct hak_label){slab->carved, label.count});
    expect_broken("I37", "a chain that ends where nothing was cut");
    hak_label_set(slab->free, label);
    expect_whole();
}

static void test_a_region_that_is_wrong_is_seen(void **state) {
    (void)state;
    struct hak_region *region = hak_map_record(hak_map_entry(seen.run));
    uint32_t first = (uint32_t)((seen.run - region->base) >> HAK_PAGE_SHIFT);
    uint16_t entry = (uint16_t)hak_region_entry(region, first);
    expect_whole();
    hak_store(&region->entries[first], (uint16_t)(entry + 1), relaxed);
    expect_broken("I19", "a run of another length");
    hak_store(&region->entries[first], entry, relaxed);
    hak_region_set_dirty(region, first, 1, false);
    expect_broken("I23", "a page of a live run that was never written");
    hak_region_set_dirty(region, first, 1, true);
    expect_whole();
}

static void test_a_cache_that_is_wrong_is_seen(void **state) {
    (void)state;
    struct hak_cache *cache = seen.cache;
    expect_whole();
    BREAK(struct hak_block *, cache->head, NULL, "I11");
    BREAK(struct hak_block *, cache->head, HAK_SENTINEL, "I3");
    BREAK(struct hak_block *, cache->head, (struct hak_block *)(void *)(seen.other + 8), "I9");
    BREAK(struct hak_block *, cache->head, (struct hak_block *)(void *)seen.run, "I9");
    BREAK(struct hak_block *, cache->head, seen.slab->free, "I10");
    BREAK(struct hak_slab *, seen.heap->full, seen.slab, "I12");
    BREAK(uint8_t, seen.slab->class_id, (uint8_t)(seen.slab->class_id + 1), "I12");
}

static void test_a_list_that_is_wrong_is_seen(void **state) {
    (void)state;
    struct hak_pool *pool = &hak_root.pool;
    struct hak_superslab *superslab = seen.superslab;
    expect_whole();
    BREAK(uint64_t, superslab->dirty_mask, superslab->dirty_mask | UINT64_C(1) << 63, "I7");
    BREAK(uint64_t, superslab->free_mask, superslab->free_mask | UINT64_C(2), "I7");
    BREAK(bool, superslab->cached, true, "I15");
    BREAK(size_t, pool->lazy.count, pool->lazy.count + 1, "I15");
    BREAK(size_t, pool->superslab_count, pool->superslab_count + 1, "I17");
    for (uint32_t kind = 0; kind < HAK_POOL_KINDS; kind++) {
        if (pool->available[kind] != NULL) {
            BREAK(struct hak_superslab *, pool->available[kind], NULL, "I14");
        }
    }
    struct hak_decay *decay = &hak_root.decay;
    size_t dirty_bytes = hak_load(&decay->dirty_bytes, relaxed), live_bytes = hak_load(&decay->live_bytes, relaxed);
    hak_store(&decay->dirty_bytes, dirty_bytes + 1, relaxed);
    expect_broken("I18", "a sum of dirty memory that is too large");
    hak_store(&decay->dirty_bytes, dirty_bytes, relaxed);
    hak_store(&decay->live_bytes, live_bytes - 1, relaxed);
    expect_broken("I18", "a sum of live memory that is too small");
    hak_store(&decay->live_bytes, live_bytes, relaxed);
    expect_whole();
}

/* There is one, it serves, and each of its words is looked at. */
static void test_a_home_table_that_is_wrong_is_seen(void **state) {
    (void)state;
    assert_ptr_equal(hak_map_slab_home(seen.small), seen.slab);
    struct hak_map *map = &hak_root.map;
    uint32_t unit_shift = HAK_GEO->tiny_slab_shift;
    _Atomic(struct hak_slab *) *word =
        &map->home_slabs[((uintptr_t)seen.superslab - hak_load(&map->home_base, relaxed)) >> unit_shift];
    for (size_t i = 0; i < hak_superslab_bytes() >> unit_shift; i++) {
        struct hak_slab *saved = hak_load(&word[i], relaxed);
        hak_store(&word[i], NULL, relaxed);
        expect_broken("I38", "a word of the home table that knows nothing");
        hak_store(&word[i],
                  &seen.superslab->slabs[saved == seen.slab ? 1 + (seen.slab == &seen.superslab->slabs[1]) : 0],
                  relaxed);
        if (hak_load(&word[i], relaxed) != saved) {
            expect_broken("I38", "a word of the home table that names another slab");
        }
        hak_store(&word[i], saved, relaxed);
    }
    expect_whole();
}

static void expect_place(const void *address, enum hak_place_kind kind, const void *block, size_t block_bytes) {
    struct hak_place place = hak_place_of(address);
    assert_int_equal(place.kind, kind);
    assert_ptr_equal(place.block, block);
    assert_int_equal(place.block_bytes, block_bytes);
}

static void test_places_are_told_apart(void **state) {
    (void)state;
    char own = 0;
    struct hak_slab *pool_slab = slab_of(seen.pool);
    expect_place(seen.small, HAK_PLACE_TINY, seen.small, seen.slab->block_bytes);
    expect_place(seen.small + SMALL_BYTES - 1, HAK_PLACE_TINY, seen.small, seen.slab->block_bytes);
    expect_place(seen.small + seen.slab->block_bytes, HAK_PLACE_TINY, seen.small + seen.slab->block_bytes,
                 seen.slab->block_bytes);
    expect_place(seen.pool + 17, HAK_PLACE_POOL, seen.pool, pool_slab->block_bytes);
    expect_place(seen.superslab, HAK_PLACE_HEADER, NULL, 0);
    expect_place(seen.run + RUN_BYTES - 1, HAK_PLACE_RUN, seen.run, hak_malloc_usable_size(seen.run));
    expect_place(seen.big + BIG_BYTES - 1, HAK_PLACE_BIG, seen.big, hak_malloc_usable_size(seen.big));
    expect_place(&own, HAK_PLACE_FOREIGN, NULL, 0);
    struct hak_place place = hak_place_of(seen.pool);
    assert_ptr_equal(place.owner, seen.heap);
    assert_int_equal(place.owner_id, seen.heap->id);
    assert_int_equal(place.class_id, pool_slab->class_id);
    assert_int_equal(place.used, pool_slab->used);
    assert_int_equal(place.carved, pool_slab->carved);
    assert_int_equal(place.capacity, pool_slab->capacity);
    for (uint32_t i = 1; i <= seen.superslab->slab_count; i++) {
        if (seen.superslab->slabs[i].state == HAK_SLAB_FREE) {
            expect_place((char *)seen.superslab + ((size_t)i << seen.superslab->slab_shift), HAK_PLACE_FREE_SLAB, NULL,
                         0);
        }
    }
    void *run = hak_malloc(RUN_BYTES);
    hak_free(run);
    assert_int_equal(hak_place_of(run).kind, HAK_PLACE_FREE_RUN);
    void *big = hak_malloc(BIG_BYTES);
    hak_free(big);
    assert_int_equal(hak_place_of(big).kind, HAK_PLACE_CACHED_BIG);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_slab_that_is_wrong_is_seen),  cmocka_unit_test(test_a_cache_that_is_wrong_is_seen),
        cmocka_unit_test(test_a_label_that_is_wrong_is_seen), cmocka_unit_test(test_a_region_that_is_wrong_is_seen),
        cmocka_unit_test(test_a_list_that_is_wrong_is_seen),  cmocka_unit_test(test_a_home_table_that_is_wrong_is_seen),
        cmocka_unit_test(test_places_are_told_apart),
    };
    return cmocka_run_group_tests_name("check", tests, fill, empty);
}
