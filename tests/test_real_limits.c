/* Address space that runs out, for real. Each test is a child with a limit a little above what it uses already. */
#include "tests/test_real.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>

enum { BLOCKS_MAX = 1 << 20, ROOM_BYTES = 32 << 20 };
static char *blocks[BLOCKS_MAX];

/* Limit the process to what it has now and room_bytes more. */
static void limit_to(size_t room_bytes) {
    char text[64] = "";
    int file = open("/proc/self/statm", O_RDONLY);
    require(file >= 0 && read(file, text, sizeof text - 1) > 0 && close(file) == 0);
    /* the first number: the kernel's pages of address space */
    size_t used_bytes = strtoul(text, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE);
    require(used_bytes > 0);
    struct rlimit limit = {used_bytes + room_bytes, used_bytes + room_bytes};
    require(setrlimit(RLIMIT_AS, &limit) == 0);
}

static size_t take_all(size_t size_bytes) {
    for (size_t count = 0; count < BLOCKS_MAX; count++) {
        errno = ERRNO_MARK;
        blocks[count] = hak_malloc(size_bytes);
        if (blocks[count] == NULL) {
            require(errno == ENOMEM);
            return count;
        }
        require(errno == ERRNO_MARK);
        pattern_fill(blocks[count], size_bytes < 64 ? size_bytes : 64, count);
    }
    bool limit_holds = false;
    require(limit_holds);
    return 0;
}

static void give_all(size_t count, size_t size_bytes) {
    for (size_t i = 0; i < count; i++) {
        require(pattern_holds(blocks[i], size_bytes < 64 ? size_bytes : 64, i));
        errno = ERRNO_MARK;
        hak_free(blocks[i]);
        require(errno == ERRNO_MARK);
    }
}

/* Twice the same, so what was given back really was. */
static void exhaust(size_t size_bytes, size_t count_min) {
    limit_to(ROOM_BYTES);
    size_t first = take_all(size_bytes);
    require(first >= count_min);
    give_all(first, size_bytes);
    (void)hak_malloc_trim(0);
    size_t second = take_all(size_bytes);
    require(second + first / 16 + 2 >= first); /* tables of the address map stay */
    give_all(second, size_bytes);
}

static void exhaust_mappings(void) {
    exhaust((size_t)4 << 20, 6);
}
static void exhaust_runs(void) {
    exhaust(100000, 200); /* regions of 4 MiB, aligned to cells of 2 MiB */
}
static void exhaust_pool(void) {
    exhaust(5000, 4000); /* SuperSlabs of 2 MiB, aligned, so the last few MiB may be out of reach */
}
static void exhaust_small(void) {
    exhaust(1000, 20000);
}

static void test_mappings_run_out(void **state) {
    (void)state;
    expect_clean_child(exhaust_mappings);
}
static void test_runs_run_out(void **state) {
    (void)state;
    expect_clean_child(exhaust_runs);
}
static void test_pool_blocks_run_out(void **state) {
    (void)state;
    expect_clean_child(exhaust_pool);
}
static void test_small_blocks_run_out(void **state) {
    (void)state;
    expect_clean_child(exhaust_small);
}

/* Every entry point says no in its own way, and harms nothing. */
static void all_say_no(void) {
    char *small = hak_malloc(1000), *large = hak_malloc(70000);
    pattern_fill(small, 1000, 1);
    pattern_fill(large, 70000, 2);
    limit_to(ROOM_BYTES);
    size_t count = take_all((size_t)64 << 10);
    errno = ERRNO_MARK;
    require(hak_calloc(1, (size_t)1 << 20) == NULL && errno == ENOMEM);
    errno = ERRNO_MARK;
    require(hak_aligned_alloc(4096, (size_t)1 << 20) == NULL && errno == ENOMEM);
    errno = ERRNO_MARK;
    require(hak_realloc(small, (size_t)1 << 20) == NULL && errno == ENOMEM);
    errno = ERRNO_MARK;
    require(hak_realloc(large, (size_t)1 << 20) == NULL && errno == ENOMEM);
    void *unchanged = &count;
    errno = ERRNO_MARK;
    require(hak_posix_memalign(&unchanged, 64, (size_t)1 << 20) == ENOMEM);
    require(errno == ERRNO_MARK && unchanged == &count);
    require(pattern_holds(small, 1000, 1) && pattern_holds(large, 70000, 2));
    large = hak_realloc(large, 5000); /* shrinking needs nothing */
    require(large != NULL && pattern_holds(large, 5000, 2));
    give_all(count, (size_t)64 << 10);
    require((large = hak_realloc(large, (size_t)1 << 20)) != NULL && pattern_holds(large, 5000, 2));
    hak_free(large);
    hak_free(small);
}

static void test_all_say_no(void **state) {
    (void)state;
    expect_clean_child(all_say_no);
}

static pthread_barrier_t exhausted, again;

/* A thread whose first allocation fails, and that gets memory later. */
static void *late_thread(void *unused) {
    (void)unused;
    (void)pthread_barrier_wait(&exhausted);
    for (size_t size = 1; size < 3000; size += 100) {
        void *block = hak_malloc(size);
        require(block != NULL || errno == ENOMEM);
        hak_free(block);
    }
    (void)pthread_barrier_wait(&again);
    (void)pthread_barrier_wait(&again);
    for (size_t size = 1; size < 3000; size += 100) {
        char *block = hak_calloc(1, size);
        require(block != NULL && is_zero(block, size));
        hak_free(block);
    }
    return NULL;
}

static void starve_thread(void) {
    pthread_t thread;
    require(pthread_barrier_init(&exhausted, NULL, 2) == 0 && pthread_barrier_init(&again, NULL, 2) == 0);
    require(pthread_create(&thread, NULL, late_thread, NULL) == 0);
    limit_to(ROOM_BYTES);
    size_t count = take_all(1025); /* down to the last page */
    (void)pthread_barrier_wait(&exhausted);
    (void)pthread_barrier_wait(&again);
    give_all(count, 1025);
    (void)pthread_barrier_wait(&again);
    require(pthread_join(thread, NULL) == 0);
}

static void test_thread_that_starves(void **state) {
    (void)state;
    expect_clean_child(starve_thread);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mappings_run_out),    cmocka_unit_test(test_runs_run_out),
        cmocka_unit_test(test_pool_blocks_run_out), cmocka_unit_test(test_small_blocks_run_out),
        cmocka_unit_test(test_all_say_no),          cmocka_unit_test(test_thread_that_starves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
