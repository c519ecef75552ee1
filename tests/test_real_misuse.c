/* Misuse: a pointer that is not a live block ends the process with one line that says so. One child each. What costs
 * too much for a release build is not promised there: the middle of a small block, and a small block freed twice. */
#include "tests/test_real.h"

#include <sys/mman.h>

#include "allocator/config.h"

#define NOT_OURS "hakmem: free(): the pointer is not from this allocator\n"
#define NO_BLOCK "hakmem: free(): the pointer is not the start of a block\n"
#define NOT_LIVE "hakmem: realloc() or malloc_usable_size(): the pointer is not a live block\n"

enum { SUPERSLAB_BYTES = 2 << 20, SLAB_BYTES = 64 << 10, PAGE_BYTES = 4096 };

static char *superslab_of(void *block) {
    return (char *)((uintptr_t)block & ~(uintptr_t)(SUPERSLAB_BYTES - 1));
}

static void free_on_stack(void) {
    char here[32];
    char *volatile pointer = here;
    hak_free(pointer + 16);
}

static void free_static(void) {
    static char here[32];
    char *volatile pointer = here;
    hak_free(pointer);
}

static void free_foreign_mapping(void) {
    hak_free(mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

static void free_low(void) {
    hak_free((void *)(uintptr_t)16);
}

static void free_not_canonical(void) {
    hak_free((void *)(uintptr_t)UINT64_C(0xfffffffffffffff0));
}

static void free_inside_mapping(void) {
    char *block = hak_malloc(100000);
    hak_free(block + 16);
}

static void free_later_page_of_mapping(void) {
    char *block = hak_malloc((size_t)8 << 20);
    hak_free(block + ((size_t)5 << 20));
}

static void free_mapping_twice(void) {
    char *block = hak_malloc(100000);
    hak_free(block);
    hak_free(block);
}

static void free_cut_off_part(void) {
    char *block = hak_malloc((size_t)8 << 20);
    (void)hak_realloc(block, 5000);
    hak_free(block + ((size_t)4 << 20));
}

static void free_header(void) {
    hak_free(superslab_of(hak_malloc(100)) + 64);
}

static void free_unused_slab(void) {
    hak_free(superslab_of(hak_malloc(100)) + SUPERSLAB_BYTES - SLAB_BYTES);
}

static void realloc_on_stack(void) {
    char here[32];
    char *volatile pointer = here;
    (void)hak_realloc(pointer, 100);
}

static void realloc_inside_small(void) {
    char *block = hak_malloc(100);
    (void)hak_realloc(block + 16, 200);
}

static void realloc_inside_mapping(void) {
    char *block = hak_malloc(5000);
    (void)hak_realloc(block + 4096, 200);
}

static void usable_size_of_header(void) {
    (void)hak_malloc_usable_size(superslab_of(hak_malloc(100)) + 64);
}

static void usable_size_of_freed_mapping(void) {
    char *block = hak_malloc(5000);
    hak_free(block);
    (void)hak_malloc_usable_size(block);
}

#if HAK_CHECK >= 1
static void free_inside_small(void) {
    char *block = hak_malloc(100);
    hak_free(block + 16);
}
#endif

/* What is done, and what must be said about it. */
static const struct misuse {
    const char *name;
    void (*commit)(void);
    const char *said;
} misuses[] = {
    {"free on the stack", free_on_stack, NOT_OURS},
    {"free of a static object", free_static, NOT_OURS},
    {"free of a foreign mapping", free_foreign_mapping, NOT_OURS},
    {"free of a small number", free_low, NOT_OURS},
    {"free of no canonical address", free_not_canonical, NOT_OURS},
    {"free inside a mapping", free_inside_mapping, NOT_OURS},
    {"free of a later page of a mapping", free_later_page_of_mapping, NOT_OURS},
    {"free of a mapping, twice", free_mapping_twice, NOT_OURS},
    {"free of a part that realloc gave back", free_cut_off_part, NOT_OURS},
    {"free in a SuperSlab's header", free_header, NO_BLOCK},
    {"free in a slab nobody uses", free_unused_slab, NO_BLOCK},
    {"realloc on the stack", realloc_on_stack, NOT_LIVE},
    {"realloc inside a small block", realloc_inside_small, NOT_LIVE},
    {"realloc inside a mapping", realloc_inside_mapping, NOT_LIVE},
    {"usable size of a SuperSlab's header", usable_size_of_header, NOT_LIVE},
    {"usable size of a mapping that is gone", usable_size_of_freed_mapping, NOT_LIVE},
#if HAK_CHECK >= 1
    {"free inside a small block", free_inside_small, NO_BLOCK},
#endif
};
enum { MISUSES = sizeof misuses / sizeof misuses[0] };

static void test_misuse(void **state) {
    const struct misuse *misuse = *state;
    struct ending ending = run_in_child(misuse->commit);
    assert_string_equal(ending.said, misuse->said);
    assert_true(WIFSIGNALED(ending.status));
    assert_int_equal(WTERMSIG(ending.status), SIGABRT);
}

int main(void) {
    static struct CMUnitTest tests[MISUSES];
    for (size_t i = 0; i < MISUSES; i++) {
        tests[i] = (struct CMUnitTest){
            .name = misuses[i].name, .test_func = test_misuse, .initial_state = (void *)(uintptr_t)&misuses[i]};
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
