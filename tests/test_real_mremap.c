/* realloc of mappings that grow in place where the system lets them, and move where it does not.
 *
 * mremap is this file's own: it asks the real one, or behaves as other systems do. The allocator must cope with each,
 * and never ask for a move to a fixed place: such a call may fail after it has unmapped the target. */
#include "tests/test_real.h"

#include <sys/mman.h>
#include <sys/syscall.h>

static enum {
    SYSTEM_AS_IT_IS,
    SYSTEM_ONE_AREA, /* Linux before 6.17: a range of several areas cannot be moved or grown */
    SYSTEM_WITHOUT,  /* nothing can be moved or grown */
} the_system;
static unsigned calls;
static unsigned moves; /* calls that moved something */

static size_t page_bytes(void) {
    return (size_t)sysconf(_SC_PAGESIZE);
}

/* Whether the range lies in one area of the system's, as /proc/self/maps has them. */
static bool is_one_area(const void *address, size_t size_bytes) {
    uintptr_t start = (uintptr_t)address;
    unsigned long from, to;
    char line[512];
    bool one = false;
    FILE *maps = fopen("/proc/self/maps", "r");
    require(maps != NULL);
    while (fgets(line, sizeof line, maps) != NULL) {
        require(sscanf(line, "%lx-%lx", &from, &to) == 2);
        one = one || (from <= start && start + size_bytes <= to);
    }
    (void)fclose(maps);
    return one;
}

void *mremap(void *from, size_t old_bytes, size_t new_bytes, int flags, ...) {
    calls++;
    require((flags & MREMAP_FIXED) == 0);
    if (the_system == SYSTEM_WITHOUT) {
        errno = EINVAL;
        return MAP_FAILED;
    }
    if (the_system == SYSTEM_ONE_AREA && !is_one_area(from, old_bytes)) {
        errno = EFAULT;
        return MAP_FAILED;
    }
    void *to = (void *)(uintptr_t)syscall(SYS_mremap, from, old_bytes, new_bytes, flags);
    moves += to != MAP_FAILED && to != from;
    return to;
}

/* Make it impossible to grow the block where it is. The page is never given back. */
static void fence_off(char *block) {
    char *end = block + hak_malloc_usable_size(block);
    (void)mmap(end, page_bytes(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
}

/* Whether the system moves a block that cannot grow where it is: not where the allocator's pages, to which its blocks
 * are aligned, may be larger than the system's. */
static bool is_moved_by_system(void) {
#if defined(__x86_64__)
    return the_system != SYSTEM_WITHOUT;
#else
    return moves != 0;
#endif
}

/* A block that was moved once may consist of several areas; the next move must cope with that. */
static void grow_by_moving(void) {
    for (size_t first = (size_t)1100 << 10; first <= (size_t)3 << 20; first += (size_t)739 << 10) {
        size_t size = first;
        char *block = block_of(size);
        for (unsigned step = 0; step < 5; step++) {
            fence_off(block);
            char *old = block;
            block = resize_checked(block, size, size * 2 + 77);
            require(block != old);
            size = size * 2 + 77;
        }
        block = resize_checked(block, size, size / 3);
        hak_free(resize_checked(block, size / 3, 100));
    }
    require(calls != 0); /* or this test proves nothing */
    require((moves != 0) == is_moved_by_system());
}

/* What numeric libraries do to their arrays: advice for a part of a block makes several areas of it. */
static void move_what_was_advised(void) {
    size_t size = (size_t)4 << 20;
    char *block = block_of(size);
    char *page = (char *)((uintptr_t)(block + size / 4) & ~(uintptr_t)(page_bytes() - 1));
    require(madvise(page, size / 2, MADV_DONTDUMP) == 0);
    require(!is_one_area(block, size));
    fence_off(block);
    block = resize_checked(block, size, size * 3);
    require(moves == 0 || the_system == SYSTEM_AS_IT_IS);
    hak_free(block);
}

/* What the cache has must not be handed out as if it were new. */
static void clear_what_moved(void) {
    size_t size = (size_t)2 << 20;
    char *block = block_of(size);
    fence_off(block);
    hak_free(resize_checked(block, size, size * 2));
    for (size_t again = size; again <= size * 2; again += size / 4) {
        char *zeroed = hak_calloc(1, again);
        require(zeroed != NULL && is_zero(zeroed, again));
        pattern_fill(zeroed, again, again);
        hak_free(zeroed);
    }
}

static void test_system_as_it_is(void **state) {
    (void)state;
    the_system = SYSTEM_AS_IT_IS;
    expect_clean_child(grow_by_moving);
    expect_clean_child(move_what_was_advised);
    expect_clean_child(clear_what_moved);
}

static void test_system_that_moves_one_area(void **state) {
    (void)state;
    the_system = SYSTEM_ONE_AREA;
    expect_clean_child(grow_by_moving);
    expect_clean_child(move_what_was_advised);
    expect_clean_child(clear_what_moved);
}

static void test_system_that_moves_nothing(void **state) {
    (void)state;
    the_system = SYSTEM_WITHOUT;
    expect_clean_child(grow_by_moving);
    expect_clean_child(move_what_was_advised);
    expect_clean_child(clear_what_moved);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_system_as_it_is),
        cmocka_unit_test(test_system_that_moves_one_area),
        cmocka_unit_test(test_system_that_moves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
