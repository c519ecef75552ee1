/* recording: what a process asked its malloc for, in order, as a file. docs/recordings.md has the format byte by byte.
 *
 * A recording is a list of operations. Blocks are called by numbers, objects: the n-th operation that gives a block out
 * makes object n, and realloc keeps it. Reading checks everything, so that who reads can count on it: objects exist and
 * are live where they are used, threads begin in the order of their numbers and do nothing after their end, totals
 * agree.
 *
 * Uses malloc of the process. One thread at a time for each reader or writer. */
#ifndef HAKMEM_TOOLS_RECORDING_H
#define HAKMEM_TOOLS_RECORDING_H

#include <stdbool.h>
#include <stdint.h>

enum {
    RECORDING_VERSION = 1,
    RECORDING_PROGRAM_BYTES = 64,
    RECORDING_ALIGN_SHIFT_MAX = 47,
    RECORDING_WHY_BYTES = 160,
    RECORDING_THREADS_MAX = 1 << 24,
    RECORDING_BUCKETS = 64,
};
#define RECORDING_SIZE_MAX ((uint64_t)INT64_MAX)

/* enum suffix, name, whether it makes an object, ends one. The order is the encoding, from 1: append, never reorder. */
#define RECORDING_KIND_TABLE(X)                                                                                        \
    X(MALLOC, "malloc", true, false)                                                                                   \
    X(CALLOC, "calloc", true, false)                                                                                   \
    X(ALIGNED_ALLOC, "aligned_alloc", true, false)                                                                     \
    X(POSIX_MEMALIGN, "posix_memalign", true, false)                                                                   \
    X(MEMALIGN, "memalign", true, false)                                                                               \
    X(REALLOC, "realloc", false, false)                                                                                \
    X(FREE, "free", false, true)                                                                                       \
    X(FREE_SIZED, "free_sized", false, true)                                                                           \
    X(THREAD_END, "thread end", false, false)

enum recording_kind {
    RECORDING_TOTALS,
#define RECORDING_KIND_ENUM(id, ...) RECORDING_##id,
    RECORDING_KIND_TABLE(RECORDING_KIND_ENUM)
#undef RECORDING_KIND_ENUM
        RECORDING_KIND_COUNT
};

struct recording_kind_info {
    const char *name;
    bool makes;
    bool ends;
};
extern const struct recording_kind_info recording_kinds[RECORDING_KIND_COUNT];

static inline bool recording_is_aligned(enum recording_kind kind) {
    return kind == RECORDING_ALIGNED_ALLOC || kind == RECORDING_POSIX_MEMALIGN || kind == RECORDING_MEMALIGN;
}

struct recording_op {
    enum recording_kind kind;
    uint32_t thread;
    uint32_t object;     /* but for a thread's end */
    uint8_t align_shift; /* of the three that are aligned, else 0 */
    uint64_t size_bytes; /* asked for; of free, the block's */
    /* The reader fills these in, of realloc and free: the block's size until then, and who gave it out last. */
    uint64_t before_bytes;
    uint32_t owner;
};

/* What a recording begins with. */
struct recording_head {
    char program[RECORDING_PROGRAM_BYTES]; /* ends in '\0' */
    uint64_t inherited; /* so many operations at its beginning are blocks that were live when it was forked */
};

/* What it ends with. */
struct recording_totals {
    uint64_t operations;
    uint64_t objects;
    uint64_t threads;
    uint64_t peak_live_bytes;
    uint64_t peak_operation; /* after which so much was live, for the first time */
    uint64_t live_bytes;     /* at the end */
    uint64_t live_objects;
    uint64_t remote_frees; /* frees and reallocs by another thread than the last one that gave the block out */
    /* Requests by how many bits their size has: 0, 1, 2 to 3, 4 to 7, ... */
    uint64_t sizes[RECORDING_BUCKETS];
};

/* ---- writing ----------------------------------------------------------------------------------------------------- */

struct recording_writer;

/* NULL with errno when the file cannot be made. */
struct recording_writer *recording_create(const char *path, const struct recording_head *head);
/* op->object counts where it makes one; before_bytes and the size of a free mean nothing. What breaks the rules above
 * is the caller's mistake. */
void recording_put(struct recording_writer *writer, const struct recording_op *op);
/* Write the totals, close and free. False with errno when anything could not be written; the file is no recording then.
 */
bool recording_finish(struct recording_writer *writer, struct recording_totals *totals);

/* ---- reading ----------------------------------------------------------------------------------------------------- */

struct recording_reader;
enum recording_read { RECORDING_OP, RECORDING_END, RECORDING_DAMAGED };

/* NULL with one line in `why`. */
struct recording_reader *recording_open(const char *path, char why[RECORDING_WHY_BYTES]);
const struct recording_head *recording_head(const struct recording_reader *reader);
/* RECORDING_DAMAGED: one line in `why`, and nothing can be read from there on. */
enum recording_read recording_next(struct recording_reader *reader, struct recording_op *op,
                                   char why[RECORDING_WHY_BYTES]);
/* Of what was read so far; of all of it after RECORDING_END. */
const struct recording_totals *recording_totals(const struct recording_reader *reader);
void recording_close(struct recording_reader *reader);

#endif
