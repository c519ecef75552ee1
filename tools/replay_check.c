/* replay_check: see the header.
 *
 * Which memory is live is one bit for each 8 bytes, in maps of 1 GiB that come into being when they are needed. Setting
 * bits is atomic, so a bit that was set already is a block that was given out over a live one, on whatever thread. */
#include "tools/replay_check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "oracle/check.h"
#include "tools/replay_worker.h"
#include "tools/verb.h"

enum {
    GRAIN_SHIFT = 3,
    WORD_GRAINS = 64,
    REGION_SHIFT = 30,
    REGION_WORDS = 1 << (REGION_SHIFT - GRAIN_SHIFT - 6),
    ADDRESS_BITS = 48,
    REGIONS = 1 << (ADDRESS_BITS - REGION_SHIFT),
    LARGE_ALIGN_BYTES = 16, /* of blocks that have as many bytes */
    SMALL_ALIGN_BYTES = 8,
};

typedef _Atomic uint64_t word;
static _Atomic(word *) *regions;
static _Atomic uint64_t patterns;
static atomic_flag found = ATOMIC_FLAG_INIT;

static void *map_zeroed(size_t bytes) {
    void *mapped = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return mapped == MAP_FAILED ? NULL : mapped;
}

bool replay_check_open(void) {
    regions = map_zeroed(REGIONS * sizeof *regions);
    return regions != NULL;
}

_Noreturn static void fail(struct replay_place place, enum check check, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* With no help of the malloc under test, which may be broken. */
_Noreturn static void fail(struct replay_place place, enum check check, const char *format, ...) {
    while (atomic_flag_test_and_set(&found)) {
        pause(); /* another thread was first, and ends the process */
    }
    char line[400];
    int used = snprintf(line, sizeof line, "\n" REPLAY_FINDING "%s operation %" PRIu64 " of thread %" PRIu32 ": ",
                        check_table[check].id, place.operation, place.thread);
    va_list arguments;
    va_start(arguments, format);
    used += vsnprintf(line + used, sizeof line - (size_t)used - 1, format, arguments);
    va_end(arguments);
    used = used < (int)sizeof line - 1 ? used : (int)sizeof line - 2;
    line[used] = '\n';
    ssize_t ignored = write(STDOUT_FILENO, line, (size_t)used + 1);
    (void)ignored;
    _exit(EXIT_FINDING);
}

static word *region_of(struct replay_place place, uint64_t address) {
    if (address >> ADDRESS_BITS != 0) {
        fail(place, CHECK_OUTSIDE_WORLD, "0x%" PRIx64 " is no address of a process", address);
    }
    _Atomic(word *) *slot = &regions[address >> REGION_SHIFT];
    word *region = atomic_load(slot);
    if (region == NULL) {
        word *fresh = map_zeroed(REGION_WORDS * sizeof *fresh);
        if (fresh == NULL) {
            fail(place, CHECK_OUTSIDE_WORLD, "there is no memory to remember 0x%" PRIx64, address);
        }
        if (atomic_compare_exchange_strong(slot, &region, fresh)) {
            return fresh;
        }
        munmap(fresh, REGION_WORDS * sizeof *fresh);
    }
    return region;
}

/* Set or clear the bits of a block; the address of the first grain that was in the other state, 0 when none was. */
static uint64_t mark(struct replay_place place, uint64_t address, uint64_t size_bytes, bool live) {
    uint64_t grain = address >> GRAIN_SHIFT, end = (address + size_bytes + (1 << GRAIN_SHIFT) - 1) >> GRAIN_SHIFT;
    while (grain < end) {
        word *bits = &region_of(place, grain << GRAIN_SHIFT)[grain / WORD_GRAINS % REGION_WORDS];
        uint64_t from = grain % WORD_GRAINS, count = WORD_GRAINS - from;
        count = count < end - grain ? count : end - grain;
        uint64_t mask = (count == WORD_GRAINS ? ~UINT64_C(0) : (UINT64_C(1) << count) - 1) << from;
        uint64_t before = live ? atomic_fetch_or(bits, mask) : ~atomic_fetch_and(bits, ~mask);
        if ((before & mask) != 0) {
            return (grain - from + (uint64_t)__builtin_ctzll(before & mask)) << GRAIN_SHIFT;
        }
        grain += count;
    }
    return 0;
}

/* ---- content ----------------------------------------------------------------------------------------------------- */

static uint64_t pattern_word(uint64_t pattern, uint64_t i) {
    return (pattern + i) * UINT64_C(0x9e3779b97f4a7c15);
}

static void fill(unsigned char *block, uint64_t size_bytes, uint64_t pattern) {
    for (uint64_t at = 0; at < size_bytes; at += sizeof(uint64_t)) {
        uint64_t value = pattern_word(pattern, at);
        memcpy(block + at, &value, size_bytes - at < sizeof value ? size_bytes - at : sizeof value);
    }
}

static void verify(struct replay_place place, const unsigned char *block, uint64_t size_bytes, uint64_t pattern,
                   enum check check) {
    for (uint64_t at = 0; at < size_bytes; at += sizeof(uint64_t)) {
        uint64_t value = pattern_word(pattern, at);
        if (memcmp(block + at, &value, size_bytes - at < sizeof value ? size_bytes - at : sizeof value) != 0) {
            fail(place, check, "%s: byte %" PRIu64 " or one of the 7 behind it, of %" PRIu64 " at %p",
                 check == CHECK_REALLOC_PREFIX ? "realloc lost content" : "somebody wrote into a live block", at,
                 size_bytes, (const void *)block);
        }
    }
}

static void verify_zero(struct replay_place place, const unsigned char *block, uint64_t size_bytes) {
    for (uint64_t at = 0; at < size_bytes; at++) {
        if (block[at] != 0) {
            fail(place, CHECK_CALLOC_NONZERO, "calloc: byte %" PRIu64 " of %" PRIu64 " at %p is 0x%02x", at, size_bytes,
                 (const void *)block, block[at]);
        }
    }
}

/* ---- blocks ------------------------------------------------------------------------------------------------------ */

static void enter(struct replay_place place, unsigned char *block, uint64_t size_bytes, size_t usable_bytes,
                  struct replay_block *about) {
    uint64_t least = size_bytes >= LARGE_ALIGN_BYTES ? LARGE_ALIGN_BYTES : SMALL_ALIGN_BYTES;
    uint64_t align_bytes = about->align_bytes > least ? about->align_bytes : least;
    if (((uintptr_t)block & (align_bytes - 1)) != 0) {
        fail(place, CHECK_MISALIGNED, "%p for %" PRIu64 " bytes is not aligned to %" PRIu64, (void *)block, size_bytes,
             align_bytes);
    }
    if (usable_bytes < size_bytes) {
        fail(place, CHECK_USABLE_SMALL, "%p for %" PRIu64 " bytes has %zu that are usable", (void *)block, size_bytes,
             usable_bytes);
    }
    uint64_t other = mark(place, (uintptr_t)block, size_bytes, true);
    if (other != 0) {
        fail(place, CHECK_OVERLAP,
             "the block at %p of %" PRIu64 " bytes shares the bytes at 0x%" PRIx64 " with a live block", (void *)block,
             size_bytes, other);
    }
    about->size_bytes = size_bytes;
    about->pattern = atomic_fetch_add(&patterns, UINT64_C(1) << 40);
}

void replay_check_made(struct replay_place place, unsigned char *block, uint64_t size_bytes, uint64_t align_bytes,
                       bool zeroed, size_t usable_bytes, struct replay_block *about) {
    *about = (struct replay_block){.align_bytes = align_bytes};
    if (block == NULL) {
        return;
    }
    enter(place, block, size_bytes, usable_bytes, about);
    if (zeroed) {
        verify_zero(place, block, size_bytes);
    }
    fill(block, size_bytes, about->pattern);
}

void replay_check_live(struct replay_place place, const unsigned char *block, const struct replay_block *about) {
    if (block != NULL) {
        verify(place, block, about->size_bytes, about->pattern, CHECK_CONTENT_CHANGED);
    }
}

void replay_check_freed(struct replay_place place, const unsigned char *block, const struct replay_block *about) {
    if (block != NULL) {
        replay_check_live(place, block, about);
        mark(place, (uintptr_t)block, about->size_bytes, false);
    }
}

void replay_check_moved(struct replay_place place, unsigned char *block, uint64_t size_bytes, size_t usable_bytes,
                        struct replay_block *about) {
    const struct replay_block before = *about;
    about->align_bytes = 0; /* realloc promises no more than malloc */
    if (block == NULL) {
        about->size_bytes = 0;
        return;
    }
    enter(place, block, size_bytes, usable_bytes, about);
    verify(place, block, before.size_bytes < size_bytes ? before.size_bytes : size_bytes, before.pattern,
           CHECK_REALLOC_PREFIX);
    fill(block, size_bytes, about->pattern);
}
