/* thread_churn: threads that allocate a few blocks, free them and end, one after another. What a malloc spends on a
 * thread's first block and on its end is what counts here. */
#include "bench/workload.h"

enum { STARTED, THREADS, BLOCKS, SIZE_MAX_BYTES, SEED, NUMBERS };
enum { SIZE_MIN_BYTES = 16, BLOCKS_MAX = 1000 };

static struct workload_number numbers[NUMBERS] = {
    [STARTED] = {"STARTED", "threads started by each line, in all", 4000, 1, 1 << 30},
    [THREADS] = {"THREADS", "lines, each one thread at a time", 2, 1, WORKLOAD_THREADS_MAX},
    [BLOCKS] = {"BLOCKS", "blocks of each thread", 20, 1, BLOCKS_MAX},
    [SIZE_MAX_BYTES] = {"SIZE_MAX", "the largest block, in bytes", 1024, SIZE_MIN_BYTES, 1 << 30},
    [SEED] = {"SEED", "another one gives another run", 1, 1, UINT64_MAX},
};

struct line {
    uint64_t random;
    struct tally tally;
};

static void *allocate_a_few(void *argument) {
    struct line *line = argument;
    void *blocks[BLOCKS_MAX];
    for (uint64_t i = 0; i < numbers[BLOCKS].value; i++) {
        uint64_t number = random_next(&line->random);
        blocks[i] = block_new(random_size(number, SIZE_MIN_BYTES, numbers[SIZE_MAX_BYTES].value), number, &line->tally);
    }
    for (uint64_t i = 0; i < numbers[BLOCKS].value; i++) {
        block_free(blocks[i], &line->tally);
    }
    return NULL;
}

static void work(unsigned thread, struct tally *tally) {
    struct line line = {.random = random_start(numbers[SEED].value, thread)};
    for (uint64_t i = 0; i < numbers[STARTED].value; i++) {
        workload_thread(allocate_a_few, &line);
    }
    *tally = line.tally;
}

int main(int argc, char **argv) {
    workload_arguments("thread_churn", "Many threads, one after another, with a few blocks each.", numbers, NUMBERS,
                       argc, argv);
    double seconds = workload_run((unsigned)numbers[THREADS].value, work);
    return workload_report(seconds, workload_operations(), "");
}
