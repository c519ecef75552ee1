/* common: what the programs of tests/conditions share. They know nothing of hakmem but one name, by which they find out
 * whether it serves them; a program that is served by another malloc says so and ends with 3. */
#ifndef HAKMEM_TESTS_CONDITIONS_COMMON_H
#define HAKMEM_TESTS_CONDITIONS_COMMON_H

#include <errno.h>
#include <malloc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

__attribute__((weak)) size_t hak_stats_text(char *buffer, size_t capacity_bytes);

enum { NOT_OURS = 3, ERRNO_MARK = 12345 /* no error has this number */ };

/* One write each, since a stream may want memory that is not there. */
static inline void say(int file, const char *text) {
    (void)!write(file, text, strlen(text));
}

#define require(condition) ((condition) ? (void)0 : required(__FILE__, __LINE__, #condition))

_Noreturn static inline void required(const char *file, int line, const char *condition) {
    char text[300];
    (void)snprintf(text, sizeof text, "%s:%d: required: %s (errno %d)\n", file, line, condition, errno);
    say(STDERR_FILENO, text);
    _exit(1);
}

/* To be the first thing that main does: who does not say "started" was ended by somebody else. */
static inline void start(void) {
    say(STDOUT_FILENO, "started\n");
    if (hak_stats_text == NULL) {
        say(STDERR_FILENO, "served by another malloc\n");
        _exit(NOT_OURS);
    }
}

/* A program that ends early without a word must not pass. */
static inline int finish(void) {
    say(STDOUT_FILENO, "good\n");
    return 0;
}

/* The first bytes of a block tell whose they are: enough to see two blocks in one place. */
static inline size_t marked_bytes(size_t size_bytes) {
    return size_bytes < 64 ? size_bytes : 64;
}

static inline void mark(void *block, size_t size_bytes, uint64_t number) {
    for (size_t i = 0; i < marked_bytes(size_bytes); i++) {
        ((unsigned char *)block)[i] = (unsigned char)(number * 2654435761u >> 8 ^ i * 37);
    }
}

static inline bool is_marked(const void *block, size_t size_bytes, uint64_t number) {
    for (size_t i = 0; i < marked_bytes(size_bytes); i++) {
        if (((const unsigned char *)block)[i] != (unsigned char)(number * 2654435761u >> 8 ^ i * 37)) {
            return false;
        }
    }
    return true;
}

/* malloc that may fail, but only as the standard says. */
static inline void *take_or_null(size_t size_bytes) {
    errno = ERRNO_MARK;
    void *block = malloc(size_bytes);
    require(errno == (block == NULL ? ENOMEM : ERRNO_MARK));
    return block;
}

static inline void *take(size_t size_bytes) {
    void *block = malloc(size_bytes);
    require(block != NULL);
    return block;
}

static inline void give(void *block) {
    errno = ERRNO_MARK;
    free(block);
    require(errno == ERRNO_MARK);
}

#endif
