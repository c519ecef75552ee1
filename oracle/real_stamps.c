/* real_stamps: whether a malloc left words of its own in the memory that it gives. Every byte that a program of this
 * oracle writes is a stamp (shadow.h): a pattern that is never the address of anything. So an address in a new block is
 * the malloc's, as a rule a link of a list in which the block was. */
#include "allocator/config.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "oracle/real_run.h"

/* Links are in the first words, or in the last. */
enum { WORDS_LOOKED_AT = 8, ADDRESS_BITS = 47 };

static bool is_mapped(uintptr_t address) {
    unsigned char resident;
    uintptr_t page_bytes = (uintptr_t)sysconf(_SC_PAGESIZE);
    return mincore((void *)(address & ~(page_bytes - 1)), 1, &resident) == 0;
}

#if HAK_ASAN
__attribute__((no_sanitize_address))
#endif
static bool
is_address(const unsigned char *at) {
    uintptr_t word;
    memcpy(&word, at, sizeof word);
    return word >> ADDRESS_BITS == 0 && word > UINT32_MAX && is_mapped(word);
}

enum journal_shows real_stamps_look(const void *block, size_t size_bytes) {
    const unsigned char *bytes = block;
    int before = errno;
    size_t words = size_bytes / sizeof(uintptr_t);
    bool found = words > 0 && is_address(bytes + (words - 1) * sizeof(uintptr_t));
    for (size_t i = 0; i < words && i < WORDS_LOOKED_AT && !found; i++) {
        found = is_address(bytes + i * sizeof(uintptr_t));
    }
    errno = before;
    return words == 0 ? JOURNAL_SHOWS_UNKNOWN : found ? JOURNAL_SHOWS_ADDRESS : JOURNAL_SHOWS_NONE;
}
