/* replay_image: a recording made ready to be run: for each thread a list of operations of a fixed width, in a file in
 * memory that the processes that run it map.
 *
 * Blocks have slots. What only one thread ever touches has a local slot, which is used again by that thread. A block
 * that several threads touch has a shared slot of its own, with a version that counts what was done to it: each
 * operation waits for the version that it had in the recording. Threads are started by the thread whose operation
 * stands in front of their first one, as soon as those have ended that had ended there. So each operation waits only
 * for such as stand in front of it in the recording, and no replay can hang; everything else is as concurrent as it
 * happens to be. */
#ifndef HAKMEM_TOOLS_REPLAY_IMAGE_H
#define HAKMEM_TOOLS_REPLAY_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/recording.h"

/* What a list has beside the kinds of recordings. */
enum replay_kind {
    REPLAY_START = RECORDING_KIND_COUNT, /* thread `slot`, when size_bytes threads have ended */
    REPLAY_PEAK = 0x40,                  /* with a kind: most is live behind it */
    REPLAY_SHARED = 0x80,                /* with a kind: the slot is a shared one */
    REPLAY_KIND = 0x3f,
};

struct replay_op {
    uint32_t slot;
    uint16_t version; /* of a shared slot, modulo 2^16 */
    uint8_t kind;
    uint8_t shift; /* of the alignment; of realloc of the size before, rounded down */
    uint64_t size_bytes;
};

struct replay_thread {
    uint64_t first; /* operation */
    uint64_t count;
};

struct replay_image {
    char program[RECORDING_PROGRAM_BYTES];
    struct recording_totals totals;
    uint64_t size_bytes; /* of the image */
    uint64_t thread_count;
    uint64_t local_slots;
    uint64_t shared_slots;
    uint64_t op_count;
    /* struct replay_thread [thread_count], then struct replay_op [op_count] */
};

static inline const struct replay_thread *replay_threads(const struct replay_image *image) {
    return (const struct replay_thread *)(image + 1);
}

static inline const struct replay_op *replay_ops(const struct replay_image *image) {
    return (const struct replay_op *)(replay_threads(image) + image->thread_count);
}

/* Make one of a recording, mapped, and its descriptor, which children inherit. NULL, with a message. */
struct replay_image *replay_image_make(const char *path, int *fd);
/* Map one of a descriptor, all of it resident. NULL with errno. */
const struct replay_image *replay_image_map(int fd);
void replay_image_free(struct replay_image *image, int fd);

#endif
