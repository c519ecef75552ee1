/* os: everything the allocator asks of the system. os_linux.c is the real one; the oracle has the simulated one.
 *
 * Pages are HAK_PAGE_BYTES (geometry.h), a multiple of the system's. Every address and size below is a multiple of it,
 * sizes are not 0, unless said otherwise.
 * All functions may be called from any thread, keep errno, and never call malloc. */
#ifndef HAKMEM_ALLOCATOR_OS_H
#define HAKMEM_ALLOCATOR_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "allocator/config.h"

/* Reserve address space, aligned to `align_bytes` (a power of two, at least a page). Not accessible until committed.
 * Returns NULL when the system refuses. */
void *os_reserve(size_t size_bytes, size_t align_bytes);

/* Make a part of a reservation readable and writable. Pre: not committed. Post, on true: reads as zero. On false the
 * range is as before. */
bool os_commit(void *address, size_t size_bytes);

/* Any address and size inside a committed range: the allocator will write there from now on. Said before the first
 * write since the commit. Nothing on Linux; the simulated world clears what was announced. What users write to their
 * blocks is not announced. */
#if HAK_SIM
void os_announce(void *address, size_t size_bytes);
#else
static inline void os_announce(void *address, size_t size_bytes) {
    (void)address;
    (void)size_bytes;
}
#endif

/* Drop the content of a part of a committed range; the range stays committed. Post, on true: reads as zero, and takes
 * no memory until it is written. On false the content is as before. */
bool os_purge(void *address, size_t size_bytes);

/* Ask that huge pages stand behind a committed range where it covers them. Nothing depends on it. */
void os_huge(void *address, size_t size_bytes);

/* Make committed memory read as zero. The address is that of a page, the size any. */
void os_zero(void *address, size_t size_bytes);

/* Give a range back, committed or not; a reservation may be given back in parts. */
void os_release(void *address, size_t size_bytes);

/* Grow the committed reservation at `address` in place. Post, on true: the new part is committed and reads
 * as zero. On false nothing has changed. */
bool os_extend(void *address, size_t old_bytes, size_t new_bytes);

/* Move a whole committed reservation to where it can be new_bytes long, new_bytes >= old_bytes. Returns the new
 * address, and the old range is given back; what is new reads as zero. NULL when that cannot be; then nothing has
 * changed. The new address is aligned to a page and no more. */
void *os_remap(void *address, size_t old_bytes, size_t new_bytes);

/* Copy the content of one committed range to another; the source holds undefined bytes afterwards. The ranges do not
 * overlap. Cannot fail. */
void os_move_pages(void *to, void *from, size_t size_bytes);

/* What the real layer keeps; part of the state root. */
struct hak_os {
    _Atomic uint32_t exit_key_plus_one; /* the thread-specific key, 0 before it is made */
    _Atomic uint32_t error_known;       /* somebody looked: */
    _Atomic uint64_t error_device;      /* what descriptor 2 was when the process began; 0 and 0: closed */
    _Atomic uint64_t error_file;
};

/* Have hak_thread_exit called when the calling thread ends. Post, on false: it will not be. */
bool os_thread_attach(void);

/* As early as can be, and before anything is written: look at what standard error is. The first call counts. */
void os_process_start(void);

/* Once, at the first allocation: have the hak_fork_* functions called around fork. */
void os_process_attach(void);

/* Sleep while *word == expected, or return at once; may return spuriously. os_wake wakes one sleeper. */
void os_wait(_Atomic uint32_t *word, uint32_t expected);
void os_wake(_Atomic uint32_t *word);

/* Milliseconds since some time in the past, never going back; cheap, and some milliseconds coarse. Wraps in 49 days:
 * compare differences. */
uint32_t os_clock_ms(void);

/* A number nobody outside the process can guess, from what the system put there at its start. */
uint64_t os_random(void);

/* Write text to a file descriptor as far as it goes; what cannot be written is dropped in silence. So is what would go
 * to descriptor 2 when that has become a file of the program's own. */
void os_write(int file, const char *text, size_t length);

/* Write text at the end of a file, which is made if it is not there. False when that cannot be; never waits. */
bool os_append(const char *path, const char *text, size_t length);

/* For reports: the process's number and the name of its program. */
uint32_t os_process_id(void);
const char *os_process_name(void);

/* Why the allocator cannot go on. The simulated world turns each into a check of the oracle. */
enum hak_fatal {
    HAK_FATAL_INVARIANT,   /* an assertion failed */
    HAK_FATAL_SENTINEL,    /* the sentinel was found where a block belongs */
    HAK_FATAL_BAD_POINTER, /* the caller passed a pointer that is not a live block */
    HAK_FATAL_LINK,        /* somebody wrote over the link in a free block */
};
/* Say `message` (one line, no newline) on standard error and abort. Never allocates. */
_Noreturn void os_fatal(enum hak_fatal kind, const char *message) __attribute__((cold));

/* Address space the region map covers: [base, base + 2^bits). */
#if HAK_SIM
#define HAK_ADDRESS_BASE ((uintptr_t)0x551000000000)
enum { HAK_ADDRESS_BITS = 25 };
#else
#define HAK_ADDRESS_BASE ((uintptr_t)0)
enum { HAK_ADDRESS_BITS = 48 };
#endif

#endif
