/* Misuse: every kind of pointer that is no live block, handed to every call that takes one, in both modes. With
 * HAKMEM_FAIL_FAST=1 one line says so and the process ends; without, the same line, the call does nothing, and all that
 * follows goes well: no block is lost to the allocator's lists, none is handed out twice.
 *
 * What is written to freed blocks, over what the allocator keeps there, ends the process in both modes, by one line.
 *
 * Each case is a child of its own. Options are read at the first allocation, so this process makes none. */
#include <pthread.h>
#include <sys/mman.h>

#include "allocator/check.h"
#include "allocator/root.h"
#include "tests/misuse_pointers.h"

#define IGNORED "; the call is ignored (HAKMEM_FAIL_FAST=1 ends the process here)"

/* As much of a block as its pattern covers: enough to tell blocks apart. */
static size_t shown(size_t size_bytes) {
    return smaller(size_bytes, 2048);
}

/* ---- calls, and what each returns that does nothing ---- */

static bool call_free(void *pointer) {
    errno = ERRNO_MARK;
    hak_free(pointer);
    return errno == ERRNO_MARK;
}

static bool call_free_sized(void *pointer) {
    errno = ERRNO_MARK;
    hak_free_aligned_sized(pointer, 16, TINY_BYTES);
    return errno == ERRNO_MARK;
}

static bool call_free_on_thread(void *pointer) {
    on_thread(free_it, pointer);
    return true;
}

static bool call_realloc(void *pointer) {
    errno = ERRNO_MARK;
    return hak_realloc(pointer, TINY_BYTES * 2) == NULL && errno == EINVAL;
}

static bool call_reallocarray(void *pointer) {
    errno = ERRNO_MARK;
    return hak_reallocarray(pointer, 1000, 1000) == NULL && errno == EINVAL;
}

static bool call_realloc_to_nothing(void *pointer) {
    errno = ERRNO_MARK;
    return hak_realloc(pointer, 0) == NULL && errno == ERRNO_MARK;
}

static bool call_usable_size(void *pointer) {
    errno = ERRNO_MARK;
    return hak_malloc_usable_size(pointer) == 0 && errno == ERRNO_MARK;
}

static const struct call {
    const char *name;
    bool (*make)(void *pointer); /* true: it did nothing */
    const char *why;             /* NULL: as free says */
} calls[] = {
    {"free()", call_free, NULL},
    {"free()", call_free_sized, NULL},
    {"free()", call_free_on_thread, NULL},
    {"free()", call_realloc_to_nothing, NULL},
    {"realloc()", call_realloc, NOT_LIVE},
    {"realloc()", call_reallocarray, NOT_LIVE},
    {"malloc_usable_size()", call_usable_size, NOT_LIVE},
};
enum { CALLS = sizeof calls / sizeof calls[0] };

/* ---- afterwards ---- */

static void expect_whole_heap(void) {
    struct hak_heap_counts counts;
    const char *broken = hak_check_heap(&counts, NULL, NULL);
    if (broken != NULL) {
        (void)fprintf(stderr, "%s\n", broken);
    }
    require(broken == NULL);
}

/* Many blocks of one size, all live at once: what is handed out twice has the pattern of one only. */
static void live_together(size_t size_bytes, size_t count) {
    enum { COUNT_MAX = 4000 };
    static char *blocks[COUNT_MAX];
    require(count <= COUNT_MAX);
    for (size_t i = 0; i < count; i++) {
        blocks[i] = take(size_bytes);
        pattern_fill(blocks[i], shown(size_bytes), i);
    }
    expect_whole_heap();
    for (size_t i = 0; i < count; i++) {
        require(pattern_holds(blocks[i], shown(size_bytes), i));
        hak_free(blocks[i]);
    }
}

/* Blocks of all tiers come and go in an order that nothing but this number decides. */
static void come_and_go(void) {
    enum { SLOTS = 64, TURNS = 3000 };
    static const size_t limits_bytes[] = {64, 256, 1024, 8192, 32768, 200000};
    static struct {
        char *block;
        size_t size_bytes;
    } slots[SLOTS];
    uint64_t random = 1;
    for (uint64_t turn = 0; turn < TURNS; turn++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        size_t slot = random >> 58, size_bytes = 1 + (random >> 33) % limits_bytes[(random >> 20) % 6];
        if (slots[slot].block != NULL) {
            require(pattern_holds(slots[slot].block, shown(slots[slot].size_bytes), slots[slot].size_bytes));
        }
        if (turn % 3 == 0) {
            slots[slot].block = hak_realloc(slots[slot].block, size_bytes);
        } else {
            hak_free(slots[slot].block);
            slots[slot].block = take(size_bytes);
        }
        require(slots[slot].block != NULL);
        slots[slot].size_bytes = size_bytes;
        pattern_fill(slots[slot].block, shown(size_bytes), size_bytes);
    }
    for (size_t slot = 0; slot < SLOTS; slot++) {
        hak_free(slots[slot].block);
        slots[slot].block = NULL;
    }
}

static void *live_on(void *unused) {
    (void)unused;
    live_together(1, 4000);
    live_together(TINY_BYTES, 3000);
    live_together(TINY_BYTES * 2, 1000);
    live_together(POOL_BYTES, 100);
    live_together(32000, 12);
    live_together(RUN_BYTES, 10);
    live_together(RUN_BYTES * 4, 4);
    live_together(BIG_BYTES, 2);
    come_and_go();
    expect_whole_heap();
    return NULL;
}

/* ---- the cases ---- */

static const struct pointer {
    const char *name;
    void *(*make)(size_t size_bytes);
    size_t size_bytes;
    const char *why;
    enum notice notice;
} pointers[] = {
#define POINTER(name, make, size_bytes, why, notice) {(name), (make), (size_bytes), (why), (notice)},
    POINTERS(POINTER)
#undef POINTER
};
enum { POINTERS_COUNT = sizeof pointers / sizeof pointers[0] };

static const struct pointer *chosen_pointer;
static const struct call *chosen_call;
static bool chosen_fail_fast;
static void **told; /* shared with the children: the pointer as it was in there */

static void commit(void) {
    require(hak_load(&hak_root.started, relaxed) == 0); /* the options are not read yet */
    require(setenv("HAKMEM_FAIL_FAST", chosen_fail_fast ? "1" : "0", 1) == 0);
    void *pointer = chosen_pointer->make(chosen_pointer->size_bytes);
    *told = pointer;
    bool did_nothing = chosen_call->make(pointer);
    require(did_nothing);
    require(hak_load(&hak_root.complaints, relaxed) == 1);
    expect_whole_heap();
    (void)live_on(NULL);
    if (chosen_call == calls) { /* a complaint is the same whoever calls: once is enough for what takes longest */
        on_thread(live_on, NULL);
    }
    (void)hak_malloc_trim(0);
    expect_whole_heap();
}

static bool is_noticed(void) {
    bool is_free = chosen_call->why == NULL;
    return chosen_pointer->notice == ALWAYS || !is_free ||
           (chosen_fail_fast && chosen_call->make != call_free_on_thread);
}

static void test_misuse(void **state) {
    chosen_pointer = *state;
    for (size_t i = 0; i < (size_t)2 * CALLS; i++) {
        char expected[256];
        chosen_call = &calls[i / 2];
        chosen_fail_fast = i % 2 == 1;
        if (!is_noticed()) {
            continue;
        }
        struct ending ending = run_in_child(commit);
        (void)snprintf(expected, sizeof expected, "hakmem: %s of 0x%jx: %s%s\n", chosen_call->name,
                       (uintmax_t)(uintptr_t)*told, chosen_call->why == NULL ? chosen_pointer->why : chosen_call->why,
                       chosen_fail_fast ? "" : IGNORED);
        bool ended_well = chosen_fail_fast ? WIFSIGNALED(ending.status) && WTERMSIG(ending.status) == SIGABRT
                                           : WIFEXITED(ending.status) && WEXITSTATUS(ending.status) == 0;
        if (!ended_well || strcmp(ending.said, expected) != 0) {
            fail_msg("%s%s: wait status 0x%x; it said:\n%sinstead of:\n%s", chosen_call->name,
                     chosen_fail_fast ? " with HAKMEM_FAIL_FAST=1" : "", (unsigned)ending.status, ending.said,
                     expected);
        }
    }
}

/* A program that goes wrong all the time does not fill its log. */
enum { TIMES = 40, SAID_AT_MOST = 16 };

static void go_wrong_often(void) {
    for (unsigned i = 0; i < TIMES; i++) {
        hak_free(of_static(0));
    }
    require(hak_load(&hak_root.complaints, relaxed) == TIMES);
}

static void test_only_the_first_are_said(void **state) {
    (void)state;
    struct ending ending = run_in_child(go_wrong_often);
    size_t lines = 0;
    for (const char *at = ending.said; (at = strchr(at, '\n')) != NULL; at++) {
        lines++;
    }
    assert_int_equal(ending.status, 0);
    assert_int_equal(lines, SAID_AT_MOST + 1);
    const char *last = "hakmem: further messages of this kind are left out\n";
    assert_string_equal(ending.said + strlen(ending.said) - strlen(last), last);
}

#if !HAK_ASAN /* which reports the write itself */

static size_t written_word;

/* Word `written_word` of every other block is written after all were freed and came home; then they are wanted again.
 */
static void write_after_free(void) {
    enum { BLOCKS = 64 };
    static uint64_t *volatile blocks[BLOCKS];
    require(setenv("HAKMEM_FAIL_FAST", chosen_fail_fast ? "1" : "0", 1) == 0);
    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[i] = take(TINY_BYTES);
    }
    for (size_t i = 0; i < BLOCKS; i += 2) {
        hak_free(blocks[i]);
    }
    (void)hak_malloc_trim(0);
    for (size_t i = 0; i < BLOCKS; i += 2) {
        blocks[i][written_word] = UINT64_C(0x4141414141414141);
    }
    for (size_t i = 0; i < BLOCKS; i += 2) {
        (void)take(TINY_BYTES);
    }
}

static void test_writes_after_free(void **state) {
    (void)state;
    static const char *const of_word[] = {"link", "label"};
    for (size_t i = 0; i < 4; i++) {
        char expected[256];
        written_word = i / 2;
        chosen_fail_fast = i % 2 == 1;
        struct ending ending = run_in_child(write_after_free);
        (void)snprintf(expected, sizeof expected,
                       "hakmem: a free block was written to, after it was freed or from the block in front of it: its "
                       "%s is broken; AddressSanitizer shows by whom\n",
                       of_word[written_word]);
        assert_string_equal(ending.said, expected);
        assert_true(WIFSIGNALED(ending.status) && WTERMSIG(ending.status) == SIGABRT);
    }
}

#endif

int main(void) {
    static struct CMUnitTest tests[POINTERS_COUNT + 1 + !HAK_ASAN];
    told = mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    require(told != MAP_FAILED);
    for (size_t i = 0; i < POINTERS_COUNT; i++) {
        tests[i] = (struct CMUnitTest){
            .name = pointers[i].name, .test_func = test_misuse, .initial_state = (void *)(uintptr_t)&pointers[i]};
    }
    tests[POINTERS_COUNT] = (struct CMUnitTest)cmocka_unit_test(test_only_the_first_are_said);
#if !HAK_ASAN
    tests[POINTERS_COUNT + 1] = (struct CMUnitTest)cmocka_unit_test(test_writes_after_free);
#endif
    return cmocka_run_group_tests(tests, NULL, NULL);
}
