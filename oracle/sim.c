/* sim: pages, failures, clock. Which pages are reserved is in extents.h.
 *
 * Pages: a bit each for committed, and for dirty; of dirty ones a word says which lines are. Whoever writes says so
 * first, the allocator through os_announce, the oracle through sim_touch. A page that is released is cleared at once.
 *
 * Under AddressSanitizer all of the arena is closed until the allocator opens parts of it (annotate.h); the few
 * functions here that read or clear regardless are marked UNCHECKED and call nothing that is intercepted. */
#include "oracle/sim.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "allocator/annotate.h"
#include "allocator/bits.h"
#include "allocator/root.h"
#include "oracle/extents.h"
#include "oracle/finding.h"
#include "oracle/scheduler.h"
#include "oracle/weak.h"

/* Dirt is known by the line of the cache, one bit each: what was not written is not brought in to be cleared. */
enum { LINE_SHIFT = SIM_PAGE_SHIFT - 6, LINE_BYTES = 1 << LINE_SHIFT, LINES_PER_PAGE = 64 };

enum { WORDS = ARENA_PAGES / 64 };

static struct {
    struct sim_knobs knobs;
    uint32_t fail_next;
    uint64_t requests;
    uint64_t refused;
    uint64_t purge_refused_ms_plus_one;
    uint64_t clock_ms;
    uint64_t cleared_pages;
    uint32_t fresh_cursor; /* PLACE_FRESH: look from here on first */
    bool open;
    struct extents free;
    uint64_t committed[WORDS];
    uint64_t dirty[WORDS]; /* pages of which dirty_lines is not 0 */
    uint64_t dirty_lines[ARENA_PAGES];
} sim;

static char *page_address(uint32_t page) {
    return (char *)HAK_ADDRESS_BASE + ((size_t)page << SIM_PAGE_SHIFT);
}

static uint32_t page_of(const void *address) {
    return (uint32_t)(sim_offset(address) >> SIM_PAGE_SHIFT);
}

static bool refuse(void) {
    sim.refused++;
    return true;
}

/* Requests are in whole pages of the geometry, which may be larger than the arena's. */
static void check_pages(const void *address, size_t size_bytes, const char *call) {
    size_t page_bytes = hak_root.geometry == NULL ? (size_t)SIM_PAGE_BYTES : HAK_PAGE_BYTES; /* NULL: between runs */
    if (size_bytes == 0 || ((uintptr_t)address | size_bytes) % page_bytes != 0) {
        finding_raise(CHECK_INVARIANT, address, "%s of %zu bytes: not whole pages", call, size_bytes);
    }
}

/* What comes back must be closed, or who gets it next finds it open. Its ends tell. */
static void check_closed(char *address, size_t size_bytes) {
#if HAK_ASAN
    if (__asan_address_is_poisoned(address) == 0 || __asan_address_is_poisoned(address + size_bytes - 1) == 0) {
        finding_raise(CHECK_INVARIANT, address, "os_release of memory that is open to its user");
    }
#else
    (void)address;
    (void)size_bytes;
#endif
}

static bool request_fails(void) {
    sim.requests++;
    if (sim.fail_next > 0) {
        sim.fail_next--;
        return refuse();
    }
    return sim.knobs.fail_every != 0 && sim.requests % sim.knobs.fail_every == 0 && refuse();
}

/* --- pages --- */

/* Pre, for all: first < end. */
static bool all_committed(uint32_t first, uint32_t end) {
    uint64_t missing = 0;
    for (uint32_t word = first / 64; word <= (end - 1) / 64; word++) {
        missing |= ~sim.committed[word] & hak_bits_in_word(word, first, end);
    }
    return missing == 0;
}

static bool none_committed(uint32_t first, uint32_t end) {
    uint64_t there = 0;
    for (uint32_t word = first / 64; word <= (end - 1) / 64; word++) {
        there |= sim.committed[word] & hak_bits_in_word(word, first, end);
    }
    return there == 0;
}

static void set_committed(uint32_t first, uint32_t end, bool committed) {
    for (uint32_t word = first / 64; word <= (end - 1) / 64; word++) {
        uint64_t bits = hak_bits_in_word(word, first, end);
        sim.committed[word] = committed ? sim.committed[word] | bits : sim.committed[word] & ~bits;
    }
}

static void lines_mark(uint32_t page, uint64_t lines) {
    sim.dirty[page / 64] |= UINT64_C(1) << page % 64;
    sim.dirty_lines[page] |= lines;
}

static uint64_t lines_between(unsigned first, unsigned last) {
    return (UINT64_C(2) << last) - (UINT64_C(1) << first);
}

static void range_mark(const void *address, size_t size_bytes) {
    uint64_t offset = sim_offset(address);
    uint64_t first = offset >> LINE_SHIFT, last = (offset + size_bytes - 1) >> LINE_SHIFT;
    if (first / LINES_PER_PAGE == last / LINES_PER_PAGE) { /* nearly always: one page */
        lines_mark((uint32_t)(first / LINES_PER_PAGE), lines_between(first % LINES_PER_PAGE, last % LINES_PER_PAGE));
        return;
    }
    for (uint64_t page = first / LINES_PER_PAGE; page <= last / LINES_PER_PAGE; page++) {
        unsigned low = page == first / LINES_PER_PAGE ? (unsigned)(first % LINES_PER_PAGE) : 0;
        unsigned high = page == last / LINES_PER_PAGE ? (unsigned)(last % LINES_PER_PAGE) : LINES_PER_PAGE - 1;
        lines_mark((uint32_t)page, lines_between(low, high));
    }
}

#if HAK_ASAN
#define UNCHECKED __attribute__((no_sanitize_address, noinline))
/* volatile: the compiler must not make a memset of it, which is intercepted. */
UNCHECKED static void lines_clear(char *address, size_t size_bytes) {
    volatile uint64_t *words = (volatile uint64_t *)(void *)address;
    for (size_t i = 0; i < size_bytes / sizeof *words; i++) {
        words[i] = 0;
    }
}
#else
#define UNCHECKED
static void lines_clear(char *address, size_t size_bytes) {
    memset(address, 0, size_bytes);
}
#endif

static void page_clear(uint32_t page) {
    char *start = page_address(page);
    for (uint64_t left = sim.dirty_lines[page]; left != 0; left &= left - 1) {
        lines_clear(start + ((size_t)__builtin_ctzll(left) << LINE_SHIFT), LINE_BYTES);
    }
    sim.dirty_lines[page] = 0;
    sim.cleared_pages++;
}

/* Pre: the word has only bits of dirty pages. */
static void pages_clear(uint32_t word, uint64_t bits) {
    sim.dirty[word] &= ~bits;
    for (; bits != 0; bits &= bits - 1) {
        page_clear(word * 64 + (uint32_t)__builtin_ctzll(bits));
    }
}

static void range_clear_pages(uint32_t first, uint32_t end) {
    for (uint32_t word = first / 64; first < end && word <= (end - 1) / 64; word++) {
        pages_clear(word, sim.dirty[word] & hak_bits_in_word(word, first, end));
    }
}

/* Lines that are dirty are cleared; what comes behind the range on its last page keeps its place. */
static void range_clear(char *address, size_t size_bytes) {
    size_t whole_bytes = size_bytes & ~(size_t)(SIM_PAGE_BYTES - 1);
    uint32_t first = page_of(address), end = first + (uint32_t)(whole_bytes >> SIM_PAGE_SHIFT);
    range_clear_pages(first, end);
    if (whole_bytes != size_bytes && sim.dirty_lines[end] != 0) {
        lines_clear(address + whole_bytes, (size_bytes - whole_bytes) & ~(size_t)7);
        memset(address + (size_bytes & ~(size_t)7), 0, size_bytes & 7);
    }
}

static bool range_committed(const void *address, size_t size_bytes) {
    uint64_t offset = sim_offset(address);
    if ((offset ^ (offset + size_bytes - 1)) < SIM_PAGE_BYTES && offset >> HAK_ADDRESS_BITS == 0) {
        uint32_t page = (uint32_t)(offset >> SIM_PAGE_SHIFT);
        return (sim.committed[page / 64] >> page % 64 & 1) != 0;
    }
    if (!sim_in_arena((uintptr_t)address) || size_bytes > ((size_t)ARENA_PAGES << SIM_PAGE_SHIFT) ||
        !sim_in_arena((uintptr_t)address + size_bytes - 1)) {
        return false;
    }
    return all_committed(page_of(address), page_of((const char *)address + size_bytes - 1) + 1);
}

/* What the system has back nobody has written to. */
static void range_forget(const void *address, size_t size_bytes) {
    if (hak_shim.level == LEVEL_WEAK) {
        weak_forget(address, size_bytes);
    }
}

/* --- allocator/os.h --- */

static void *arena_take(size_t size_bytes, size_t align_bytes) {
    size_t arena_bytes = (size_t)ARENA_PAGES << SIM_PAGE_SHIFT;
    uint32_t first = ARENA_PAGES;
    if (size_bytes <= arena_bytes && align_bytes <= arena_bytes) {
        uint32_t count = (uint32_t)(size_bytes >> SIM_PAGE_SHIFT);
        uint32_t align = (uint32_t)(align_bytes >> SIM_PAGE_SHIFT);
        bool fresh = sim.knobs.placement == PLACE_FRESH;
        first = extents_take(&sim.free, count, align, fresh ? sim.fresh_cursor : 0, sim.knobs.placement == PLACE_HIGH);
        if (first == ARENA_PAGES && fresh) {
            first = extents_take(&sim.free, count, align, 0, false);
        }
        sim.fresh_cursor = first == ARENA_PAGES ? 0 : first + count;
    }
    if (first == ARENA_PAGES) {
        (void)refuse();
        return NULL;
    }
    return page_address(first);
}

void *os_reserve(size_t size_bytes, size_t align_bytes) {
    check_pages(NULL, size_bytes, "os_reserve");
    return request_fails() ? NULL : arena_take(size_bytes, align_bytes);
}

bool os_commit(void *address, size_t size_bytes) {
    check_pages(address, size_bytes, "os_commit");
    uint32_t first = page_of(address), end = first + (uint32_t)(size_bytes >> SIM_PAGE_SHIFT);
    if (!none_committed(first, end)) {
        finding_raise(CHECK_INVARIANT, address, "os_commit of memory that is committed already");
    }
    if (request_fails()) {
        return false;
    }
    set_committed(first, end, true);
    return true;
}

void os_announce(void *address, size_t size_bytes) {
    range_mark(address, size_bytes);
}

bool os_purge(void *address, size_t size_bytes) {
    check_pages(address, size_bytes, "os_purge");
    if (!range_committed(address, size_bytes)) {
        finding_raise(CHECK_INVARIANT, address, "os_purge of memory that is not committed");
    }
    if (request_fails()) {
        sim.purge_refused_ms_plus_one = sim.clock_ms + 1;
        return false;
    }
    range_clear(address, size_bytes);
    range_forget(address, size_bytes);
    return true;
}

void os_zero(void *address, size_t size_bytes) {
    range_clear(address, size_bytes);
}

void os_release(void *address, size_t size_bytes) {
    check_pages(address, size_bytes, "os_release");
    uint32_t first = page_of(address);
    uint32_t count = (uint32_t)(size_bytes >> SIM_PAGE_SHIFT);
    uint32_t index = sim_in_arena((uintptr_t)address) ? extents_after(&sim.free, first) : 0;
    bool reserved = index == sim.free.count || sim.free.list[index].first >= first + count;
    if (!sim_in_arena((uintptr_t)address) || count == 0 || !reserved) {
        finding_raise(CHECK_INVARIANT, address, "os_release of memory that is not reserved");
    }
    check_closed(address, size_bytes);
    range_clear_pages(first, first + count);
    range_forget(address, size_bytes);
    set_committed(first, first + count, false);
    extents_give(&sim.free, first, count);
}

bool os_extend(void *address, size_t old_bytes, size_t new_bytes) {
    uint32_t end = page_of(address) + (uint32_t)(old_bytes >> SIM_PAGE_SHIFT);
    uint32_t index = extents_after(&sim.free, end);
    if (request_fails()) {
        return false;
    }
    size_t more_pages = (new_bytes - old_bytes) >> SIM_PAGE_SHIFT;
    if (index == sim.free.count || sim.free.list[index].first != end || sim.free.list[index].count < more_pages) {
        return false; /* the system refused nothing: the place is taken, and whoever asked goes elsewhere */
    }
    extents_cut(&sim.free, index, end, (uint32_t)more_pages);
    set_committed(end, end + (uint32_t)more_pages, true);
    return true;
}

/* Where neither page was written there is nothing to do: both are zero. */
void os_move_pages(void *to, void *from, size_t size_bytes) {
    for (size_t offset = 0; offset < size_bytes; offset += SIM_PAGE_BYTES) {
        uint64_t lines = sim.dirty_lines[page_of((char *)from + offset)];
        if ((lines | sim.dirty_lines[page_of((char *)to + offset)]) != 0) {
            lines_mark(page_of((char *)to + offset), lines);
            memcpy((char *)to + offset, (char *)from + offset, SIM_PAGE_BYTES);
        }
    }
}

void *os_remap(void *address, size_t old_bytes, size_t new_bytes) {
    check_pages(address, old_bytes, "os_remap");
    void *moved = request_fails() ? NULL : arena_take(new_bytes, HAK_PAGE_BYTES);
    if (moved == NULL) {
        return NULL;
    }
    uint32_t first = page_of(moved);
    set_committed(first, first + (uint32_t)(new_bytes >> SIM_PAGE_SHIFT), true);
    hak_mark_open(moved, old_bytes);
    hak_mark_open(address, old_bytes);
    os_move_pages(moved, address, old_bytes);
    hak_mark_closed(moved, old_bytes);
    hak_mark_closed(address, old_bytes);
    os_release(address, old_bytes);
    return moved;
}

uint32_t os_clock_ms(void) {
    return (uint32_t)sim.clock_ms;
}

/* --- knobs and counters --- */

void sim_fail_next(uint32_t count) {
    sim.fail_next = count;
}

void sim_fail_stop(void) {
    sim.fail_next = 0;
    sim.knobs.fail_every = 0;
}

void sim_advance_clock(uint64_t ms) {
    sim.clock_ms += ms;
}

uint64_t sim_clock_ms(void) {
    return sim.clock_ms;
}

uint64_t sim_refused(void) {
    return sim.refused;
}

bool sim_refused_purge(uint64_t within_ms) {
    return sim.purge_refused_ms_plus_one != 0 && sim.clock_ms - (sim.purge_refused_ms_plus_one - 1) < within_ms;
}

size_t sim_reserved_bytes(void) {
    return (size_t)sim.free.taken_pages << SIM_PAGE_SHIFT;
}

bool sim_is_committed(const void *address, size_t size_bytes) {
    return range_committed(address, size_bytes);
}

void sim_touch(const void *address, size_t size_bytes) {
    range_mark(address, size_bytes);
}

uint64_t sim_cleared_pages(void) {
    return sim.cleared_pages;
}

/* --- life --- */

int sim_open(char *why, size_t why_bytes) {
    size_t arena_bytes = (size_t)ARENA_PAGES << SIM_PAGE_SHIFT;
    void *wanted = (void *)HAK_ADDRESS_BASE;
    void *arena = mmap(wanted, arena_bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    if (arena != wanted) {
        snprintf(why, why_bytes, "cannot map the simulated world's arena of %zu MiB at its fixed address %p: %s",
                 arena_bytes >> 20, wanted, arena == MAP_FAILED ? strerror(errno) : "the address is taken");
        return -1;
    }
    sim.open = true;
    hak_mark_closed(wanted, arena_bytes);
    sim_reset(true);
    return 0;
}

void sim_close(void) {
    if (sim.open) {
        hak_mark_open((void *)HAK_ADDRESS_BASE, (size_t)ARENA_PAGES << SIM_PAGE_SHIFT);
        munmap((void *)HAK_ADDRESS_BASE, (size_t)ARENA_PAGES << SIM_PAGE_SHIFT);
        sim.open = false;
    }
}

/* What is reserved still is what lies between free extents. */
static void close_reserved(void) {
    uint32_t first = 0;
    for (uint32_t i = 0; HAK_ASAN && i <= sim.free.count; i++) {
        uint32_t end = i < sim.free.count ? sim.free.list[i].first : ARENA_PAGES;
        hak_mark_closed(page_address(first), (size_t)(end - first) << SIM_PAGE_SHIFT);
        first = i < sim.free.count ? end + sim.free.list[i].count : end;
    }
}

void sim_set_knobs(const struct sim_knobs *knobs) {
    sim.knobs = *knobs;
}

void sim_reset(bool deep) {
    if (deep) {
        (void)madvise((void *)HAK_ADDRESS_BASE, (size_t)ARENA_PAGES << SIM_PAGE_SHIFT, MADV_DONTNEED);
        memset(sim.dirty, 0, sizeof sim.dirty);
        memset(sim.dirty_lines, 0, sizeof sim.dirty_lines);
        hak_mark_closed((void *)HAK_ADDRESS_BASE, (size_t)ARENA_PAGES << SIM_PAGE_SHIFT);
    } else {
        for (uint32_t word = 0; word < WORDS; word++) {
            if (sim.dirty[word] != 0) {
                pages_clear(word, sim.dirty[word]);
            }
        }
        close_reserved();
    }
    memset(sim.committed, 0, sizeof sim.committed);
    sim.knobs = (struct sim_knobs){0};
    sim.fail_next = 0;
    sim.requests = 0;
    sim.refused = 0;
    sim.purge_refused_ms_plus_one = 0;
    sim.clock_ms = 0;
    sim.fresh_cursor = 0;
    sim.free.taken_pages = 0;
    sim.free.count = 1;
    sim.free.list[0] = (struct extent){0, ARENA_PAGES};
}

/* Pages that were never written are not resident, or read as zero: both count as nothing. */
UNCHECKED uint64_t sim_memory_hash(void) {
    static unsigned char resident[ARENA_PAGES];
    uint64_t hash = UINT64_C(0x9e3779b97f4a7c15);
    if (mincore((void *)HAK_ADDRESS_BASE, (size_t)ARENA_PAGES << SIM_PAGE_SHIFT, resident) != 0) {
        return 0;
    }
    size_t kernel_bytes = (size_t)sysconf(_SC_PAGESIZE); /* as large as the arena's pages, or larger */
    for (uint32_t page = 0; page < ARENA_PAGES; page++) {
        const uint64_t *words = (const void *)page_address(page);
        bool is_there = (resident[((size_t)page << SIM_PAGE_SHIFT) / kernel_bytes] & 1) != 0;
        for (uint32_t i = 0; is_there && i < SIM_PAGE_BYTES / sizeof *words; i++) {
            if (words[i] != 0) {
                hash = (hash ^ words[i] ^ ((uint64_t)page << 40) ^ i) * UINT64_C(0x100000001b3);
            }
        }
    }
    return hash;
}

static uint64_t joined(uint64_t hash, uint64_t value) {
    hash = (hash ^ value) * UINT64_C(0x9fb21c651e98df25);
    return hash ^ hash >> 29;
}

/* 0 when the line reads as zero. */
UNCHECKED static uint64_t line_hash(uint32_t page, uint32_t line) {
    const uint64_t *words = (const void *)(page_address(page) + ((size_t)line << LINE_SHIFT));
    uint64_t hash = (uint64_t)page << 8 | line, any = 0;
    for (uint32_t i = 0; i < LINE_BYTES / sizeof *words; i++) {
        any |= words[i];
        hash = joined(hash, words[i]);
    }
    return any == 0 ? 0 : hash;
}

uint64_t sim_state_hash(void) {
    uint64_t lines = 0, hash = joined(sim.clock_ms, sim.refused);
    for (uint32_t word = 0; word < WORDS; word++) {
        hash = sim.committed[word] == 0 ? hash : joined(hash ^ word, sim.committed[word]);
        for (uint64_t left = sim.dirty[word]; left != 0; left &= left - 1) {
            uint32_t page = word * 64 + (uint32_t)__builtin_ctzll(left);
            for (uint32_t line = 0; line < LINES_PER_PAGE; line++) {
                lines += (sim.dirty_lines[page] >> line & 1) != 0 ? line_hash(page, line) : 0;
            }
        }
    }
    for (uint32_t i = 0; i < sim.free.count; i++) {
        hash = joined(hash, (uint64_t)sim.free.list[i].first << 32 | sim.free.list[i].count);
    }
    hash = joined(hash, sim.knobs.fail_every == 0 ? 0 : sim.requests);
    hash = joined(hash, (uint64_t)sim.fail_next << 32 | sim.fresh_cursor);
    return joined(hash, sim.purge_refused_ms_plus_one) + lines;
}
