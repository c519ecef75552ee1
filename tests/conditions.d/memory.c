/* memory: a program for which there is not enough of it. Usage: memory WORK
 *
 *   nothing   start, allocate once, say what the address space came to in KiB, end
 *   exhaust   take all there is, of each tier; be told so properly; give it back, and have it again
 *   bursts    ten times 64 MiB of each tier in turn, all of it written to, and freed before the next
 *   lockable  lock all pages, or say that this cannot be
 *   locked    lock all pages, free more than may stay dirty, and hardly ask the system to purge what it will not
 *   mappings  use up the number of mappings that a process may have, and allocate all the same
 *   huge      requests that no machine can serve beside those that each can
 *   hoard     write to 256 MiB and keep them
 *   reserve   take blocks of 64 MiB and hardly use them, until there are no more, or 1 TiB of them */
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "tests/conditions.d/common.h"

static const size_t tiers_bytes[] = {100, 5000, 100000, (size_t)3 << 20};
enum { TIERS = sizeof tiers_bytes / sizeof tiers_bytes[0], MIB = 1 << 20 };

/* What was taken is a chain, so that no table needs memory too. */
struct link {
    struct link *next;
    size_t size_bytes;
    uint64_t number;
};

static struct link *chain;
static size_t chain_count;

static bool chain_grow(size_t size_bytes) {
    struct link *link = take_or_null(size_bytes);
    if (link == NULL) {
        return false;
    }
    *link = (struct link){chain, size_bytes, ++chain_count};
    mark(link + 1, size_bytes - sizeof *link, chain_count);
    chain = link;
    return true;
}

static void chain_free(void) {
    while (chain != NULL) {
        struct link *link = chain;
        require(link->number == chain_count--);
        require(is_marked(link + 1, link->size_bytes - sizeof *link, link->number));
        chain = link->next;
        give(link);
    }
}

/* Returns how many it got, at most `total_bytes` of them. */
static size_t take_all(size_t size_bytes, size_t total_bytes) {
    size_t before = chain_count;
    while ((chain_count - before) * size_bytes < total_bytes && chain_grow(size_bytes)) {
    }
    return chain_count - before;
}

/* The standard library in want of memory: it may fail, and say so. */
static void use_libc(void) {
    char *copy = strdup("a text that is a little longer than nothing");
    require(copy != NULL || errno == ENOMEM);
    free(copy);
    FILE *file = fopen("/dev/null", "w");
    if (file != NULL) {
        (void)fprintf(file, "%s %f\n", "text", 1.5);
        (void)fclose(file);
    }
    char *text = NULL;
    int length = asprintf(&text, "%*d", 3000, 7);
    require(length == 3000 || length < 0);
    if (length >= 0) {
        free(text);
    }
}

static void *in_thread(void *unused) {
    for (size_t size = 24; size < 400000; size = size * 2 + 1) {
        void *block = take_or_null(size);
        if (block != NULL) {
            mark(block, size, size);
            require(is_marked(block, size, size));
        }
        give(block);
    }
    return unused;
}

static void use_thread(void) {
    pthread_t thread;
    int error = pthread_create(&thread, NULL, in_thread, NULL);
    require(error == 0 || error == EAGAIN || error == ENOMEM);
    if (error == 0) {
        require(pthread_join(thread, NULL) == 0);
    }
}

/* Every way to ask says no as it should, and what is there stays as it is. */
static void all_may_say_no(void) {
    char *kept = chain == NULL ? NULL : (char *)chain;
    void *target = &target;
    errno = ERRNO_MARK;
    int error = posix_memalign(&target, 4096, 3 * MIB);
    require(errno == ERRNO_MARK && (error == 0 || (error == ENOMEM && target == &target)));
    if (error == 0) {
        free(target);
    }
    void *zeros = calloc(1000, 1000);
    require(zeros != NULL || errno == ENOMEM);
    free(zeros);
    if (kept != NULL) {
        void *moved = realloc(kept, 16 * MIB);
        require(moved != NULL || errno == ENOMEM);
        if (moved != NULL) {
            chain = moved;
        }
        require(chain->number == chain_count);
    }
    use_libc();
    use_thread();
}

static void exhaust(void) {
    enum { ENOUGH_BYTES = 48 * MIB };
    for (size_t tier = 0; tier < TIERS; tier++) {
        size_t first = take_all(tiers_bytes[tier], ENOUGH_BYTES);
        all_may_say_no();
        chain_free();
        (void)malloc_trim(0);
        size_t second = take_all(tiers_bytes[tier], ENOUGH_BYTES);
        require(second + second / 8 + 2 >= first); /* tables of the allocator stay */
        chain_free();
        use_libc();
        (void)malloc_trim(0);
    }
    for (size_t tier = TIERS; tier-- > 0;) { /* large ones leave room for small ones only */
        (void)take_all(tiers_bytes[tier], ENOUGH_BYTES);
    }
    all_may_say_no();
    chain_free();
}

static void *burst(void *tier) {
    enum { BURST_BYTES = 64 * MIB };
    size_t size_bytes = *(const size_t *)tier;
    while (chain_count * size_bytes < BURST_BYTES) {
        require(chain_grow(size_bytes));
        memset((char *)chain + sizeof *chain + marked_bytes(size_bytes), 1,
               size_bytes - sizeof *chain - marked_bytes(size_bytes));
    }
    chain_free();
    return NULL;
}

static void bursts(void) {
    for (unsigned round = 0; round < 10; round++) {
        for (size_t tier = 0; tier < TIERS; tier++) {
            (void)burst((void *)(uintptr_t)&tiers_bytes[tier]);
        }
    }
}

/* Each page differs from its neighbours in what may be done with it, so that each is a mapping. */
static void mappings(void) {
    enum { PAGES = 1 << 20 };
    size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE), count = 0;
    for (size_t tier = 0; tier < TIERS; tier++) {
        (void)take_all(tiers_bytes[tier], 20 * MIB); /* to be freed when nothing can be cut any more */
    }
    char *pages = mmap(NULL, PAGES * page_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    require(pages != MAP_FAILED);
    while (count < PAGES && mprotect(pages + count * page_bytes, page_bytes, PROT_READ) == 0) {
        count += 2;
    }
    require(count < PAGES && errno == ENOMEM);
    chain_free();
    for (unsigned round = 0; round < 2; round++) {
        for (size_t tier = 0; tier < TIERS; tier++) {
            (void)take_all(tiers_bytes[tier], 40 * MIB);
            all_may_say_no();
        }
        chain_free();
        (void)malloc_trim(0);
    }
    require(munmap(pages, PAGES * page_bytes) == 0);
    for (size_t tier = 0; tier < TIERS; tier++) {
        require(take_all(tiers_bytes[tier], 40 * MIB) * tiers_bytes[tier] >= 40 * MIB);
    }
    chain_free();
}

static void huge(void) {
    static const size_t sizes_bytes[] = {SIZE_MAX, SIZE_MAX / 2, (size_t)1 << 62, (size_t)1 << 47, (size_t)1 << 46};
    for (size_t i = 0; i < sizeof sizes_bytes / sizeof sizes_bytes[0]; i++) {
        volatile size_t size_bytes = sizes_bytes[i];
        require(take_or_null(size_bytes) == NULL);
        errno = ERRNO_MARK;
        require(calloc(size_bytes, 1) == NULL && errno == ENOMEM);
        errno = ERRNO_MARK;
        require(aligned_alloc(64, size_bytes & ~(size_t)63) == NULL && errno == ENOMEM);
        require(chain_grow(100) && chain_grow(100000));
        errno = ERRNO_MARK;
        require(realloc(chain, size_bytes) == NULL && errno == ENOMEM);
    }
    chain_free();
}

static void hoard(void) {
    enum { HOARD_BYTES = 256 * MIB, BLOCK_BYTES = 100000 };
    while (chain_count * BLOCK_BYTES < HOARD_BYTES) {
        require(chain_grow(BLOCK_BYTES));
        memset(chain + 1, 1, BLOCK_BYTES - sizeof *chain);
        chain->next = NULL; /* it is not to be freed */
    }
}

static void reserve(void) {
    enum { BLOCK_BYTES = 64 * MIB };
    size_t first = take_all(BLOCK_BYTES, (size_t)1 << 40);
    require(first * BLOCK_BYTES < (size_t)1 << 40); /* else nothing was scarce */
    all_may_say_no();
    chain_free();
    (void)malloc_trim(0);
    require(take_all(BLOCK_BYTES, (size_t)1 << 40) + first / 4 + 2 >= first); /* the system serves others too */
    chain_free();
}

/* Without stdio, which would want a buffer. */
static void nothing(void) {
    char text[200];
    give(take(1));
    FILE *file = fopen("/proc/self/status", "r");
    require(file != NULL);
    while (fgets(text, sizeof text, file) != NULL) {
        if (strncmp(text, "VmPeak:", 7) == 0) {
            say(STDOUT_FILENO, text);
        }
    }
    (void)fclose(file);
}

/* In libc's place, so that the allocator's requests can be counted. */
static unsigned long advised;
int madvise(void *address, size_t size_bytes, int advice) {
    (void)__atomic_fetch_add(&advised, 1, __ATOMIC_RELAXED);
    return (int)syscall(SYS_madvise, address, size_bytes, advice);
}

static void lockable(void) {
    require(mlockall(MCL_CURRENT | MCL_FUTURE) == 0);
}

static void locked(void) {
    enum { FREES = 20000, REQUESTS = 200 };
    lockable();
    (void)take_all(100000, 80 * MIB); /* twice what may stay dirty */
    chain_free();
    require(advised > 0); /* else another madvise was called than ours */
    unsigned long before = advised;
    for (unsigned frees = 0; frees < FREES; frees++) {
        give(take(100000));
    }
    require(advised - before < REQUESTS); /* some in each second */
    for (size_t tier = 0; tier < TIERS; tier++) {
        require(take_all(tiers_bytes[tier], 20 * MIB) * tiers_bytes[tier] >= 20 * MIB);
    }
    chain_free();
    require(munlockall() == 0 && malloc_trim(0) == 1);
}

int main(int count, char **arguments) {
    static const struct {
        const char *name;
        void (*run)(void);
    } works[] = {{"nothing", nothing},   {"exhaust", exhaust},   {"bursts", bursts},
                 {"mappings", mappings}, {"huge", huge},         {"hoard", hoard},
                 {"reserve", reserve},   {"lockable", lockable}, {"locked", locked}};
    start();
    for (size_t i = 0; i < sizeof works / sizeof works[0]; i++) {
        if (count == 2 && strcmp(arguments[1], works[i].name) == 0) {
            works[i].run();
            return finish();
        }
    }
    say(STDERR_FILENO, "usage: memory nothing|exhaust|bursts|mappings|huge|hoard|reserve|lockable|locked\n");
    return 2;
}
