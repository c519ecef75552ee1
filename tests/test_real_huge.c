/* Which big mappings ask the kernel for huge pages, by what it says of itself in smaps. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "allocator/big.h"
#include "allocator/root.h"
#include "tests/test_real.h"

/* Whether the kernel's area at the address is marked for huge pages. */
static bool is_marked(const void *address) {
    FILE *smaps = fopen("/proc/self/smaps", "r");
    char line[512];
    bool here = false, marked = false, known = false;
    require(smaps != NULL);
    while (fgets(line, sizeof line, smaps) != NULL) {
        uintmax_t first, end;
        if (sscanf(line, "%jx-%jx ", &first, &end) == 2) {
            here = (uintptr_t)address >= first && (uintptr_t)address < end;
        } else if (here && strncmp(line, "VmFlags:", 8) == 0) {
            known = true;
            marked = strstr(line, " hg") != NULL;
        }
    }
    (void)fclose(smaps);
    require(known);
    return marked;
}

/* The middle: an end may lie in the same area of the kernel's as a neighbour. */
static bool block_is_marked(size_t size_bytes) {
    char *block = hak_malloc(size_bytes);
    require(block != NULL);
    bool marked = is_marked(block + size_bytes / 2);
    hak_free(block);
    (void)hak_malloc_trim(0);
    return marked;
}

static void by_size(void) {
    require(!block_is_marked(HAK_BIG_HUGE_MIN_BYTES / 2));
    require(block_is_marked(HAK_BIG_HUGE_MIN_BYTES));
    require(block_is_marked(HAK_BIG_HUGE_MAX_BYTES / 2));
    require(!block_is_marked((size_t)HAK_BIG_HUGE_MAX_BYTES * 2));
}

/* One has room behind it to grow where it is, since what was mapped before it, above, is gone; the other has not. */
static void when_grown(void) {
    enum { SMALL_BYTES = HAK_BIG_HUGE_MIN_BYTES / 4 * 3 };
    char *above = hak_malloc(SMALL_BYTES), *with_room = hak_malloc(SMALL_BYTES), *without = hak_malloc(SMALL_BYTES);
    require(above != NULL && with_room != NULL && without != NULL);
    hak_free(above);
    (void)hak_malloc_trim(0);
    require(!is_marked(with_room + SMALL_BYTES / 2) && !is_marked(without + SMALL_BYTES / 2));
    with_room = hak_realloc(with_room, HAK_BIG_HUGE_MIN_BYTES);
    without = hak_realloc(without, HAK_BIG_HUGE_MIN_BYTES);
    require(with_room != NULL && is_marked(with_room + HAK_BIG_HUGE_MIN_BYTES / 2));
    require(without != NULL && is_marked(without + HAK_BIG_HUGE_MIN_BYTES / 2));
    hak_free(with_room);
    hak_free(without);
}

static void switched_off(void) {
    require(hak_load(&hak_root.started, relaxed) == 0 && setenv("HAKMEM_HUGE_PAGES", "0", 1) == 0);
    require(!block_is_marked(HAK_BIG_HUGE_MIN_BYTES));
}

static void test_by_size(void **state) {
    (void)state;
    expect_clean_child(by_size);
    expect_clean_child(when_grown);
}

static void test_switched_off(void **state) {
    (void)state;
    expect_clean_child(switched_off);
}

int main(void) {
    if (access("/sys/kernel/mm/transparent_hugepage/enabled", R_OK) != 0) {
        (void)fprintf(stderr, "this kernel has no transparent huge pages: nothing to test\n");
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_size),
        cmocka_unit_test(test_switched_off),
    };
    return cmocka_run_group_tests_name("real_huge", tests, NULL, NULL);
}
