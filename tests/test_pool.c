/* The pool of slabs: what becomes of a SuperSlab that serves the other kind of slabs. What the pool does in sequence is
 * beside a model in oracle/component_pool.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "allocator/class.h"
#include "allocator/superslab.h"
#include "tests/arena_fixture.h"

/* The header has as much room as a slab. Where slabs become larger, what was written there before is in nobody's books
 * any more, so it must not stay resident. */
static void test_a_larger_header_swallows_no_dirt(void **state) {
    (void)state;
    FOR_EACH_GEOMETRY(geometry) {
        begin(geometry);
        size_t small_bytes = (size_t)1 << HAK_GEO->tiny_slab_shift, large_bytes = (size_t)1 << HAK_GEO->pool_slab_shift;
        struct hak_slab *slab = hak_pool_take(0);
        struct hak_superslab *superslab = hak_superslab_of(slab);
        char *start = slab->start;
        assert_true(start + small_bytes <= (char *)superslab + large_bytes);
        hak_slab_bind(slab, 0, NULL);
        for (size_t offset = 0; offset < small_bytes; offset += HAK_PAGE_BYTES) {
            write_page(start + offset, 'x');
        }
        hak_slab_unbind(slab);
        hak_pool_give(slab);
        slab = hak_pool_take(HAK_TINY_CLASSES);
        assert_ptr_equal(hak_superslab_of(slab), superslab);
        assert_int_equal(superslab->slab_shift, HAK_GEO->pool_slab_shift);
        assert_true(is_zero(start, small_bytes));
        hak_slab_bind(slab, HAK_TINY_CLASSES, NULL);
        hak_slab_unbind(slab);
        hak_pool_give(slab);
        hak_pool_trim();
        assert_int_equal(hak_root.pool.superslab_count, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_a_larger_header_swallows_no_dirt, leave_nothing),
    };
    return cmocka_run_group_tests_name("pool", tests, open_arena, close_arena);
}
