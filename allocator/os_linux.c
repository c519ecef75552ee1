/* os_linux: the system layer on Linux. Every function keeps errno. */
#include "allocator/os.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "allocator/process.h"
#include "allocator/root.h"
#include "allocator/stats.h"
#include "allocator/thread.h"

/* ---- pages ---- */

static void *map_pages(size_t size_bytes) {
    int saved_errno = errno;
    void *address = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    errno = saved_errno;
    return address == MAP_FAILED ? NULL : address;
}

/* munmap can fail only by splitting a mapping when there are too many; then the range at least gives its pages back. */
static void unmap_pages(void *address, size_t size_bytes) {
    int saved_errno = errno;
    if (size_bytes != 0 && munmap(address, size_bytes) != 0) {
        (void)madvise(address, size_bytes, MADV_DONTNEED);
    }
    errno = saved_errno;
}

/* Younger kernels align mappings whose length is a multiple of a huge page to that: so the first try. */
void *os_reserve(size_t size_bytes, size_t align_bytes) {
    if (size_bytes > PTRDIFF_MAX - align_bytes) {
        return NULL;
    }
    size_t round_bytes = (size_bytes + align_bytes - 1) & ~(align_bytes - 1);
    char *address = map_pages(round_bytes);
    if (address == NULL) {
        return NULL;
    }
    if (((uintptr_t)address & (align_bytes - 1)) == 0) {
        unmap_pages(address + size_bytes, round_bytes - size_bytes);
        return address;
    }
    unmap_pages(address, round_bytes);
    address = map_pages(size_bytes + align_bytes);
    if (address == NULL) {
        return NULL;
    }
    size_t front_bytes = (align_bytes - ((uintptr_t)address & (align_bytes - 1))) & (align_bytes - 1);
    unmap_pages(address, front_bytes);
    unmap_pages(address + front_bytes + size_bytes, align_bytes - front_bytes);
    return address + front_bytes;
}

/* Linux backs pages at the first touch: a reservation is accessible from the start, and there is nothing to do. */
bool os_commit(void *address, size_t size_bytes) {
    (void)address;
    (void)size_bytes;
    return true;
}

/* Refused where the program has locked the pages into memory. */
bool os_purge(void *address, size_t size_bytes) {
    int saved_errno = errno;
    bool done = madvise(address, size_bytes, MADV_DONTNEED) == 0;
    errno = saved_errno;
    return done;
}

void os_huge(void *address, size_t size_bytes) {
    int saved_errno = errno;
    (void)madvise(address, size_bytes, MADV_HUGEPAGE);
    errno = saved_errno;
}

/* What is resident is cheaper to clear than to give back and have again. */
void os_zero(void *address, size_t size_bytes) {
    memset(address, 0, size_bytes);
}

void os_release(void *address, size_t size_bytes) {
    unmap_pages(address, size_bytes);
}

bool os_extend(void *address, size_t old_bytes, size_t new_bytes) {
    int saved_errno = errno;
    bool done = mremap(address, old_bytes, new_bytes, 0) != MAP_FAILED;
    errno = saved_errno;
    return done;
}

/* Never to a fixed place: where the source consists of several areas of the kernel's (a user's madvise is enough), that
 * fails after it has unmapped the target; without one it fails before it has done anything. The kernel then aligns to
 * its own pages only: where those are smaller than the allocator's, it is not asked. */
void *os_remap(void *address, size_t old_bytes, size_t new_bytes) {
    if (getauxval(AT_PAGESZ) < HAK_PAGE_BYTES) {
        return NULL;
    }
    int saved_errno = errno;
    void *moved = mremap(address, old_bytes, new_bytes, MREMAP_MAYMOVE);
    errno = saved_errno;
    return moved == MAP_FAILED ? NULL : moved;
}

void os_move_pages(void *to, void *from, size_t size_bytes) {
    memcpy(to, from, size_bytes);
}

/* ---- threads and processes ---- */

static void thread_exit(void *heap) {
    (void)heap;
    hak_thread_exit();
}

/* The key whose destructor tells the end of a thread. Two threads may race to make it: one keeps its own. */
static bool exit_key(pthread_key_t *key) {
    uint32_t seen = hak_load(&hak_root.os.exit_key_plus_one, acquire);
    if (seen == 0) {
        if (pthread_key_create(key, thread_exit) != 0) {
            return false;
        }
        if (hak_cas_strong(&hak_root.os.exit_key_plus_one, &seen, (uint32_t)*key + 1, acq_rel, acquire)) {
            return true;
        }
        (void)pthread_key_delete(*key);
    }
    *key = (pthread_key_t)(seen - 1);
    return true;
}

bool os_thread_attach(void) {
    int saved_errno = errno;
    pthread_key_t key;
    bool done = exit_key(&key) && pthread_setspecific(key, hak_thread.heap) == 0;
    errno = saved_errno;
    return done;
}

/* No fstat(): libc's takes its empty path from its constants, 64 KiB that would be resident in every process. */
static bool file_status(int file, struct stat *status) {
    return syscall(SYS_fstat, file, status) == 0;
}

void os_process_start(void) {
    int saved_errno = errno;
    struct stat status;
    if (hak_exchange(&hak_root.os.error_known, 1, relaxed) == 0 && file_status(STDERR_FILENO, &status)) {
        hak_store(&hak_root.os.error_device, status.st_dev, relaxed);
        hak_store(&hak_root.os.error_file, status.st_ino, relaxed);
    }
    errno = saved_errno;
}

void os_process_attach(void) {
    int saved_errno = errno;
    (void)pthread_atfork(hak_fork_prepare, hak_fork_parent, hak_fork_child);
    errno = saved_errno;
}

/* Fork handlers run in the reverse order of registration before a fork: ours take every lock, so they must come last,
 * and are registered before anybody else can: the shared library is initialised before all others (-z initfirst). */
__attribute__((constructor(101))) static void process_attach_early(void) {
    os_process_start();
    hak_process_attach();
}

/* The process ends, or a copy of the allocator in a plugin is unloaded: then threads that end later must not call into
 * it. */
__attribute__((destructor)) static void process_end(void) {
    hak_stats_exit();
    uint32_t seen = hak_exchange(&hak_root.os.exit_key_plus_one, 0, acq_rel);
    if (seen != 0) {
        (void)pthread_key_delete((pthread_key_t)(seen - 1));
    }
}

void os_wait(_Atomic uint32_t *word, uint32_t expected) {
    int saved_errno = errno;
    (void)syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, NULL, NULL, 0);
    errno = saved_errno;
}

void os_wake(_Atomic uint32_t *word) {
    int saved_errno = errno;
    (void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    errno = saved_errno;
}

/* ---- time, chance ---- */

/* The coarse clock is read without entering the kernel, and without its counter. */
uint32_t os_clock_ms(void) {
    int saved_errno = errno;
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    errno = saved_errno;
    return (uint32_t)((uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000);
}

/* The last steps of the generator splitmix64: every bit of the result depends on every bit of `word`. */
static uint64_t mix(uint64_t word) {
    word = (word ^ word >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    word = (word ^ word >> 27) * UINT64_C(0x94d049bb133111eb);
    return word ^ word >> 31;
}

/* The system hands each process 16 random bytes. libc has made its own secrets of them: what is returned does not tell
 * them. Clock and addresses are for systems that have neither those bytes nor getrandom. */
uint64_t os_random(void) {
    int saved_errno = errno;
    uint64_t given[2] = {0};
    struct timespec now = {0};
    const void *random_bytes = (const void *)(uintptr_t)getauxval(AT_RANDOM);
    if (random_bytes != NULL) {
        memcpy(given, random_bytes, sizeof given);
    } else {
        (void)!getrandom(given, sizeof given, GRND_NONBLOCK);
    }
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    errno = saved_errno;
    uint64_t word = mix((uint64_t)(uintptr_t)&now ^ mix((uint64_t)(uintptr_t)&hak_root));
    word = mix(word ^ (uint64_t)now.tv_nsec ^ (uint64_t)now.tv_sec << 30);
    return mix(given[0] ^ mix(given[1] ^ word));
}

/* ---- words ---- */

/* A program may be started without standard error, or close it; what it opens next is descriptor 2. So text goes there
 * only if that is what it was at the start, or something that text cannot spoil: a terminal, a pipe, a log. */
static bool is_for_errors(int file) {
    struct stat status;
    if (file != STDERR_FILENO) {
        return true;
    }
    if (!file_status(file, &status)) {
        return false;
    }
    bool as_at_start = status.st_dev == hak_load(&hak_root.os.error_device, relaxed) &&
                       status.st_ino == hak_load(&hak_root.os.error_file, relaxed);
    return as_at_start || S_ISCHR(status.st_mode) || S_ISFIFO(status.st_mode) ||
           (S_ISREG(status.st_mode) && (fcntl(file, F_GETFL) & O_APPEND) != 0);
}

void os_write(int file, const char *text, size_t length) {
    int saved_errno = errno;
    if (!is_for_errors(file)) {
        length = 0;
    }
    while (length > 0) {
        ssize_t written = write(file, text, length);
        if (written > 0) {
            text += written;
            length -= (size_t)written;
        } else if (written == 0 || errno != EINTR) {
            break;
        }
    }
    errno = saved_errno;
}

bool os_append(const char *path, const char *text, size_t length) {
    int saved_errno = errno;
    bool done = false;
    int file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0666);
    if (file >= 0) {
        done = write(file, text, length) == (ssize_t)length; /* in one piece: other processes write there too */
        (void)close(file);
    }
    errno = saved_errno;
    return done;
}

uint32_t os_process_id(void) {
    return (uint32_t)getpid();
}

const char *os_process_name(void) {
    return program_invocation_short_name != NULL ? program_invocation_short_name : "";
}

static void ring_show(void) {
    char text[256];
    struct hak_print print;
    hak_print_open_file(&print, text, sizeof text, STDERR_FILENO);
    hak_print_string(&print, "hakmem: events before that:\n");
    hak_ring_print(&print);
    (void)hak_print_close(&print);
}

_Noreturn void os_fatal(enum hak_fatal kind, const char *message) {
    (void)kind; /* the message says it */
    os_write(STDERR_FILENO, message, strlen(message));
    os_write(STDERR_FILENO, "\n", 1);
    if (hak_option(VERBOSE) >= 2) {
        ring_show();
    }
    abort();
}
