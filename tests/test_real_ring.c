/* The ring of recent events: what it keeps, how it prints it before and after it has gone round, and that it can be
 * switched off. One thread. */
#include "tests/test_real.h"

#include "allocator/print.h"
#include "allocator/ring.h"
#include "allocator/root.h"
#include "allocator/thread.h"

enum { TEXT_BYTES = 32 << 10 };
static char text[TEXT_BYTES];

static const char *printed(void) {
    struct hak_print print;
    hak_print_open_text(&print, text, sizeof text);
    hak_ring_print(&print);
    assert_true(hak_print_close(&print) < sizeof text);
    return text;
}

static size_t lines_of(const char *lines) {
    size_t count = 0;
    for (; *lines != '\0'; lines++) {
        count += *lines == '\n';
    }
    return count;
}

static uint32_t noted(void) {
    return hak_load(&hak_root.ring.count, relaxed);
}

static int empty_ring(void **state) {
    (void)state;
    hak_free(hak_malloc(1));
    memset(&hak_root.ring, 0, sizeof hak_root.ring);
    return 0;
}

static void test_events_are_kept_in_order(void **state) {
    (void)state;
    char expected[200];
    uint32_t heap_id = hak_thread.heap->id;
    assert_string_equal(printed(), "");
    hak_ring_note(HAK_EVENT_PURGED, 0x1000);
    hak_ring_note(HAK_EVENT_REFUSED, 7);
    (void)snprintf(expected, sizeof expected, "%12u  heap %4u  purged 0x1000\n%12u  heap %4u  the system refused 0x7\n",
                   0u, heap_id, 1u, heap_id);
    assert_string_equal(printed(), expected);
}

/* All are there until there are as many as it keeps; of more the last ones are. */
static void test_the_oldest_go_first(void **state) {
    (void)state;
    for (uint32_t i = 0; i < HAK_RING_ENTRIES; i++) {
        hak_ring_note(HAK_EVENT_PURGED, i);
    }
    assert_int_equal(lines_of(printed()), HAK_RING_ENTRIES);
    assert_memory_equal(text, "           0  ", 14);
    hak_ring_note(HAK_EVENT_SLAB_BOUND, 0x123);
    assert_int_equal(lines_of(printed()), HAK_RING_ENTRIES);
    assert_memory_equal(text, "           1  ", 14);
    assert_non_null(strstr(text, "slab bound 0x123\n"));
}

/* Creating and giving back is noted, unless nobody wants it. */
static void test_it_can_be_switched_off(void **state) {
    (void)state;
    enum { BIG_BYTES = 40 << 20 };
    int64_t was = (int64_t)hak_option(RING);
    assert_int_equal(was, 1);
    hak_free(hak_malloc(BIG_BYTES));
    uint32_t before = noted();
    assert_true(before > 0);
    hak_option(RING) = 0;
    hak_malloc_trim(0);
    hak_free(hak_malloc(BIG_BYTES));
    hak_ring_note(HAK_EVENT_PURGED, 1);
    assert_int_equal(noted(), before);
    hak_option(RING) = 1;
    hak_ring_note(HAK_EVENT_PURGED, 1);
    assert_int_equal(noted(), before + 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_events_are_kept_in_order, empty_ring),
        cmocka_unit_test_setup(test_the_oldest_go_first, empty_ring),
        cmocka_unit_test_setup(test_it_can_be_switched_off, empty_ring),
    };
    return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
