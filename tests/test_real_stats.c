/* Statistics: what they say is what happened, in every form. Each test is a child that starts with a heap nobody used,
 * and with the options it wants; this process allocates nothing. */
#include "tests/test_real.h"

#include <pthread.h>

#include "allocator/check.h"
#include "allocator/root.h"
#include "allocator/stats.h"
#include "allocator/thread.h"
#include "tests/json_text.h"

enum { TEXT_BYTES = 1 << 16 };
static char text[TEXT_BYTES];

static struct hak_stats taken(void) {
    struct hak_stats stats;
    hak_stats_take(&stats);
    return stats;
}

static const char *json_taken(void) {
    size_t length = hak_stats_json(text, sizeof text);
    require(length < sizeof text && strlen(text) == length);
    require(is_json(text));
    return text;
}

static bool is_tier(enum hak_stats_group group) {
    return group < HAK_STATS_TIERS;
}

static const struct {
    enum hak_stats_group group;
    const char *name;
    const char *meaning;
} rows[] = {
#define ROW(group, name, meaning) {HAK_STATS_##group, #name, (meaning)},
    HAK_STATS_TABLE(ROW)
#undef ROW
};
static const char *const group_names[] = {
#define NAME_OF(id, name) [HAK_STATS_##id] = (name),
    HAK_STATS_GROUPS(NAME_OF)
#undef NAME_OF
};

/* ---- work that shows ---- */

static void *take(size_t size_bytes) {
    void *block = hak_malloc(size_bytes);
    require(block != NULL);
    memset(block, 1, size_bytes);
    return block;
}

enum { TINY = 1000, POOL = 100, RUN = 10, BIG = 3, BLOCKS = TINY + POOL + RUN + BIG };
static const size_t tier_sizes_bytes[] = {100, 5000, 100000, (size_t)2 << 20};
static void *blocks[BLOCKS];

static size_t size_of(size_t i) {
    return tier_sizes_bytes[i < TINY ? 0 : i < TINY + POOL ? 1 : i < TINY + POOL + RUN ? 2 : 3];
}

static void make_all(void) {
    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[i] = take(size_of(i));
    }
}

static void free_all(void) {
    for (size_t i = 0; i < BLOCKS; i++) {
        hak_free(blocks[i]);
    }
}

static void *on_thread(void *(*body)(void *)) {
    pthread_t thread;
    void *result;
    require(pthread_create(&thread, NULL, body, NULL) == 0);
    require(pthread_join(thread, &result) == 0);
    return result;
}

static void *make_all_there(void *unused) {
    (void)unused;
    make_all();
    return NULL;
}

/* ---- the numbers ---- */

#define CHANGE(stat) (after.value[HAK_STAT_##stat] - before.value[HAK_STAT_##stat])

/* The sums that hold whatever was done, while nothing goes on. */
static void expect_sums(void) {
    struct hak_stats stats = taken();
    struct hak_heap_counts counts;
    const uint64_t *value = stats.value;
    require(hak_check_heap(&counts, NULL, NULL) == NULL);
    require(value[HAK_STAT_MEMORY_live_bytes] == value[HAK_STAT_TINY_slab_bytes] + value[HAK_STAT_POOL_slab_bytes] +
                                                     value[HAK_STAT_RUN_live_bytes] + value[HAK_STAT_BIG_live_bytes]);
    require(value[HAK_STAT_MEMORY_dirty_bytes] == counts.dirty_bytes);
    require(value[HAK_STAT_TINY_slabs] + value[HAK_STAT_POOL_slabs] == counts.bound_slabs);
    require(value[HAK_STAT_RUN_live_blocks] == counts.runs && value[HAK_STAT_RUN_live_bytes] == counts.run_bytes);
    require(value[HAK_STAT_RUN_regions] == counts.regions);
    require(value[HAK_STAT_BIG_live_blocks] == counts.bigs && value[HAK_STAT_BIG_live_bytes] == counts.big_bytes);
    require(value[HAK_STAT_BIG_cached_blocks] == counts.cached_bigs);
    require(value[HAK_STAT_SUPERSLAB_mapped] == counts.superslabs);
    require(value[HAK_STAT_SUPERSLAB_cached] == counts.cached_superslabs);
    require(value[HAK_STAT_SUPERSLAB_created] - value[HAK_STAT_SUPERSLAB_released] == counts.superslabs);
    require(value[HAK_STAT_SUPERSLAB_slabs_taken] - value[HAK_STAT_SUPERSLAB_slabs_given] == counts.bound_slabs);
    require(value[HAK_STAT_TINY_live_bytes] <= value[HAK_STAT_TINY_slab_bytes]);
    require(value[HAK_STAT_POOL_live_bytes] <= value[HAK_STAT_POOL_slab_bytes]);

    struct hak_totals totals;
    hak_stats_totals(&totals);
    require(totals.reserved_bytes == totals.live_bytes + totals.free_bytes);
    require(totals.live_bytes ==
            value[HAK_STAT_TINY_live_bytes] + value[HAK_STAT_POOL_live_bytes] + value[HAK_STAT_RUN_live_bytes]);
    require(totals.mapped_bytes == counts.big_bytes && totals.mapped_count == counts.bigs);
    require(totals.cached_bytes <= totals.free_bytes && totals.cached_count <= totals.free_count);
    require(totals.cached_count == counts.cached_blocks);
    require(totals.free_count == counts.free_blocks + counts.cached_blocks);
    require(totals.trimmable_bytes == counts.dirty_bytes);
}

static void each_tier(void) {
    (void)take(1); /* the heap is there */
    struct hak_stats before = taken();
    make_all();
    struct hak_stats after = taken();
    require(CHANGE(TINY_live_blocks) == TINY && CHANGE(TINY_live_bytes) == TINY * UINT64_C(112));
    require(CHANGE(POOL_live_blocks) == POOL && CHANGE(POOL_live_bytes) == POOL * UINT64_C(5120));
    require(CHANGE(RUN_live_blocks) == RUN && CHANGE(BIG_live_blocks) == BIG);
    require(CHANGE(RUN_live_bytes) == RUN * hak_malloc_usable_size(blocks[TINY + POOL]));
    require(CHANGE(BIG_live_bytes) == BIG * hak_malloc_usable_size(blocks[BLOCKS - 1]));
    require(CHANGE(TINY_blocks) >= TINY && CHANGE(POOL_blocks) >= POOL);
    require(CHANGE(RUN_blocks) == RUN && CHANGE(BIG_blocks) == BIG);
    require(CHANGE(TINY_refills) > 0 && CHANGE(TINY_refills) < TINY);
    require(CHANGE(POOL_refills) > 0 && CHANGE(POOL_refills) <= POOL);
    require(CHANGE(TINY_slabs) > 0 && CHANGE(POOL_slabs) > 0 && CHANGE(RUN_regions) > 0);
    require(CHANGE(BIG_cache_hits) == 0);
    expect_sums();
    free_all();
    after = taken();
    require(CHANGE(TINY_live_blocks) == 0 && CHANGE(POOL_live_blocks) == 0);
    require(CHANGE(TINY_live_bytes) == 0 && CHANGE(POOL_live_bytes) == 0);
    require(CHANGE(RUN_live_blocks) == 0 && CHANGE(RUN_live_bytes) == 0);
    require(CHANGE(BIG_live_blocks) == 0 && CHANGE(BIG_live_bytes) == 0);
    require(CHANGE(BIG_cached_blocks) == BIG && CHANGE(BIG_cached_bytes) == BIG * UINT64_C(2 << 20));
    require(CHANGE(MEMORY_dirty_bytes) >= CHANGE(BIG_cached_bytes));
    require(CHANGE(THREAD_flushes) > 0);
    expect_sums();
    make_all();
    after = taken();
    require(CHANGE(BIG_cache_hits) == BIG && CHANGE(BIG_cached_blocks) == 0);
    expect_sums();
    free_all();
}

static void test_each_tier_shows(void **state) {
    (void)state;
    expect_clean_child(each_tier);
}

static void resizing(void) {
    void *front = take(100000);
    struct hak_stats before = taken();
    front = hak_realloc(front, 200000);
    front = hak_realloc(front, 100000);
    struct hak_stats after = taken();
    require(CHANGE(RUN_resized) == 2 && CHANGE(RUN_blocks) == 0);
    before = after;
    void *big = take((size_t)8 << 20);
    big = hak_realloc(big, (size_t)4 << 20);
    require(big != NULL);
    after = taken();
    require(CHANGE(BIG_resized) == 1 && CHANGE(BIG_blocks) == 1);
    before = after;
    big = hak_realloc(big, (size_t)40 << 20);
    require(big != NULL);
    after = taken();
    require(CHANGE(BIG_resized) + CHANGE(BIG_moved) == 1 && CHANGE(BIG_blocks) == 0);
    expect_sums();
    hak_free(front);
    hak_free(big);
}

static void test_resizing_shows(void **state) {
    (void)state;
    expect_clean_child(resizing);
}

static void superslabs(void) {
    enum { MANY = 600 };
    static void *many[MANY];
    struct hak_stats before = taken();
    for (unsigned round = 0; round < 2; round++) {
        for (size_t i = 0; i < MANY; i++) {
            many[i] = take(32000);
        }
        for (size_t i = 0; i < MANY; i++) {
            hak_free(many[i]);
        }
    }
    struct hak_stats after = taken();
    require(CHANGE(TINY_refills) == 0 && CHANGE(POOL_refills) > MANY / 8); /* each tier has its own */
    require(CHANGE(SUPERSLAB_created) >= 9 && CHANGE(SUPERSLAB_mapped) >= 9);
    require(CHANGE(SUPERSLAB_cached) >= 7 && CHANGE(SUPERSLAB_reused) >= 7);
    require(CHANGE(SUPERSLAB_slabs_taken) >= MANY / 3 && CHANGE(SUPERSLAB_slabs_given) >= MANY / 4);
    require(CHANGE(MEMORY_purged_bytes) > 0); /* beyond the budget, at once */
    require(CHANGE(MEMORY_metadata_bytes) > 0);
    expect_sums();
    (void)hak_malloc_trim(0);
    after = taken();
    require(CHANGE(SUPERSLAB_mapped) == 0 && CHANGE(SUPERSLAB_cached) == 0);
    require(after.value[HAK_STAT_MEMORY_dirty_bytes] == 0 && CHANGE(MEMORY_live_bytes) == 0);
    require(after.value[HAK_STAT_SUPERSLAB_released] == after.value[HAK_STAT_SUPERSLAB_created]);
    expect_sums();
}

static void test_superslabs_show(void **state) {
    (void)state;
    expect_clean_child(superslabs);
}

static void threads(void) {
    void *own = take(1);
    struct hak_stats before = taken();
    (void)on_thread(make_all_there);
    struct hak_stats after = taken();
    require(CHANGE(THREAD_heaps) == 1 && CHANGE(TINY_live_blocks) == TINY && CHANGE(POOL_live_blocks) == POOL);
    free_all();
    hak_pending_send(hak_thread.heap);
    after = taken();
    require(CHANGE(THREAD_remote_pushed) == TINY + POOL);
    (void)hak_malloc_trim(0);
    after = taken();
    require(CHANGE(THREAD_remote_drained) == TINY + POOL && CHANGE(THREAD_adopted) == 1);
    require(CHANGE(TINY_live_blocks) == 0 && CHANGE(POOL_live_blocks) == 0);
    expect_sums();
    hak_free(own);
}

static void bad_pointer(void) {
    static char *volatile here;
    here = text;
    hak_free(here);
    require(taken().value[HAK_STAT_ERROR_bad_pointers] == 1);
}

static void test_threads_show(void **state) {
    (void)state;
    expect_clean_child(threads);
}

static void test_bad_pointers_show(void **state) {
    (void)state;
    assert_int_equal(run_in_child(bad_pointer).status, 0);
}

/* ---- the forms ---- */

static void json_holds_all(void) {
    make_all();
    struct hak_stats stats = taken();
    const char *json = json_taken();
    for (size_t i = 0; i < HAK_STAT_COUNT; i++) {
        const char *parent = is_tier(rows[i].group) ? json_member(json, "tiers") : json;
        require(json_number(json_member(parent, group_names[rows[i].group]), rows[i].name) == stats.value[i]);
    }
    require(json_number(json, "pid") == (uint64_t)getpid());
    const char *program = json_member(json, "program");
    size_t length = strlen(program_invocation_short_name);
    require(*program == '"' && strncmp(program + 1, program_invocation_short_name, length) == 0 &&
            program[length + 1] == '"');
    for (unsigned rule = 0; rule < HAK_ACE_COUNT; rule++) {
        const char *shown = json_member(json_member(json, "controller"), hak_ace_rules[rule].name);
        require(json_number(shown, "value") == hak_ace_value(&hak_root.ace, (enum hak_ace_rule)rule));
        require(*json_member(shown, "pinned") == 'f');
    }
    require(strncmp(json_member(json, "options"), "{}", 2) == 0);
    free_all();
}

static void test_json_holds_all(void **state) {
    (void)state;
    expect_clean_child(json_holds_all);
}

static void text_holds_all(void) {
    make_all();
    size_t length = hak_stats_text(text, sizeof text);
    require(length < sizeof text && strlen(text) == length && text[length - 1] == '\n');
    const char *at = text;
    for (size_t i = 0; i < HAK_STAT_COUNT; i++) { /* in the order of the table */
        require((at = strstr(at, rows[i].name)) != NULL);
        require((at = strstr(at, rows[i].meaning)) != NULL);
    }
    for (unsigned rule = 0; rule < HAK_ACE_COUNT; rule++) {
        require((at = strstr(at, hak_ace_rules[rule].name)) != NULL);
    }
    free_all();
}

static void test_text_holds_all(void **state) {
    (void)state;
    expect_clean_child(text_holds_all);
}

/* Tags open and close as they should, and hold every number. */
static void xml_is_well_formed(void) {
    char open[8][32];
    size_t depth = 0, empty = 0;
    size_t length = hak_stats_xml(text, sizeof text);
    require(length < sizeof text && strlen(text) == length);
    for (const char *at = text; (at = strchr(at, '<')) != NULL; at++) {
        const char *end = strchr(at, '>');
        require(end != NULL);
        size_t name = strcspn(at + 1, " />");
        if (at[1] == '/') {
            name = strcspn(at + 2, ">");
            require(depth > 0 && strncmp(open[--depth], at + 2, name) == 0 && open[depth][name] == '\0');
        } else if (end[-1] == '/') {
            empty++;
        } else {
            require(depth < 8 && name < 32);
            memcpy(open[depth], at + 1, name);
            open[depth++][name] = '\0';
        }
    }
    require(depth == 0 && empty >= HAK_STAT_COUNT);
    require(strncmp(text, "<malloc version=", 16) == 0);
}

static void test_xml_is_well_formed(void **state) {
    (void)state;
    expect_clean_child(xml_is_well_formed);
}

/* As snprintf: as much as fits, ended by a 0, and never a byte beyond; the length of all. */
static void forms_fit(void) {
    static size_t (*const forms[])(char *, size_t) = {hak_stats_text, hak_stats_json, hak_stats_xml};
    static char small[TEXT_BYTES];
    (void)take(1);
    for (size_t form = 0; form < 3; form++) {
        size_t length = forms[form](text, sizeof text);
        require(forms[form](NULL, 0) == length);
        for (size_t capacity = 1; capacity < length + 2; capacity += capacity < 100 || capacity > length - 5 ? 1 : 97) {
            memset(small, '#', sizeof small);
            require(forms[form](small, capacity) == length);
            require(strlen(small) == smaller(capacity - 1, length) && small[capacity] == '#');
            require(memcmp(small, text, strlen(small)) == 0);
        }
    }
}

static void test_forms_fit(void **state) {
    (void)state;
    expect_clean_child(forms_fit);
}

/* None of it allocates, and none needs a heap. */
static void nothing_was_done(void) {
    struct hak_stats stats = taken();
    for (size_t i = 0; i < HAK_STAT_COUNT; i++) {
        require(stats.value[i] == 0);
    }
    (void)json_taken();
    require(hak_root.heaps.known == NULL);
    expect_sums();
}

static void test_nothing_was_done(void **state) {
    (void)state;
    expect_clean_child(nothing_was_done);
}

/* ---- controller and options ---- */

/* SuperSlabs that are used up at once have more of them reserved at a time. */
static void controller_moves(void) {
    for (unsigned i = 0; i < 2000; i++) {
        require(hak_malloc(32000) != NULL);
    }
    const char *rule = json_member(json_member(json_taken(), "controller"), "superslab-chunk");
    require(json_number(rule, "value") > 1 && json_number(rule, "ups") > 0);
    (void)on_thread(make_all_there);
    expect_sums();
}

static void controller_is_pinned(void) {
    require(setenv("HAKMEM_SUPERSLAB_CHUNK", "3", 1) == 0);
    for (unsigned i = 0; i < 2000; i++) {
        require(hak_malloc(32000) != NULL);
    }
    const char *json = json_taken();
    const char *rule = json_member(json_member(json, "controller"), "superslab-chunk");
    require(json_number(rule, "value") == 3 && json_number(rule, "ups") == 0 && *json_member(rule, "pinned") == 't');
    require(json_number(json_member(json, "options"), "SUPERSLAB_CHUNK") == 3);
}

static void test_controller_shows(void **state) {
    (void)state;
    expect_clean_child(controller_moves);
    expect_clean_child(controller_is_pinned);
}

/* ---- at the end of a process ---- */

static char path[64];

static void end_with_json(void) {
    require(setenv("HAKMEM_STATS", "2", 1) == 0);
    make_all();
    exit(0);
}

static void end_with_text(void) {
    require(setenv("HAKMEM_STATS", "1", 1) == 0);
    make_all();
    exit(0);
}

static void end_with_file(void) {
    require(setenv("HAKMEM_STATS_FILE", path, 1) == 0);
    make_all();
    memset(getenv("HAKMEM_STATS_FILE"), 'x', strlen(path)); /* as programs do that show another name */
    exit(0);
}

static void end_without(void) {
    exit(0);
}

static struct ending end_of(void (*body)(void)) {
    (void)fflush(NULL); /* or the child says it again */
    struct ending ending = run_in_child(body);
    assert_int_equal(ending.status, 0);
    return ending;
}

static void test_end_of_process(void **state) {
    (void)state;
    struct ending ending = end_of(end_with_json);
    char *line_end = strchr(ending.said, '\n');
    assert_true(line_end != NULL && line_end[1] == '\0');
    *line_end = '\0';
    assert_true(is_json(ending.said));
    assert_true(json_number(json_member(json_member(ending.said, "tiers"), "tiny"), "live_blocks") >= TINY);
    ending = end_of(end_with_text);
    assert_non_null(strstr(ending.said, "hakmem statistics of "));
    assert_string_equal(end_of(end_without).said, "");
}

static void test_end_of_process_to_file(void **state) {
    (void)state;
    (void)snprintf(path, sizeof path, "/tmp/test_real_stats.%ju", (uintmax_t)getpid());
    (void)unlink(path);
    assert_string_equal(end_of(end_with_file).said, "");
    assert_string_equal(end_of(end_with_file).said, ""); /* appended */
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    unsigned lines = 0;
    while (fgets(text, sizeof text, file) != NULL) {
        text[strcspn(text, "\n")] = '\0';
        assert_true(is_json(text));
        lines++;
    }
    (void)fclose(file);
    (void)unlink(path);
    assert_int_equal(lines, 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_was_done),       cmocka_unit_test(test_each_tier_shows),
        cmocka_unit_test(test_resizing_shows),         cmocka_unit_test(test_superslabs_show),
        cmocka_unit_test(test_threads_show),           cmocka_unit_test(test_bad_pointers_show),
        cmocka_unit_test(test_json_holds_all),         cmocka_unit_test(test_text_holds_all),
        cmocka_unit_test(test_xml_is_well_formed),     cmocka_unit_test(test_forms_fit),
        cmocka_unit_test(test_controller_shows),       cmocka_unit_test(test_end_of_process),
        cmocka_unit_test(test_end_of_process_to_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
