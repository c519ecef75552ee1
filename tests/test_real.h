/* test_real: what the tests of the installed library share: patterns that blocks carry, children that may die, and an
 * assertion that works on any thread. All of it is safe on any thread, and none of it allocates from hakmem. */
#ifndef HAKMEM_TESTS_TEST_REAL_H
#define HAKMEM_TESTS_TEST_REAL_H

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "allocator/class.h"
#include "allocator/hakmem.h"

/* What the sanitizers need of their own changes what the kernel says of memory; and one of them cannot start threads in
 * the child of a process that had some. */
#if defined(__SANITIZE_THREAD__)
#define UNDER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define UNDER_TSAN 1
#endif
#endif
#ifndef UNDER_TSAN
#define UNDER_TSAN 0
#endif
#define SANITIZED (HAK_ASAN || UNDER_TSAN)

/* cmocka's assertions jump back to the test, which only its own thread may do; this one ends the process. */
#define require(condition)                                                                                             \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            (void)fprintf(stderr, "%s:%d: required: %s\n", __FILE__, __LINE__, #condition);                            \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

enum {
    CLASS_MAX_BYTES = HAK_CLASS_MAX_BYTES - HAK_HEADER_BYTES, /* above, a block is whole pages */
    ERRNO_MARK = 12345                                        /* no error has this number */
};

/* Byte `index` of the pattern of `seed`. Neighbours differ, and so do the same places of neighbouring seeds. */
static inline unsigned char pattern_byte(uint64_t seed, size_t index) {
    return (unsigned char)((seed * 2654435761u >> 7) + index * 167 + (index >> 8) * 13 + 1);
}

static inline void pattern_fill(void *block, size_t size_bytes, uint64_t seed) {
    unsigned char *bytes = block;
    for (size_t i = 0; i < size_bytes; i++) {
        bytes[i] = pattern_byte(seed, i);
    }
}

static inline bool pattern_holds(const void *block, size_t size_bytes, uint64_t seed) {
    const unsigned char *bytes = block;
    for (size_t i = 0; i < size_bytes; i++) {
        if (bytes[i] != pattern_byte(seed, i)) {
            return false;
        }
    }
    return true;
}

static inline bool is_zero(const void *block, size_t size_bytes) {
    const unsigned char *bytes = block;
    for (size_t i = 0; i < size_bytes; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

static inline bool is_aligned(const void *block, size_t align_bytes) {
    return ((uintptr_t)block & (align_bytes - 1)) == 0;
}

static inline size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

/* A block that carries the pattern of its size. */
static inline char *block_of(size_t size_bytes) {
    char *block = hak_malloc(size_bytes);
    require(block != NULL);
    pattern_fill(block, size_bytes, size_bytes);
    return block;
}

/* Resize such a block: what it held must be there, and errno as it was. */
static inline char *resize_checked(char *block, size_t old_bytes, size_t new_bytes) {
    errno = ERRNO_MARK;
    char *moved = hak_realloc(block, new_bytes);
    require(moved != NULL && errno == ERRNO_MARK);
    require(hak_malloc_usable_size(moved) >= new_bytes);
    require(pattern_holds(moved, smaller(old_bytes, new_bytes), old_bytes));
    pattern_fill(moved, new_bytes, new_bytes);
    return moved;
}

/* How a child process ended, and what it said on standard error. */
struct ending {
    int status; /* as waitpid gives it */
    char said[4096];
};

/* qemu's user mode has a line of its own about a signal that ends the child; the child did not say that. */
static inline void drop_line_of_qemu(char *said) {
    char *line = strstr(said, "qemu: uncaught target signal ");
    if (line != NULL && (line == said || line[-1] == '\n')) {
        size_t length = strcspn(line, "\n");
        length += line[length] == '\n';
        memmove(line, line + length, strlen(line + length) + 1);
    }
}

/* Run `body` in a child that exits 0 when it returns, and is killed after a minute. */
static inline struct ending run_in_child(void (*body)(void)) {
    struct ending ending = {0};
    int ends[2];
    if (pipe(ends) != 0) {
        fail_msg("no pipe");
    }
    pid_t child = fork();
    if (child == 0) {
        for (int signal_number = 1; signal_number < 32; signal_number++) {
            (void)signal(signal_number, SIG_DFL); /* cmocka's handlers would go on with the next test */
        }
        (void)alarm(60);
        (void)dup2(ends[1], STDERR_FILENO);
        (void)close(ends[0]);
        (void)close(ends[1]);
        body();
        (void)syscall(SYS_exit_group, 0); /* past sanitizers, which would miss the threads of the parent here */
    }
    (void)close(ends[1]);
    for (size_t length = 0; length < sizeof ending.said - 1;) { /* more ends the child by SIGPIPE, which shows */
        ssize_t count = read(ends[0], ending.said + length, sizeof ending.said - 1 - length);
        if (count <= 0) {
            break;
        }
        length += (size_t)count;
    }
    (void)close(ends[0]);
    if (child < 0 || waitpid(child, &ending.status, 0) != child) {
        fail_msg("no child");
    }
    drop_line_of_qemu(ending.said);
    return ending;
}

/* The child must end in silence with exit status 0. */
static inline void expect_clean_child(void (*body)(void)) {
    struct ending ending = run_in_child(body);
    if (!WIFEXITED(ending.status) || WEXITSTATUS(ending.status) != 0 || ending.said[0] != '\0') {
        fail_msg("child: wait status 0x%x, it said: %s", (unsigned)ending.status, ending.said);
    }
}

#endif
