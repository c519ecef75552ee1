/* glue: what musl's malloc asks of the rest of musl, given by glibc, so that it can be loaded beside it. Its locks do
 * nothing: only one thread at a time may be inside, as in virtual order. */
#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/types.h>

/* Names with two underscores are musl's own. */
struct musl_libc {
    char can_do_threads, threaded, secure;
    volatile signed char need_locks;
    int threads_minus_1;
    const size_t *auxv;
};
static const size_t no_auxv[2];
struct musl_libc __libc = {.auxv = no_auxv};

int *___errno_location(void);
void __lock(volatile int *lock);
void __unlock(volatile int *lock);
void *__mmap(void *start, size_t bytes, int protection, int flags, int fd, off_t offset);
int __munmap(void *start, size_t bytes);
void *__mremap(void *start, size_t old_bytes, size_t new_bytes, int flags, void *to);
int __madvise(void *start, size_t bytes, int advice);

int *___errno_location(void) {
    return __errno_location();
}

void __lock(volatile int *lock) {
    (void)lock;
}

void __unlock(volatile int *lock) {
    (void)lock;
}

void *__mmap(void *start, size_t bytes, int protection, int flags, int fd, off_t offset) {
    return mmap(start, bytes, protection, flags, fd, offset);
}

int __munmap(void *start, size_t bytes) {
    return munmap(start, bytes);
}

void *__mremap(void *start, size_t old_bytes, size_t new_bytes, int flags, void *to) {
    return mremap(start, old_bytes, new_bytes, flags, to);
}

int __madvise(void *start, size_t bytes, int advice) {
    return madvise(start, bytes, advice);
}
