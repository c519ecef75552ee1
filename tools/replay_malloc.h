/* replay_malloc: the malloc that a recording is run on: functions with libc's names, or those behind a prefix, of what
 * is loaded into this process (LD_PRELOAD brings others than libc's). */
#ifndef HAKMEM_TOOLS_REPLAY_MALLOC_H
#define HAKMEM_TOOLS_REPLAY_MALLOC_H

#include <stdbool.h>
#include <stddef.h>

/* field, name, what it returns and takes; whether it must be there */
#define REPLAY_MALLOC_TABLE(X)                                                                                         \
    X(malloc, "malloc", void *, (size_t), true)                                                                        \
    X(free, "free", void, (void *), true)                                                                              \
    X(calloc, "calloc", void *, (size_t, size_t), true)                                                                \
    X(realloc, "realloc", void *, (void *, size_t), true)                                                              \
    X(aligned_alloc, "aligned_alloc", void *, (size_t, size_t), false)                                                 \
    X(posix_memalign, "posix_memalign", int, (void **, size_t, size_t), true)                                          \
    X(memalign, "memalign", void *, (size_t, size_t), false)                                                           \
    X(free_sized, "free_sized", void, (void *, size_t), false)                                                         \
    X(usable_size, "malloc_usable_size", size_t, (void *), false)

struct replay_malloc {
#define REPLAY_MALLOC_FIELD(field, name, result, arguments, needed) result(*field) arguments;
    REPLAY_MALLOC_TABLE(REPLAY_MALLOC_FIELD)
#undef REPLAY_MALLOC_FIELD
    const char *library; /* path of what its malloc is in */
};

/* What need not be there, and is not there or is another library's than malloc, is NULL. On failure returns false and
 * *missing is the name that is not there. */
bool replay_malloc_open(struct replay_malloc *under_test, const char *prefix, const char **missing);

#endif
