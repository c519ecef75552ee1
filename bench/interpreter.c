/* interpreter: the small blocks of a language's run time. Functions are called and return, so frames and their local
 * objects come and go as a stack; between them are temporaries that die at once, objects that escape into the globals,
 * strings, and lists that grow. Most sizes are 16 to 64 bytes. */
#include "bench/workload.h"

enum { STEPS, GLOBALS, THREADS, SEED, NUMBERS };
enum { DEPTH_MAX = 64, LOCALS_MAX = 8, FRAME_BYTES = 96, LOCAL_BYTES = 8, ITEM_BYTES = 8, LIST_MAX_BYTES = 4096 };

static struct workload_number numbers[NUMBERS] = {
    [STEPS] = {"STEPS", "instructions of each thread", 3000000, 1, UINT64_C(1) << 40},
    [GLOBALS] = {"GLOBALS", "objects that each thread keeps", 20000, 1, 1 << 28},
    [THREADS] = {"THREADS", "threads, each an interpreter of its own", 1, 1, WORKLOAD_THREADS_MAX},
    [SEED] = {"SEED", "another one gives another run", 1, 1, UINT64_MAX},
};

struct frame {
    void *block;
    void *locals[LOCALS_MAX];
    unsigned local_count;
};

struct interpreter {
    struct frame frames[DEPTH_MAX];
    unsigned depth;
    void **globals;
    struct tally *tally;
};

/* As many of 16 as of 24, 32, 40 and 48 bytes together, some larger. */
static size_t object_size(uint64_t number) {
    static const unsigned char sizes[16] = {16, 16, 16, 24, 24, 32, 32, 40, 48, 48, 56, 56, 64, 64, 96, 128};
    return sizes[number >> 32 & 15];
}

static void call(struct interpreter *self, uint64_t number) {
    struct frame *frame = &self->frames[self->depth++];
    frame->local_count = (unsigned)(number >> 40) % (LOCALS_MAX + 1);
    frame->block = block_new(FRAME_BYTES + frame->local_count * LOCAL_BYTES, number, self->tally);
    for (unsigned i = 0; i < frame->local_count; i++) {
        frame->locals[i] = block_new(object_size(number << i), number, self->tally);
    }
}

static void leave(struct interpreter *self) {
    struct frame *frame = &self->frames[--self->depth];
    while (frame->local_count > 0) {
        block_free(frame->locals[--frame->local_count], self->tally);
    }
    block_free(frame->block, self->tally);
}

/* A list that is full stays as it is until its place gets another object. */
static void append(void **list, uint64_t number, struct tally *tally) {
    size_t old_bytes = block_size(*list);
    if (old_bytes < LIST_MAX_BYTES) {
        *list = block_resize(*list, old_bytes + old_bytes / 8 + (size_t)6 * ITEM_BYTES, number, tally);
    }
}

static void step(struct interpreter *self, uint64_t number) {
    void **global = &self->globals[(number >> 12) % numbers[GLOBALS].value];
    unsigned what = (unsigned)(number & 31);
    if (what < 5 && self->depth < DEPTH_MAX) {
        call(self, number);
    } else if (what < 10 && self->depth > 0) {
        leave(self);
    } else if (what < 24) {
        block_free(block_new(object_size(number), number, self->tally), self->tally);
    } else if (what < 28 || *global == NULL) {
        block_free(*global, self->tally);
        *global = block_new(object_size(number), number, self->tally);
    } else if (what < 30) {
        block_free(*global, self->tally);
        *global = block_new(random_size(number, 33, 300), number, self->tally);
    } else {
        append(global, number, self->tally);
    }
}

static void work(unsigned thread, struct tally *tally) {
    uint64_t random = random_start(numbers[SEED].value, thread);
    struct interpreter self = {.globals = table_new(numbers[GLOBALS].value, sizeof(void *)), .tally = tally};
    for (uint64_t i = 0; i < numbers[STEPS].value; i++) {
        step(&self, random_next(&random));
    }
    while (self.depth > 0) {
        leave(&self);
    }
    for (uint64_t i = 0; i < numbers[GLOBALS].value; i++) {
        block_free(self.globals[i], tally);
    }
    free(self.globals);
}

int main(int argc, char **argv) {
    workload_arguments("interpreter", "Frames, temporaries, objects and lists of a language's run time.", numbers,
                       NUMBERS, argc, argv);
    double seconds = workload_run((unsigned)numbers[THREADS].value, work);
    return workload_report(seconds, workload_operations(), "");
}
