/* face: the libc names as a program sees them. Its argument names the file that malloc_info is to be written to.
 *
 * That malloc is hakmem's shows in hak_malloc_usable_size: it ends the process over a block of somebody else's. */
#include <errno.h>
#include <hakmem.h>
#include <limits.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"

void free_sized(void *block, size_t size_bytes);
void free_aligned_sized(void *block, size_t align_bytes, size_t size_bytes);
void *__libc_malloc(size_t size_bytes);
void __libc_free(void *block);
void *__libc_calloc(size_t count, size_t size_bytes);
void *__libc_realloc(void *block, size_t size_bytes);
void *__libc_memalign(size_t align_bytes, size_t size_bytes);
void *__libc_valloc(size_t size_bytes);
void *__libc_pvalloc(size_t size_bytes);

#define PAGE_BYTES ((size_t)sysconf(_SC_PAGESIZE))
static const size_t sizes_bytes[] = {0, 1, 8, 16, 17, 100, 1024, 1025, 5000, 32768, 32769, 100000, 1 << 20, 5000000};
enum { SIZE_COUNT = sizeof sizes_bytes / sizeof *sizes_bytes };
/* Behind volatile, so that compilers neither know nor complain. */
static volatile size_t huge_bytes = PTRDIFF_MAX, max_bytes = SIZE_MAX, odd_bytes = 48, no_bytes = 0;

/* The block is ours, aligned, writable, and errno was left alone since it was set to EDOM. */
static void check_block(void *block, size_t align_bytes, size_t size_bytes) {
    CHECK(errno == EDOM);
    CHECK(block != NULL);
    CHECK((uintptr_t)block % align_bytes == 0);
    CHECK(hak_malloc_usable_size(block) >= size_bytes);
    CHECK(malloc_usable_size(block) == hak_malloc_usable_size(block));
    memset(block, 0xa5, malloc_usable_size(block));
}

static void check_no_block(void *block, int code) {
    CHECK(block == NULL);
    CHECK(errno == code);
    errno = EDOM;
}

static size_t natural_align(size_t size_bytes) {
    return size_bytes >= 16 ? 16 : 8;
}

static void plain(void) {
    for (size_t i = 0; i < SIZE_COUNT; i++) {
        size_t size_bytes = sizes_bytes[i];
        char *block = malloc(size_bytes);
        check_block(block, natural_align(size_bytes), size_bytes);
        block = realloc(block, size_bytes + 1);
        check_block(block, natural_align(size_bytes + 1), size_bytes + 1);
        block[size_bytes] = 7;
        block = reallocarray(block, 3, size_bytes + 1);
        check_block(block, natural_align(size_bytes), 3 * (size_bytes + 1));
        free(block);
        block = calloc(3, size_bytes);
        for (size_t k = 0; k < 3 * size_bytes; k++) {
            if (block[k] != 0) {
                CHECK(!"calloc cleared it all");
                break;
            }
        }
        check_block(block, natural_align(3 * size_bytes), 3 * size_bytes);
        free_sized(block, 3 * size_bytes);
    }
    void *one = malloc(0), *other = malloc(0);
    CHECK(one != other);
    free(one);
    CHECK(realloc(other, 0) == NULL);
    free(NULL);
    free_sized(NULL, 5);
    free_aligned_sized(NULL, 64, 5);
    CHECK(malloc_usable_size(NULL) == 0);
    CHECK(errno == EDOM);
}

static void aligned(void) {
    for (size_t align_bytes = 8; align_bytes <= 1 << 22; align_bytes *= 2) {
        for (size_t i = 0; i < SIZE_COUNT; i++) {
            size_t size_bytes = sizes_bytes[i];
            void *block = aligned_alloc(align_bytes, size_bytes);
            check_block(block, align_bytes, size_bytes);
            free_aligned_sized(block, align_bytes, size_bytes);
            block = memalign(align_bytes, size_bytes);
            check_block(block, align_bytes, size_bytes);
            free(block);
            CHECK(posix_memalign(&block, align_bytes, size_bytes) == 0);
            check_block(block, align_bytes, size_bytes);
            free(block);
        }
    }
    void *block = valloc(10);
    check_block(block, PAGE_BYTES, 10);
    free(block);
    block = pvalloc(PAGE_BYTES + 1);
    check_block(block, PAGE_BYTES, 2 * PAGE_BYTES);
    free(block);
    block = pvalloc(0);
    check_block(block, PAGE_BYTES, 0);
    free(block);
}

/* A byte more than was asked for costs a class where a size just fits: libc's names ask for as much as hak_ ones do. */
static void same_size(void *block, void *plain) {
    CHECK(block != NULL && plain != NULL);
    CHECK(hak_malloc_usable_size(block) == hak_malloc_usable_size(plain));
    hak_free(plain);
    free(block);
}

static void sizes(void) {
    static const size_t exact_bytes[] = {8, 16, 64, 128, 1024, 4096, 32768, 1 << 16, 1 << 20};
    for (size_t i = 0; i < sizeof exact_bytes / sizeof *exact_bytes; i++) {
        size_t size_bytes = exact_bytes[i];
        void *block;
        same_size(malloc(size_bytes), hak_malloc(size_bytes));
        same_size(calloc(1, size_bytes), hak_malloc(size_bytes));
        same_size(calloc(2, size_bytes), hak_malloc(2 * size_bytes));
        same_size(realloc(NULL, size_bytes), hak_malloc(size_bytes));
        same_size(reallocarray(NULL, 2, size_bytes), hak_malloc(2 * size_bytes));
        same_size(aligned_alloc(64, size_bytes), hak_memalign(64, size_bytes));
        same_size(memalign(64, size_bytes), hak_memalign(64, size_bytes));
        CHECK(posix_memalign(&block, 64, size_bytes) == 0);
        same_size(block, hak_memalign(64, size_bytes));
        same_size(valloc(size_bytes), hak_memalign(PAGE_BYTES, size_bytes));
        same_size(__libc_malloc(size_bytes), hak_malloc(size_bytes));
        same_size(__libc_calloc(2, size_bytes), hak_malloc(2 * size_bytes));
        same_size(__libc_realloc(NULL, size_bytes), hak_malloc(size_bytes));
        same_size(__libc_memalign(64, size_bytes), hak_memalign(64, size_bytes));
        same_size(__libc_valloc(size_bytes), hak_memalign(PAGE_BYTES, size_bytes));
    }
    for (size_t pages = 1; pages <= 16; pages++) {
        size_t size_bytes = pages * PAGE_BYTES;
        same_size(pvalloc(size_bytes), hak_memalign(PAGE_BYTES, size_bytes));
        same_size(pvalloc(size_bytes - 1), hak_memalign(PAGE_BYTES, size_bytes));
        same_size(pvalloc(size_bytes - PAGE_BYTES + 1), hak_memalign(PAGE_BYTES, size_bytes));
        same_size(__libc_pvalloc(size_bytes), hak_memalign(PAGE_BYTES, size_bytes));
    }
}

static void refused(void) {
    check_no_block(malloc(huge_bytes), ENOMEM);
    check_no_block(malloc(max_bytes), ENOMEM);
    check_no_block(calloc(huge_bytes, 4), ENOMEM);
    check_no_block(calloc(huge_bytes, 2), ENOMEM);
    check_no_block(aligned_alloc(64, max_bytes), ENOMEM);
    check_no_block(memalign(PAGE_BYTES, max_bytes), ENOMEM);
    check_no_block(valloc(max_bytes), ENOMEM);
    for (size_t below = 0; below < 2 * PAGE_BYTES; below += 511) {
        check_no_block(pvalloc(max_bytes - below), ENOMEM);
    }
    check_no_block(aligned_alloc(odd_bytes, 10), EINVAL);
    check_no_block(aligned_alloc(no_bytes, 10), EINVAL);

    char *volatile kept = malloc(40); /* compilers know what realloc does, but not that it fails */
    memset(kept, 9, 40);
    check_no_block(realloc(kept, max_bytes), ENOMEM);
    check_no_block(reallocarray(kept, huge_bytes, 4), ENOMEM);
    for (size_t i = 0; i < 40; i++) {
        CHECK(kept[i] == 9);
    }
    free(kept);

    void *block = &block;
    CHECK(posix_memalign(&block, 3 * sizeof(void *), 10) == EINVAL);
    CHECK(posix_memalign(&block, 4, 10) == EINVAL);
    CHECK(posix_memalign(&block, 0, 10) == EINVAL);
    CHECK(posix_memalign(&block, 64, max_bytes) == ENOMEM);
    CHECK(block == &block); /* left alone */
    CHECK(errno == EDOM);
}

/* Blocks go between the families as they please. */
static void second_names(void) {
    void *block = __libc_malloc(100);
    check_block(block, 16, 100);
    free(block);
    block = __libc_calloc(10, 10);
    check_block(block, 16, 100);
    block = __libc_realloc(block, 5000);
    check_block(block, 16, 5000);
    free(block);
    block = __libc_memalign(256, 100);
    check_block(block, 256, 100);
    free(block);
    block = __libc_valloc(100);
    check_block(block, PAGE_BYTES, 100);
    free(block);
    block = __libc_pvalloc(100);
    check_block(block, PAGE_BYTES, PAGE_BYTES);
    __libc_free(block);
    __libc_free(malloc(100));
    __libc_free(hak_malloc(100));
    free(strdup("libc's own allocations are ours too"));
    block = strdup("and again");
    CHECK(hak_malloc_usable_size(block) >= 10);
    free(block);
}

static void settings(void) {
    static const int known[] = {M_MXFAST,         M_NLBLKS,   M_GRAIN,        M_KEEP,    M_TRIM_THRESHOLD, M_TOP_PAD,
                                M_MMAP_THRESHOLD, M_MMAP_MAX, M_CHECK_ACTION, M_PERTURB, M_ARENA_TEST,     M_ARENA_MAX};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        CHECK(mallopt(known[i], 1) == 1);
    }
    CHECK(mallopt(12345, 1) == 0);
    CHECK(mallopt(-9, 1) == 0);
    unsigned char *block = malloc(64);
    check_block(block, 16, 64); /* M_PERTURB and the like changed nothing */
    free(block);
    CHECK(malloc_trim(0) == 1);
    CHECK(errno == EDOM);
}

static long address_space_pages(void) {
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    CHECK(file != NULL && fscanf(file, "%ld", &pages) == 1);
    fclose(file);
    return pages;
}

static void reports(const char *path) {
    void *block = malloc(100);
    struct mallinfo2 info = mallinfo2();
    CHECK(info.arena != 0 && info.uordblks != 0);
    CHECK(info.uordblks + info.fordblks == info.arena);
    CHECK(info.smblks <= info.ordblks && info.fsmblks <= info.fordblks);
    struct hak_totals totals;
    hak_stats_totals(&totals);
    CHECK(totals.reserved_bytes == info.arena && totals.live_bytes == info.uordblks);
    CHECK(totals.mapped_count == info.hblks && totals.mapped_bytes == info.hblkhd);
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    struct mallinfo narrow = mallinfo();
    CHECK(info.arena > INT_MAX || (size_t)narrow.arena == info.arena);
    CHECK(info.uordblks > INT_MAX || (size_t)narrow.uordblks == info.uordblks);

    malloc_stats(); /* the script looks at standard error */
    char line[16];
    CHECK(hak_stats_text(NULL, 0) > sizeof line);
    memset(line, 'x', sizeof line);
    CHECK(hak_stats_json(line, 2) >= 2 && line[1] == '\0' && line[2] == 'x');

    FILE *stream = fopen(path, "w");
    CHECK(stream != NULL);
    CHECK(malloc_info(1, stream) == EINVAL);
    errno = EDOM;
    CHECK(malloc_info(0, stream) == 0);
    CHECK(errno == EDOM);
    CHECK(fclose(stream) == 0);
    stream = fopen("/dev/null", "w");
    CHECK(stream != NULL && malloc_info(0, stream) == 0);
    long before = address_space_pages();
    for (int i = 0; i < 100; i++) {
        CHECK(malloc_info(0, stream) == 0);
    }
    CHECK(address_space_pages() - before < 50); /* a report gives back all that it took */
    fclose(stream);
    errno = EDOM;
    stream = fopen("/dev/full", "w");
    setvbuf(stream, NULL, _IONBF, 0);
    CHECK(malloc_info(0, stream) == -1 && errno == ENOSPC);
    fclose(stream);
    free(block);
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fputs("usage: face FILE\n", stderr);
        return 2;
    }
    errno = EDOM;
    plain();
    aligned();
    sizes();
    refused();
    second_names();
    settings();
    reports(argv[1]);
    return checks_end("face");
}
