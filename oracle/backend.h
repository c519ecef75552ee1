/* backend: the malloc under test as a table of functions, for whoever carries programs out on another malloc than the
 * one inside the simulated world.
 *
 * A backend comes from a shared object, whose functions have libc's names with a prefix in front ("", "hak_", "mi_"),
 * or from the process itself: then it is libc's malloc, or what LD_PRELOAD put in its place. What it does not have is
 * NULL, and an operation that needs it does nothing. The shared object of trial.h is hakmem with more to say of itself.
 *
 * A backend is constant once it is open; its functions are as safe on threads as the malloc is. Open and close on one
 * thread. Where the backend is the malloc of the process, the oracle must keep its own data elsewhere. */
#ifndef HAKMEM_ORACLE_BACKEND_H
#define HAKMEM_ORACLE_BACKEND_H

#include <stdbool.h>
#include <stddef.h>

#include "oracle/trial.h"

/* field, name behind the prefix, what it returns, what it takes: each as libc's manual or C23 has it, but for the
 * statistics, which are hakmem's (hakmem.h) */
#define BACKEND_TABLE(X)                                                                                               \
    X(malloc, "malloc", void *, (size_t size_bytes))                                                                   \
    X(free, "free", void, (void *block))                                                                               \
    X(calloc, "calloc", void *, (size_t count, size_t size_bytes))                                                     \
    X(realloc, "realloc", void *, (void *block, size_t size_bytes))                                                    \
    X(reallocarray, "reallocarray", void *, (void *block, size_t count, size_t size_bytes))                            \
    X(aligned_alloc, "aligned_alloc", void *, (size_t align_bytes, size_t size_bytes))                                 \
    X(posix_memalign, "posix_memalign", int, (void **block, size_t align_bytes, size_t size_bytes))                    \
    X(memalign, "memalign", void *, (size_t align_bytes, size_t size_bytes))                                           \
    X(free_sized, "free_sized", void, (void *block, size_t size_bytes))                                                \
    X(free_aligned_sized, "free_aligned_sized", void, (void *block, size_t align_bytes, size_t size_bytes))            \
    X(usable_size, "malloc_usable_size", size_t, (void *block))                                                        \
    X(trim, "malloc_trim", int, (size_t pad_bytes))                                                                    \
    X(stats_json, "stats_json", size_t, (char *buffer, size_t capacity_bytes))

struct backend {
#define BACKEND_FIELD(field, name, result, arguments) result(*field) arguments;
    BACKEND_TABLE(BACKEND_FIELD)
#undef BACKEND_FIELD
    /* It keeps hakmem's word, which is glibc's: success leaves errno alone, realloc to 0 frees, an alignment that is no
     * power of two is EINVAL everywhere. Of others no more is asked than C and POSIX say. */
    bool strict;
    struct trial trial; /* all NULL but for hakmem built to be tried */
    void *library;      /* what to close, or NULL */
};

/* "libc": the malloc of this process, whatever `prefix` is. Else a shared object, as for dlopen; `prefix` may be "".
 * What has neither malloc nor free is none. On failure returns false with one line in `why`, and there is nothing to
 * close. */
bool backend_open(struct backend *backend, const char *library, const char *prefix, char *why, size_t why_bytes);

/* Only when nothing of it is live any more. Threads that used it must have ended. */
void backend_close(struct backend *backend);

#endif
