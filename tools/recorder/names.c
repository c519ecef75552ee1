/* names: the names of malloc, for LD_PRELOAD, in front of whatever malloc comes next. Each call goes on to the function
 * of its own name there, and is written down.
 *
 * Which side of the call an event is written on is what raw.h promises its order by. What the malloc behind calls
 * itself is its own matter: as long as it is at work in a thread, nothing is recorded there. The C++ operators are not
 * here: those of the C++ runtime call malloc and free.
 *
 * Finding the next names may allocate. What is asked for meanwhile comes from `arena`, is never given back, and is no
 * part of the recording. It happens before main, on one thread. */
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/recorder/recorder.h"

#define EXPORT __attribute__((visibility("default")))

/* ---- the malloc behind ------------------------------------------------------------------------------------------- */

/* field, name, what stands in for it where the malloc behind has no such name; NULL: cannot be called then */
#define NEXT_TABLE(X)                                                                                                  \
    X(malloc, void *, (size_t), "malloc", NULL)                                                                        \
    X(free, void, (void *), "free", NULL)                                                                              \
    X(calloc, void *, (size_t, size_t), "calloc", NULL)                                                                \
    X(realloc, void *, (void *, size_t), "realloc", NULL)                                                              \
    X(memalign, void *, (size_t, size_t), "memalign", NULL)                                                            \
    X(aligned_alloc, void *, (size_t, size_t), "aligned_alloc", "memalign")                                            \
    X(posix_memalign, int, (void **, size_t, size_t), "posix_memalign", NULL)                                          \
    X(free_sized, void, (void *, size_t), "free_sized", NULL)                                                          \
    X(free_aligned_sized, void, (void *, size_t, size_t), "free_aligned_sized", NULL)                                  \
    X(libc_malloc, void *, (size_t), "__libc_malloc", "malloc")                                                        \
    X(libc_free, void, (void *), "__libc_free", "free")                                                                \
    X(libc_calloc, void *, (size_t, size_t), "__libc_calloc", "calloc")                                                \
    X(libc_realloc, void *, (void *, size_t), "__libc_realloc", "realloc")                                             \
    X(libc_memalign, void *, (size_t, size_t), "__libc_memalign", "memalign")

static struct {
#define NEXT_FIELD(field, result, arguments, name, other) result(*field) arguments;
    NEXT_TABLE(NEXT_FIELD)
#undef NEXT_FIELD
} next;

static enum { NEXT_UNKNOWN, NEXT_SOUGHT, NEXT_KNOWN } next_state;

/* POSIX promises that what dlsym returns can stand for a function; C has no cast for it. */
static void find(void *function, const char *name, const char *other) {
    void *symbol = dlsym(RTLD_NEXT, name);
    if (symbol == NULL && other != NULL) {
        symbol = dlsym(RTLD_NEXT, other);
    }
    memcpy(function, &symbol, sizeof symbol);
}

static void next_find(void) {
    next_state = NEXT_SOUGHT;
#define NEXT_FIND(field, result, arguments, name, other) find(&next.field, name, other);
    NEXT_TABLE(NEXT_FIND)
#undef NEXT_FIND
    journal_enter();
    journal_open();
    journal_leave();
    next_state = NEXT_KNOWN;
}

/* False while the names are being looked for. */
static inline bool next_ready(void) {
    if (__builtin_expect(next_state == NEXT_KNOWN, 1)) {
        return true;
    }
    if (next_state == NEXT_UNKNOWN) {
        next_find();
    }
    return next_state == NEXT_KNOWN;
}

static __attribute__((constructor)) void start(void) {
    (void)next_ready();
}

/* ---- the arena --------------------------------------------------------------------------------------------------- */

enum { ARENA_BYTES = 64 << 10, ARENA_ALIGN = 16 };
static _Alignas(ARENA_ALIGN) char arena[ARENA_BYTES];
static size_t arena_used;

static bool arena_has(const void *block) {
    return (uintptr_t)block - (uintptr_t)arena < ARENA_BYTES;
}

/* Zeroed. Ends the process when there is no room: there is no malloc at all yet. */
static void *arena_take(size_t size_bytes) {
    size_t bytes = (size_bytes + (size_t)2 * ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    if (size_bytes > ARENA_BYTES || bytes > ARENA_BYTES - arena_used) {
        static const char message[] = "hakmem recorder: the dynamic linker asks for too much memory at start\n";
        ssize_t ignored = write(STDERR_FILENO, message, sizeof message - 1);
        (void)ignored;
        _exit(127);
    }
    char *block = arena + arena_used;
    arena_used += bytes;
    return block;
}

/* A block of the arena moves into the malloc behind, as far as there is one. How long it was is not known: no further
 * than the arena's end. */
static void *arena_move(const void *block, size_t size_bytes) {
    void *moved = next_ready() ? next.malloc(size_bytes) : arena_take(size_bytes);
    size_t rest = (size_t)(arena + ARENA_BYTES - (const char *)block);
    if (moved != NULL) {
        memcpy(moved, block, size_bytes < rest ? size_bytes : rest);
    }
    return moved;
}

/* ---- what all names are made of ---------------------------------------------------------------------------------- */

/* Write down, behind the call, what gave a block out; its errno is the caller's. */
static inline void *gave(enum raw_kind kind, void *block, size_t size_bytes, size_t align_bytes) {
    if (block != NULL) {
        int saved_errno = errno;
        journal_write(kind, block, size_bytes, align_bytes != 0 ? (uint8_t)__builtin_ctzl(align_bytes) : 0);
        errno = saved_errno;
    }
    return block;
}

static inline void takes(enum raw_kind kind, const void *block, size_t size_bytes) {
    int saved_errno = errno;
    journal_write(kind, block, size_bytes, 0);
    errno = saved_errno;
}

static inline void *do_malloc(void *(*function)(size_t), size_t size_bytes) {
    bool records = journal_enter();
    void *block = function(size_bytes);
    if (records) {
        gave(RAW_MALLOC, block, size_bytes, 0);
    }
    journal_leave();
    return block;
}

static inline void *do_calloc(void *(*function)(size_t, size_t), size_t count, size_t size_bytes) {
    bool records = journal_enter();
    void *block = function(count, size_bytes);
    if (records) {
        gave(RAW_CALLOC, block, count * size_bytes, 0); /* it does not overflow, or there were no block */
    }
    journal_leave();
    return block;
}

static inline void *do_aligned(enum raw_kind kind, void *(*function)(size_t, size_t), size_t align_bytes,
                               size_t size_bytes) {
    bool records = journal_enter();
    void *block = function(align_bytes, size_bytes);
    if (records) {
        gave(kind, block, size_bytes, align_bytes);
    }
    journal_leave();
    return block;
}

static inline void *do_realloc(void *(*function)(void *, size_t), void *block, size_t size_bytes) {
    bool records = journal_enter();
    if (records && block != NULL) {
        takes(RAW_REALLOC, block, size_bytes);
    }
    void *moved = function(block, size_bytes);
    if (records && block == NULL) {
        gave(RAW_MALLOC, moved, size_bytes, 0);
    } else if (records) {
        takes(RAW_REALLOC_DONE, moved, size_bytes);
    }
    journal_leave();
    return moved;
}

static inline void do_free(void (*function)(void *), void *block) {
    bool records = journal_enter();
    if (records && block != NULL) {
        takes(RAW_FREE, block, 0);
    }
    function(block);
    journal_leave();
}

/* ---- the names --------------------------------------------------------------------------------------------------- */

EXPORT void *malloc(size_t size_bytes) {
    return next_ready() ? do_malloc(next.malloc, size_bytes) : arena_take(size_bytes);
}

EXPORT void free(void *block) {
    if (!arena_has(block) && next_ready()) {
        do_free(next.free, block);
    }
}

EXPORT void *calloc(size_t count, size_t size_bytes) {
    if (next_ready()) {
        return do_calloc(next.calloc, count, size_bytes);
    }
    size_t bytes;
    return __builtin_mul_overflow(count, size_bytes, &bytes) ? NULL : arena_take(bytes);
}

EXPORT void *realloc(void *block, size_t size_bytes) {
    return arena_has(block) || !next_ready() ? arena_move(block, size_bytes)
                                             : do_realloc(next.realloc, block, size_bytes);
}

EXPORT void *reallocarray(void *block, size_t count, size_t size_bytes) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size_bytes, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return realloc(block, bytes);
}

EXPORT void *memalign(size_t align_bytes, size_t size_bytes) {
    return next_ready() ? do_aligned(RAW_MEMALIGN, next.memalign, align_bytes, size_bytes) : NULL;
}

EXPORT void *aligned_alloc(size_t align_bytes, size_t size_bytes) {
    return next_ready() ? do_aligned(RAW_ALIGNED_ALLOC, next.aligned_alloc, align_bytes, size_bytes) : NULL;
}

EXPORT int posix_memalign(void **block, size_t align_bytes, size_t size_bytes) {
    if (!next_ready()) {
        return ENOMEM;
    }
    bool records = journal_enter();
    int error = next.posix_memalign(block, align_bytes, size_bytes);
    if (records && error == 0) {
        gave(RAW_POSIX_MEMALIGN, *block, size_bytes, align_bytes);
    }
    journal_leave();
    return error;
}

static size_t page_bytes(void) {
    return (size_t)sysconf(_SC_PAGESIZE);
}

EXPORT void *valloc(size_t size_bytes) {
    return memalign(page_bytes(), size_bytes);
}

EXPORT void *pvalloc(size_t size_bytes) {
    size_t page = page_bytes();
    if (size_bytes > SIZE_MAX - (page - 1)) {
        errno = ENOMEM;
        return NULL;
    }
    return memalign(page, (size_bytes + page - 1) & ~(page - 1));
}

/* C23; the libc of today neither declares nor has these two. */
EXPORT void free_sized(void *block, size_t size_bytes);
EXPORT void free_aligned_sized(void *block, size_t align_bytes, size_t size_bytes);

void free_sized(void *block, size_t size_bytes) {
    if (arena_has(block) || !next_ready()) {
        return;
    }
    bool records = journal_enter();
    if (records && block != NULL) {
        takes(RAW_FREE_SIZED, block, size_bytes);
    }
    next.free_sized != NULL ? next.free_sized(block, size_bytes) : next.free(block);
    journal_leave();
}

void free_aligned_sized(void *block, size_t align_bytes, size_t size_bytes) {
    if (arena_has(block) || !next_ready()) {
        return;
    }
    bool records = journal_enter();
    if (records && block != NULL) {
        takes(RAW_FREE_SIZED, block, size_bytes);
    }
    next.free_aligned_sized != NULL ? next.free_aligned_sized(block, align_bytes, size_bytes) : next.free(block);
    journal_leave();
}

/* glibc's second names, which wrappers bind to get past themselves: what they call meanwhile is not recorded again. */
EXPORT void *__libc_malloc(size_t size_bytes);
EXPORT void __libc_free(void *block);
EXPORT void *__libc_calloc(size_t count, size_t size_bytes);
EXPORT void *__libc_realloc(void *block, size_t size_bytes);
EXPORT void *__libc_memalign(size_t align_bytes, size_t size_bytes);
EXPORT void *__libc_valloc(size_t size_bytes);
EXPORT void *__libc_pvalloc(size_t size_bytes);

void *__libc_malloc(size_t size_bytes) {
    return next_ready() ? do_malloc(next.libc_malloc, size_bytes) : arena_take(size_bytes);
}

void __libc_free(void *block) {
    if (!arena_has(block) && next_ready()) {
        do_free(next.libc_free, block);
    }
}

void *__libc_calloc(size_t count, size_t size_bytes) {
    return next_ready() ? do_calloc(next.libc_calloc, count, size_bytes) : calloc(count, size_bytes);
}

void *__libc_realloc(void *block, size_t size_bytes) {
    return arena_has(block) || !next_ready() ? arena_move(block, size_bytes)
                                             : do_realloc(next.libc_realloc, block, size_bytes);
}

void *__libc_memalign(size_t align_bytes, size_t size_bytes) {
    return next_ready() ? do_aligned(RAW_MEMALIGN, next.libc_memalign, align_bytes, size_bytes) : NULL;
}

void *__libc_valloc(size_t size_bytes) {
    return valloc(size_bytes);
}

void *__libc_pvalloc(size_t size_bytes) {
    return pvalloc(size_bytes);
}
