/* raw: what the recorder leaves behind, and `hakfuzz record` makes recordings of.
 *
 * Each process that was recorded has one file: a head of RAW_CHUNK_BYTES, then chunks of RAW_CHUNK_BYTES. A chunk
 * belongs to one thread at a time, which maps it and fills it with events in its order; when the thread ends, the next
 * one goes on in it. An event is written to its end before its `sequence`, so a process that is killed leaves nothing
 * that is half true.
 *
 * `sequence` numbers the events of a process from 1, over all threads. The number of what gives a block out is drawn
 * when the malloc behind has returned, that of what takes one back before it is called. So a block's free has a higher
 * number than its malloc, and a lower one than the malloc that gives the same address out again; realloc has two
 * events, for its two sides. Numbers that are missing are events of a process that was killed while it wrote them.
 *
 * Both sides are of one build on one machine: plain structs, in its byte order. docs/recordings.md is about what is
 * kept. */
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
    RAW_KIND_COUNT
};

struct raw_event {
    _Atomic uint64_t sequence; /* 0: not written */
    uint64_t block;            /* address */
    uint64_t size_bytes;
    uint32_t thread; /* in the order of their first events, from 0 */
    uint8_t kind;    /* enum raw_kind */
    uint8_t align_shift;
    uint8_t unused[2];
};

struct raw_chunk {
    uint64_t used; /* events, when a thread has left it; the recorder's own */
    uint8_t unused[sizeof(struct raw_event) - sizeof(uint64_t)];
    struct raw_event events[RAW_CHUNK_BYTES / sizeof(struct raw_event) - 1];
};
enum { RAW_CHUNK_EVENTS = RAW_CHUNK_BYTES / sizeof(struct raw_event) - 1 };
_Static_assert(sizeof(struct raw_event) == 32, "an event is half a cache line");
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
