/* raw: what the recorder leaves behind, and `hakfuzz record` makes recordings of.
 *
 * Each process that was recorded has one file: a head of RAW_CHUNK_BYTES, then chunks of RAW_CHUNK_BYTES. A chunk
 * belongs to one thread at a time, which maps it and appends events; when the thread ends, the next one goes on in it.
 * `used` counts the bytes that are events to their end, so a process that is killed leaves nothing that is half true.
 *
 * Each event has a number, its sequence: from 1, over all threads of a process. The number of what gives a block out is
 * drawn when the malloc behind has returned, that of what takes one back before it is called. So a block's free has a
 * higher number than its malloc, and a lower one than the malloc that gives the same address out again; realloc has two
 * events, for its two sides. Numbers that are missing are events of a process that was killed before it wrote them.
 *
 * An event is few bytes, since they are what recording costs: kind and RAW_NEXT, RAW_ODD in one; unless RAW_NEXT says
 * that it is the one behind this thread's last, the sequence, as the difference to that; the address, in units of 8
 * bytes unless RAW_ODD, as the difference to the last one, its sign in the lowest bit; the size where there is one; the
 * shift of the alignment where there is one, a byte. Numbers have 7 bits a byte, the lowest first, and 0x80 where more
 * follow. A chunk, and what a thread adds to one, begins with RAW_THREAD and the thread's number; "the last" is 0 then.
 *
 * Both sides are of one build on one machine. docs/recordings.md is about what is kept. */
#ifndef HAKMEM_TOOLS_RECORDER_RAW_H
#define HAKMEM_TOOLS_RECORDER_RAW_H

#include <stdatomic.h>
#include <stdint.h>

/* The variable that names the directory for the files, which turns the recorder on. */
#define RAW_VARIABLE "HAKMEM_RECORD"
/* Files are named RAW_PREFIX<pid>-<n>. */
#define RAW_PREFIX "raw-"

enum { RAW_CHUNK_BYTES = 128 << 10, RAW_NAME_BYTES = 64 };
#define RAW_MAGIC UINT64_C(0x31574152434b4148) /* "HAKCRAW1", little endian */

enum raw_kind {
    RAW_NONE,
    RAW_MALLOC,
    RAW_CALLOC,
    RAW_ALIGNED_ALLOC,
    RAW_POSIX_MEMALIGN,
    RAW_MEMALIGN,
    RAW_FREE,
    RAW_FREE_SIZED,
    RAW_REALLOC,      /* about to be called: the old block, the size asked for */
    RAW_REALLOC_DONE, /* the same thread's next event: the new block; 0 when it failed, or size was 0 and it freed */
    RAW_THREAD_END,   /* of a thread whose last event it is */
    RAW_THREAD,       /* a thread begins to write: no event of its own */
    RAW_KIND_COUNT
};
enum { RAW_KIND = 0x0f, RAW_NEXT = 0x10, RAW_ODD = 0x20, RAW_GRAIN_SHIFT = 3, RAW_MORE = 0x80, RAW_BITS = 7 };

/* Whether an event of this kind has a size. */
static inline int raw_has_size(enum raw_kind kind) {
    return kind != RAW_FREE && kind != RAW_THREAD_END;
}
static inline int raw_is_aligned(enum raw_kind kind) {
    return kind == RAW_ALIGNED_ALLOC || kind == RAW_POSIX_MEMALIGN || kind == RAW_MEMALIGN;
}

struct raw_chunk {
    _Atomic uint64_t used; /* bytes of events */
    uint8_t bytes[RAW_CHUNK_BYTES - sizeof(uint64_t)];
};
enum { RAW_EVENT_BYTES_MAX = 32 };
_Static_assert(sizeof(struct raw_chunk) == RAW_CHUNK_BYTES, "a chunk has no slack");

struct raw_head {
    uint64_t magic;      /* RAW_MAGIC, written last */
    uint64_t started_ns; /* monotonic */
    int64_t pid;
    /* Of the process that this one was forked from, when it was recorded: the number of its file, and of its last event
     * before. parent_pid is 0 for a program that was started. */
    int64_t parent_pid;
    uint64_t parent_file;
    uint64_t parent_sequence;
    /* Recording ended early, when this sequence number was reached, with this errno; 0: it did not. */
    _Atomic uint64_t stopped_at;
    _Atomic int64_t stopped_error;
    char program[RAW_NAME_BYTES]; /* last part of the path of what runs */
};

#endif
