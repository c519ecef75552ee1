/* bad_malloc: a library for LD_PRELOAD that is wrong on purpose, so that tests/conditions is seen to find it. It takes
 * the name by which programs know who serves them.
 *
 * BAD_ERRNO: failure leaves errno alone. BAD_NULL: it writes to what it was not given. BAD_KEEP: nothing is ever used
 * again. BAD_WORDS: free writes a word to descriptor 2, whatever file that is. With none of them it does not say its
 * name. */
#include <errno.h>
#include <stddef.h>
#include <unistd.h>

#ifndef BAD_ERRNO
#define BAD_ERRNO 0
#endif
#ifndef BAD_NULL
#define BAD_NULL 0
#endif
#ifndef BAD_KEEP
#define BAD_KEEP 0
#endif
#ifndef BAD_WORDS
#define BAD_WORDS 0
#endif

/* glibc's own, by their other names */
void *__libc_malloc(size_t size_bytes);
void __libc_free(void *block);

void *malloc(size_t size_bytes);
void free(void *block);

#if BAD_ERRNO || BAD_NULL || BAD_KEEP || BAD_WORDS
size_t hak_stats_text(char *buffer, size_t capacity_bytes);

size_t hak_stats_text(char *buffer, size_t capacity_bytes) {
    (void)buffer;
    return capacity_bytes + 1;
}
#endif

void *malloc(size_t size_bytes) {
    int saved_errno = errno;
    char *block = __libc_malloc(size_bytes);
    if (BAD_NULL) {
        *(volatile char *)block = 0;
    }
    if (BAD_ERRNO) {
        errno = saved_errno;
    }
    return block;
}

/* glibc's free would end the process at the pointers that are no block's: those are static, below the heap. */
void free(void *block) {
    if (BAD_WORDS) {
        (void)!write(STDERR_FILENO, "free\n", 5);
        return;
    }
    if (!BAD_KEEP) {
        __libc_free(block);
    }
}
