/* world_blocks: what must hold of a block the moment it is handed out, wherever it came from. */
#include <string.h>

#include "allocator/links.h"
#include "allocator/root.h"
#include "oracle/finding.h"
#include "oracle/run.h"
#include "oracle/sim.h"

#if HAK_ASAN
#include <sanitizer/asan_interface.h>
#endif

/* An address of the arena or of the root, or what free blocks hold: a link, or a label, whose count is not 0. */
static bool is_inside_word(uint64_t word) {
    uint64_t decoded = word ^ hak_root.link_key;
    return (unsigned)sim_in_arena(word) | (unsigned)sim_in_arena(decoded) |
           (unsigned)((decoded >> HAK_LABEL_NUMBER_BITS) - 1 < (1U << HAK_LABEL_NUMBER_BITS) - 1) |
           (unsigned)(word - (uintptr_t)&hak_root < sizeof hak_root);
}

static bool is_sentinel_word(uint64_t word) {
    return (unsigned)(word == (uintptr_t)HAK_SENTINEL) |
           (unsigned)((word ^ hak_root.link_key) == (uintptr_t)HAK_SENTINEL);
}

static void leak_search(const unsigned char *block, size_t from, size_t to) {
    for (size_t offset = from; offset + 8 <= to; offset += 8) {
        uint64_t word;
        memcpy(&word, block + offset, sizeof word);
        if (is_sentinel_word(word)) {
            finding_raise(CHECK_LEAK_SENTINEL, block, "the sentinel stands at offset %zu of the new block", offset);
        }
        if (is_inside_word(word)) {
            finding_raise(CHECK_LEAK_LINK, block,
                          "an address of the allocator's insides stands at offset %zu of the new block", offset);
        }
    }
}

/* Below all other words lies what one looks for: addresses, the sentinel and what links and labels decode to have no
 * upper bits, patterns and what is under the key do. Zero wraps around and is none of them. */
static uint64_t least_of(uint64_t least, uint64_t word) {
    uint64_t decoded = word ^ hak_root.link_key;
    least = word - 1 < least ? word - 1 : least;
    return decoded < least ? decoded : least;
}

/* Words of [from, to) of the block, which is new to its user: nothing of the allocator's insides may show. All words
 * are looked at before anything is decided, since that is one branch instead of many, and in detail only if one of
 * them is suspect. */
static void scan_for_leaks(const unsigned char *block, size_t from, size_t to) {
    size_t first = (from + 7) & ~(size_t)7;
    uint64_t least = UINT64_MAX;
    for (size_t offset = first; offset + 8 <= to; offset += 8) {
        uint64_t word;
        memcpy(&word, block + offset, sizeof word);
        least = least_of(least, word);
    }
    if (HAK_UNLIKELY(least >> HAK_LINK_ADDRESS_BITS == 0)) {
        leak_search(block, first, to);
    }
}

void block_check_no_leak(const unsigned char *block, size_t from, size_t size_bytes) {
    enum { WHOLE_BYTES = 64, HEAD_BYTES = 32, TAIL_BYTES = 16 };
    if (size_bytes <= from + WHOLE_BYTES) {
        scan_for_leaks(block, from, size_bytes);
    } else {
        scan_for_leaks(block, from, from + HEAD_BYTES);
        scan_for_leaks(block, size_bytes - TAIL_BYTES, size_bytes);
    }
}

void block_check_zero(const unsigned char *block, size_t size_bytes) {
    ptrdiff_t at = shadow_nonzero(block, size_bytes);
    if (at != SHADOW_INTACT) {
        finding_raise(CHECK_CALLOC_NONZERO, block, "byte %td of %zu is not zero", at, size_bytes);
    }
}

void block_check_open(const void *block, size_t bytes) {
#if HAK_ASAN
    enum { EDGE_BYTES = 64 }; /* what is closed by mistake is closed at an end */
    char *start = (char *)(uintptr_t)block;
    char *closed = bytes == 0 ? NULL : __asan_region_is_poisoned(start, bytes < EDGE_BYTES ? bytes : EDGE_BYTES);
    if (closed == NULL && bytes > EDGE_BYTES) {
        closed = __asan_region_is_poisoned(start + bytes - EDGE_BYTES, EDGE_BYTES);
    }
    if (closed != NULL) {
        finding_raise(CHECK_USABLE_SMALL, block, "byte %td of the block is closed to its user",
                      closed - (const char *)block);
    }
#else
    (void)block;
    (void)bytes;
#endif
}

void block_check_address(const void *address, size_t size_bytes, size_t align_bytes) {
    size_t claimed_bytes = size_bytes == 0 ? 1 : size_bytes;
    if (address == HAK_SENTINEL) {
        finding_raise(CHECK_SENTINEL_IN_LIST, address, "the sentinel was returned as a block");
    }
    if (!sim_in_arena((uintptr_t)address)) {
        finding_raise(CHECK_OUTSIDE_WORLD, address, "the block lies outside the arena");
    }
    if ((uintptr_t)address % align_bytes != 0) {
        finding_raise(CHECK_MISALIGNED, address, "offset 0x%llx is not a multiple of %zu",
                      (unsigned long long)sim_offset(address), align_bytes);
    }
    uint8_t other;
    enum shadow_conflict conflict = shadow_find(&run.shadow, (uintptr_t)address, claimed_bytes, &other);
    if (conflict != SHADOW_CLEAR) { /* local or remote: seen from the block that was there first */
        run.now->subject_known = true;
        run.now->subject_thread = run.shadow.blocks[other].thread;
    }
    switch (conflict) {
    case SHADOW_SAME_START:
        finding_raise(CHECK_DOUBLE_ALLOC, address, "the block at offset 0x%llx is live already in slot s%u",
                      (unsigned long long)sim_offset(address), other);
    case SHADOW_OVERLAP:
        finding_raise(CHECK_OVERLAP, address, "[0x%llx, +%zu) overlaps the %zu bytes of slot s%u at 0x%llx",
                      (unsigned long long)sim_offset(address), claimed_bytes, run.shadow.blocks[other].claimed_bytes,
                      other, (unsigned long long)sim_offset((void *)run.shadow.blocks[other].start));
    case SHADOW_CLEAR:
        break;
    }
    if (!sim_is_committed(address, claimed_bytes)) {
        finding_raise(CHECK_OUTSIDE_WORLD, address, "[0x%llx, +%zu) is not all committed memory",
                      (unsigned long long)sim_offset(address), claimed_bytes);
    }
    block_check_open(address, size_bytes);
}
