/* os_linux: the system layer on Linux. Every function keeps errno. */
#include "allocator/os.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "allocator/root.h"
#include "allocator/thread.h"

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

void *os_reserve(size_t size_bytes, size_t align_bytes) {
    char *address = map_pages(size_bytes);
    if (address == NULL || ((uintptr_t)address & (align_bytes - 1)) == 0) {
        return address;
    }
    unmap_pages(address, size_bytes);
    if (size_bytes > PTRDIFF_MAX - align_bytes) {
        return NULL;
    }
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

void os_release(void *address, size_t size_bytes) {
    unmap_pages(address, size_bytes);
}

bool os_extend(void *address, size_t old_bytes, size_t new_bytes) {
    int saved_errno = errno;
    bool done = mremap(address, old_bytes, new_bytes, 0) != MAP_FAILED;
    errno = saved_errno;
    return done;
}

/* Not with mremap to a fixed place: where the source consists of several areas of the kernel's (a user's madvise is
 * enough), it fails after it has unmapped the target. */
void os_move_pages(void *to, void *from, size_t size_bytes) {
    memcpy(to, from, size_bytes);
}

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

void os_process_attach(void) {
    int saved_errno = errno;
    (void)pthread_atfork(hak_fork_prepare, hak_fork_parent, hak_fork_child);
    errno = saved_errno;
}

/* Fork handlers run in the reverse order of registration before a fork: ours take every lock, so they must come last,
 * and are registered before the program can register its own. */
__attribute__((constructor(101))) static void process_attach_early(void) {
    hak_process_attach();
}

/* A copy of the allocator in a plugin that is unloaded: threads that end later must not call into it. */
__attribute__((destructor)) static void exit_key_forget(void) {
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

_Noreturn void os_fatal(enum hak_fatal kind, const char *message) {
    (void)kind;
    ssize_t written = write(STDERR_FILENO, message, strlen(message));
    written += write(STDERR_FILENO, "\n", 1);
    (void)written;
    abort();
}
