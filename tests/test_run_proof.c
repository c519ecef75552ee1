/* What the proof of the run tier sees: damage of every kind, and the faults that can be put back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "allocator/shard.h"
#include "tests/run_fixture.h"

struct damaged {
    struct hak_region *region;
    struct hak_shard *shard;
    char *blocks[4]; /* live, free and dirty, live, live; then the rest */
};

static struct damaged healthy(void) {
    begin(HAK_GEOMETRY_TINY);
    struct damaged d = {.blocks = {take(2, 0), take(2, 0), take(1, 0), take(1, 0)}};
    assert_true(give(d.blocks[1]));
    d.region = hak_map_region(d.blocks[0]);
    d.shard = hak_shards_at(0);
    assert_proven();
    return d;
}

#define EXPECT_BROKEN(damage, text)                                                                                    \
    do {                                                                                                               \
        struct damaged d = healthy();                                                                                  \
        damage;                                                                                                        \
        const char *said = prove();                                                                                    \
        assert_non_null(said);                                                                                         \
        assert_non_null(strstr(said, text));                                                                           \
    } while (0)

/* What no damage can break is not proven. */
static void test_the_proof_sees_damage(void **state) {
    (void)state;
    EXPECT_BROKEN(hak_region_unmake(d.region, 0), "tile");
    EXPECT_BROKEN(hak_region_unmake(d.region, 4); hak_region_make_live(d.region, 4, 2), "tile");
    EXPECT_BROKEN(hak_store(&d.region->entries[1], HAK_REGION_FREE_END | 1, relaxed), "tile");
    EXPECT_BROKEN(hak_region_unmake(d.region, 4); hak_region_make_free(d.region, 4, 1, 1), "neighbours");
    EXPECT_BROKEN(hak_region_run(d.region, 2)->pages = 1, "page table says");
    EXPECT_BROKEN(hak_region_set_dirty(d.region, 2, 1, false), "page table says");
    EXPECT_BROKEN(hak_region_set_dirty(d.region, 0, 1, false), "count as written");
    EXPECT_BROKEN(hak_region_run(d.region, 2)->next = hak_region_run(d.region, 6), "bin");
    EXPECT_BROKEN(d.shard->bins[1] = NULL, "bin");
    EXPECT_BROKEN(hak_store(&d.shard->filled, 0, relaxed), "bin");
    EXPECT_BROKEN(d.shard->bins[1] = NULL; hak_store(&d.shard->filled, 1U << 8, relaxed), "bin");
    EXPECT_BROKEN(d.shard->oldest = d.shard->youngest = NULL, "age");
    EXPECT_BROKEN(d.shard->dirty_pages--, "age");
    EXPECT_BROKEN(d.shard->region_count++, "count");
    EXPECT_BROKEN(d.shard->empty_count++, "count");
    EXPECT_BROKEN(d.shard->taken++, "count");
    EXPECT_BROKEN(d.shard->live_pages++, "decay");
    EXPECT_BROKEN(d.shard->live_pages++; d.shard->told_live_pages++, "count");
    EXPECT_BROKEN(hak_store(&d.region->shard, NULL, relaxed), "bin");
}

static void test_faults_are_seen(void **state) {
    (void)state;
    if (HAK_CHECK >= 2) {
        skip(); /* the allocator ends the process by itself */
    }
    bool zeroed;
    struct damaged d = healthy();
    hak_faults.armed = HAK_FAULT_RUN_JOIN_LOSES_NEIGHBOUR;
    assert_true(give(d.blocks[0]));
    assert_non_null(prove());

    d = healthy();
    hak_faults.armed = HAK_FAULT_RUN_KEEPS_ZERO;
    assert_ptr_equal(hak_run_take(pages_bytes(2), 1, 0, &zeroed), d.blocks[1]);
    assert_true(zeroed);

    d = healthy();
    hak_faults.armed = HAK_FAULT_RUN_TAIL_SHORT;
    char *block = take(4, 0);
    assert_true(resize(block, 2) && usable_pages(block) == 1);

    d = healthy();
    hak_faults.armed = HAK_FAULT_RUN_ALIGN_FRONT_LOST;
    assert_non_null(hak_run_take(pages_bytes(4), pages_bytes(4), 0, &zeroed));
    assert_non_null(prove());
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_the_proof_sees_damage, leave_nothing),
        cmocka_unit_test_teardown(test_faults_are_seen, leave_nothing),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
