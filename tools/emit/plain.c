/* What follows, up to the calls, says what must hold of a block. It allocates nothing. */
#if defined __GNUC__
#pragma GCC diagnostic ignored "-Wunused-function"
#endif
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SLOTS = 64, ERRNO_BEFORE = 4095, EDGE_BYTES = 65536 };
struct slot {
    unsigned char *start; /* NULL: empty */
    size_t size_bytes;
    size_t claimed_bytes; /* that belong to the user: more, once malloc_usable_size was asked */
    uint64_t pattern;
};
static struct slot s[SLOTS];
static uint64_t patterns;
static unsigned now; /* number of the call, as in `hakfuzz show` */

static _Noreturn void finding(const char *check, const char *format, ...) {
    char text[400];
    int length = snprintf(text, sizeof text, "finding: %s at %u: ", check, now);
    va_list arguments;
    va_start(arguments, format);
    length += vsnprintf(text + length, sizeof text - (size_t)length - 1, format, arguments);
    va_end(arguments);
    text[length] = '\n';
    (void)!write(STDOUT_FILENO, text, (size_t)length + 1);
    _Exit(1);
}

static unsigned char byte_of(uint64_t pattern, size_t i) {
    uint64_t mixed = (pattern + i / 8) * UINT64_C(0x9e3779b97f4a7c15);
    return (unsigned char)(mixed >> 8 * (i % 8) | 1);
}

/* Long blocks are written and compared at both ends only. */
static size_t next_byte(size_t i, size_t bytes) {
    return i + 1 == EDGE_BYTES && bytes > 2 * EDGE_BYTES ? bytes - EDGE_BYTES : i + 1;
}

static void fill(unsigned slot) {
    s[slot].pattern = ++patterns << 32;
    for (size_t i = 0; i < s[slot].claimed_bytes; i = next_byte(i, s[slot].claimed_bytes)) {
        s[slot].start[i] = byte_of(s[slot].pattern, i);
    }
}

static void verify_as(unsigned slot, const char *check) {
    for (size_t i = 0; i < s[slot].claimed_bytes; i = next_byte(i, s[slot].claimed_bytes)) {
        if (s[slot].start[i] != byte_of(s[slot].pattern, i)) {
            finding(check, "slot s%u, byte %zu of %zu changed", slot, i, s[slot].claimed_bytes);
        }
    }
}

static void verify(unsigned slot) {
    verify_as(slot, "content-changed");
}

static void check_clear(unsigned slot, const unsigned char *start, size_t bytes, int is_new) {
    for (unsigned other = 0; other < SLOTS; other++) {
        const struct slot *live = &s[other];
        if (other == slot || live->start == NULL || live->start >= start + bytes ||
            start >= live->start + (live->claimed_bytes != 0 ? live->claimed_bytes : 1)) {
            continue;
        }
        finding(!is_new                ? "usable-overlap"
                : live->start == start ? "double-alloc"
                                       : "overlap",
                "slot s%u's %zu bytes meet the live block of slot s%u", slot, bytes, other);
    }
}

static void check_errno(int wanted) {
    if (errno != wanted) {
        finding("errno-contract", "errno is %d, and was to be %d", errno, wanted);
    }
}

/* A request returned `address`. An alignment of 0 is one that must be refused, a size above PTRDIFF_MAX too. */
static void check_new(unsigned slot, unsigned char *address, size_t size_bytes, size_t align_bytes) {
    if (STRICT) {
        check_errno(ERRNO_BEFORE);
    }
    if (align_bytes == 0 || size_bytes > PTRDIFF_MAX) {
        finding("impossible-success", "%s, and the request succeeded",
                align_bytes == 0 ? "the alignment is none" : "no object can be that large");
    }
    if ((uintptr_t)address % align_bytes != 0) {
        finding("misaligned", "%p is no multiple of %zu", (void *)address, align_bytes);
    }
    check_clear(slot, address, size_bytes != 0 ? size_bytes : 1, 1);
}

static void enter(unsigned slot, unsigned char *address, size_t size_bytes) {
    s[slot].start = address;
    s[slot].size_bytes = s[slot].claimed_bytes = size_bytes;
    fill(slot);
}

static void got(unsigned slot, void *address, size_t size_bytes, size_t align_bytes, int zeroed) {
    if (address == NULL && size_bytes == 0 && !STRICT) {
        return;
    }
    if (address == NULL) {
        check_errno(align_bytes == 0 ? EINVAL : ENOMEM);
        return;
    }
    check_new(slot, address, size_bytes, align_bytes);
    for (size_t i = 0; zeroed && i < size_bytes; i++) {
        if (((unsigned char *)address)[i] != 0) {
            finding("calloc-nonzero", "byte %zu of %zu is not zero", i, size_bytes);
        }
    }
    enter(slot, address, size_bytes);
}

/* realloc of a live block returned `address`. */
static void moved(unsigned slot, void *address, size_t size_bytes) {
    size_t both = s[slot].size_bytes < size_bytes ? s[slot].size_bytes : size_bytes;
    if (address == NULL && size_bytes == 0) {
        s[slot].start = NULL;
        return;
    }
    if (address == NULL) {
        check_errno(ENOMEM);
        verify_as(slot, "realloc-harmed");
        return;
    }
    check_new(slot, address, size_bytes, size_bytes >= 16 ? 16 : 8);
    for (size_t i = 0; i < both; i = next_byte(i, s[slot].claimed_bytes)) {
        if (((unsigned char *)address)[i] != byte_of(s[slot].pattern, i)) {
            finding("realloc-prefix", "byte %zu of the %zu that both sizes share is lost", i, both);
        }
    }
    enter(slot, address, size_bytes);
}

static void freed(unsigned slot) {
    check_errno(ERRNO_BEFORE);
    s[slot].start = NULL;
}

static void usable(unsigned slot, size_t usable_bytes) {
    if (usable_bytes < s[slot].size_bytes) {
        finding("usable-small", "usable size %zu of a block of %zu bytes", usable_bytes, s[slot].size_bytes);
    }
    check_clear(slot, s[slot].start, usable_bytes != 0 ? usable_bytes : 1, 0);
    s[slot].claimed_bytes = usable_bytes;
    fill(slot);
}

/* posix_memalign returns what the others leave in errno. */
static void *by_pointer(int (*function)(void **, size_t, size_t), size_t align_bytes, size_t size_bytes) {
    void *address = NULL;
    int error = function(&address, align_bytes, size_bytes);
    errno = error != 0 ? error : errno;
    return error != 0 ? NULL : address;
}

#define GET(slot, call, size_bytes, align_bytes, zeroed)                                                               \
    do {                                                                                                               \
        errno = ERRNO_BEFORE;                                                                                          \
        void *address = call;                                                                                          \
        got(slot, address, size_bytes, align_bytes, zeroed);                                                           \
    } while (0)
#define MOVE(slot, call, size_bytes)                                                                                   \
    do {                                                                                                               \
        verify(slot);                                                                                                  \
        errno = ERRNO_BEFORE;                                                                                          \
        void *address = call;                                                                                          \
        moved(slot, address, size_bytes);                                                                              \
    } while (0)
#define FREE(slot, call)                                                                                               \
    do {                                                                                                               \
        verify(slot);                                                                                                  \
        errno = ERRNO_BEFORE;                                                                                          \
        call;                                                                                                          \
        freed(slot);                                                                                                   \
    } while (0)
