/* replay_image: see the header. Reads the recording twice: first to count, then to fill. */
#include "tools/replay_image.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "oracle/input.h"
#include "tools/recording_rules.h"
#include "tools/terminal.h"

enum { PROGRESS_OPERATIONS = 1 << 16, RANGE_SLOTS = 64 };

struct object {
    uint32_t thread; /* that touched it first; when it is known to be shared, its slot */
    uint16_t version;
    bool shared;
};

struct maker {
    const char *path;
    struct recording_reader *reader;
    struct replay_image *image;
    int fd;
    struct object *objects;
    uint64_t object_capacity;
    struct thread {
        uint64_t count;               /* operations; while filling, those there already */
        uint64_t slot_next, slot_end; /* local slots that were never used */
        uint32_t free_slot;           /* + 1 */
    } * threads;
    uint64_t thread_capacity;
    uint32_t *next_free; /* by local slot: a list for each thread, + 1 */
    uint64_t slot_capacity;
    uint64_t ended;   /* threads, but thread 0 */
    uint32_t starter; /* a thread that is there */
    uint64_t done;
    char why[RECORDING_WHY_BYTES];
};

/* Make room in a list that `list` points to; what is new is zero. */
static bool reserve(struct maker *maker, void *list, uint64_t *capacity, uint64_t wanted, size_t item_bytes) {
    bool good = recording_grow(list, capacity, wanted, item_bytes);
    if (!good) {
        snprintf(maker->why, sizeof maker->why, "is too long for the memory there is");
    }
    return good;
}

typedef bool maker_visit(struct maker *maker, const struct recording_op *op, bool begins);

/* Read all of it; `begins` says that it is the first operation of its thread. */
static bool read_all(struct maker *maker, maker_visit *visit, const char *what) {
    maker->reader = recording_open(maker->path, maker->why);
    if (maker->reader == NULL) {
        return false;
    }
    uint64_t threads = 0;
    struct recording_op op;
    enum recording_read outcome;
    bool good = true;
    maker->done = 0;
    maker->ended = 0;
    maker->starter = 0;
    while (good && (outcome = recording_next(maker->reader, &op, maker->why)) == RECORDING_OP) {
        bool begins = op.thread == threads;
        threads += begins;
        good = reserve(maker, &maker->threads, &maker->thread_capacity, threads, sizeof *maker->threads) &&
               visit(maker, &op, begins);
        if (op.kind == RECORDING_THREAD_END) {
            maker->ended += op.thread != 0;
            maker->starter = maker->starter == op.thread ? 0 : maker->starter;
        } else {
            maker->starter = op.thread;
        }
        if (++maker->done % PROGRESS_OPERATIONS == 0) {
            progress("%s: %" PRIu64 " operations", what, maker->done);
        }
    }
    good = good && outcome == RECORDING_END;
    return good;
}

static bool count_op(struct maker *maker, const struct recording_op *op, bool begins) {
    maker->threads[op->thread].count++;
    maker->threads[maker->starter].count += begins && op->thread != 0;
    if (op->kind == RECORDING_THREAD_END) {
        return true;
    }
    if (!reserve(maker, &maker->objects, &maker->object_capacity, (uint64_t)op->object + 1, sizeof *maker->objects)) {
        return false;
    }
    struct object *object = &maker->objects[op->object];
    if (recording_kinds[op->kind].makes) {
        object->thread = op->thread;
    }
    object->shared |= object->thread != op->thread;
    return true;
}

static struct replay_op *next_op(struct maker *maker, uint32_t thread) {
    struct replay_thread *threads = (struct replay_thread *)(maker->image + 1);
    struct replay_op *ops = (struct replay_op *)(threads + maker->image->thread_count);
    return &ops[threads[thread].first + maker->threads[thread].count++];
}

/* A local slot for what a thread makes. */
static bool take_local(struct maker *maker, struct thread *thread, uint32_t *slot) {
    if (thread->free_slot != 0) {
        *slot = thread->free_slot - 1;
        thread->free_slot = maker->next_free[*slot];
        return true;
    }
    if (thread->slot_next == thread->slot_end) { /* a range, so that threads do not share cache lines */
        thread->slot_next = maker->image->local_slots;
        maker->image->local_slots += RANGE_SLOTS;
        thread->slot_end = maker->image->local_slots;
    }
    *slot = (uint32_t)thread->slot_next++;
    return reserve(maker, &maker->next_free, &maker->slot_capacity, (uint64_t)*slot + 1, sizeof *maker->next_free);
}

static bool place_object(struct maker *maker, const struct recording_op *op, struct replay_op *out) {
    struct object *object = &maker->objects[op->object];
    struct thread *thread = &maker->threads[op->thread];
    if (recording_kinds[op->kind].makes) {
        if (object->shared) {
            object->thread = (uint32_t)maker->image->shared_slots++;
        } else if (!take_local(maker, thread, &object->thread)) {
            return false;
        }
    }
    out->slot = object->thread;
    if (object->shared) {
        out->kind |= REPLAY_SHARED;
        out->version = object->version++;
    } else if (recording_kinds[op->kind].ends) {
        maker->next_free[out->slot] = thread->free_slot;
        thread->free_slot = out->slot + 1;
    }
    return true;
}

static bool fill_op(struct maker *maker, const struct recording_op *op, bool begins) {
    if (begins && op->thread != 0) {
        *next_op(maker, maker->starter) =
            (struct replay_op){.slot = op->thread, .kind = REPLAY_START, .size_bytes = maker->ended};
    }
    struct replay_op *out = next_op(maker, op->thread);
    *out = (struct replay_op){.kind = (uint8_t)op->kind, .shift = op->align_shift, .size_bytes = op->size_bytes};
    if (op->kind == RECORDING_REALLOC && op->before_bytes > 0) {
        out->shift = (uint8_t)(63 - __builtin_clzll(op->before_bytes));
    }
    bool good = op->kind == RECORDING_THREAD_END || place_object(maker, op, out);
    if (maker->done + 1 == maker->image->totals.peak_operation) {
        out->kind |= REPLAY_PEAK;
    }
    return good;
}

static bool image_open(struct maker *maker, const struct recording_totals *totals) {
    uint64_t thread_count = totals->threads > 0 ? totals->threads : 1;
    uint64_t op_count = totals->operations + (thread_count - 1);
    size_t bytes =
        sizeof(struct replay_image) + thread_count * sizeof(struct replay_thread) + op_count * sizeof(struct replay_op);
    maker->fd = memfd_create("hakfuzz-replay", 0);
    void *mapped = MAP_FAILED;
    if (maker->fd >= 0 && ftruncate(maker->fd, (off_t)bytes) == 0) {
        mapped = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, maker->fd, 0);
    }
    if (mapped == MAP_FAILED) {
        snprintf(maker->why, sizeof maker->why, "is too long for the memory there is: %s", strerror(errno));
        return false;
    }
    maker->image = mapped;
    maker->image->totals = *totals;
    maker->image->size_bytes = bytes;
    maker->image->thread_count = thread_count;
    maker->image->op_count = op_count;
    return true;
}

/* Where each thread's list begins. */
static void image_layout(struct maker *maker) {
    struct replay_thread *threads = (struct replay_thread *)(maker->image + 1);
    uint64_t first = 0;
    for (uint64_t i = 0; i < maker->image->thread_count; i++) {
        threads[i] = (struct replay_thread){first, maker->threads[i].count};
        first += maker->threads[i].count;
        maker->threads[i].count = 0;
    }
}

static void reader_close(struct maker *maker) {
    if (maker->reader != NULL) {
        recording_close(maker->reader);
        maker->reader = NULL;
    }
}

static bool make_image(struct maker *maker) {
    if (!read_all(maker, count_op, "reading")) {
        return false;
    }
    const struct recording_totals totals = *recording_totals(maker->reader);
    if (!reserve(maker, &maker->threads, &maker->thread_capacity, 1, sizeof *maker->threads) ||
        !image_open(maker, &totals)) {
        return false;
    }
    memcpy(maker->image->program, recording_head(maker->reader)->program, RECORDING_PROGRAM_BYTES);
    reader_close(maker);
    image_layout(maker);
    return read_all(maker, fill_op, "preparing");
}

struct replay_image *replay_image_make(const char *path, int *fd) {
    struct maker maker = {.path = path, .fd = -1};
    bool good = make_image(&maker);
    reader_close(&maker);
    free(maker.objects);
    free(maker.threads);
    free(maker.next_free);
    if (!good) {
        input_complain(path, maker.why, "hakfuzz record makes recordings");
        replay_image_free(maker.image, maker.fd);
        return NULL;
    }
    *fd = maker.fd;
    return maker.image;
}

const struct replay_image *replay_image_map(int fd) {
    struct stat status;
    if (fstat(fd, &status) != 0) {
        return NULL;
    }
    if ((size_t)status.st_size < sizeof(struct replay_image)) {
        errno = EINVAL;
        return NULL;
    }
    void *mapped = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
    return mapped == MAP_FAILED ? NULL : mapped;
}

void replay_image_free(struct replay_image *image, int fd) {
    if (image != NULL) {
        munmap(image, image->size_bytes);
    }
    if (fd >= 0) {
        close(fd);
    }
}
