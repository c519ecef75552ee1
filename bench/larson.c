/* larson: a server after Larson and Krishnan. Each of several lines of threads owns slots with blocks of random size
 * and replaces one at random, again and again; after some steps a new thread takes the slots over and frees what its
 * predecessors allocated, and the old one ends. */
#include "bench/workload.h"

enum { STEPS, THREADS, GENERATIONS, SLOTS, SIZE_MAX_BYTES, SEED, NUMBERS };
enum { SIZE_MIN_BYTES = 10 };

static struct workload_number numbers[NUMBERS] = {
    [STEPS] = {"STEPS", "blocks replaced by each line, in all", 2000000, 1, UINT64_C(1) << 40},
    [THREADS] = {"THREADS", "lines, each one thread at a time", 2, 1, WORKLOAD_THREADS_MAX},
    [GENERATIONS] = {"GENERATIONS", "threads of a line, one after another", 20, 1, 1000000},
    [SLOTS] = {"SLOTS", "slots of each line", 1000, 1, 1 << 30},
    [SIZE_MAX_BYTES] = {"SIZE_MAX", "the largest block, in bytes", 500, SIZE_MIN_BYTES, 1 << 30},
    [SEED] = {"SEED", "another one gives another run", 1, 1, UINT64_MAX},
};

struct line {
    uint64_t random;
    void **slots;
    uint64_t steps;
    struct tally tally;
};

static void *serve(void *argument) {
    struct line *line = argument;
    struct tally tally = line->tally;
    uint64_t random = line->random;
    for (uint64_t i = 0; i < line->steps; i++) {
        uint64_t number = random_next(&random);
        void **slot = &line->slots[number % numbers[SLOTS].value];
        block_free(*slot, &tally);
        *slot = block_new(random_size(number, SIZE_MIN_BYTES, numbers[SIZE_MAX_BYTES].value), number, &tally);
    }
    line->random = random;
    line->tally = tally;
    return NULL;
}

static void work(unsigned thread, struct tally *tally) {
    struct line line = {.random = random_start(numbers[SEED].value, thread),
                        .slots = table_new(numbers[SLOTS].value, sizeof(void *)),
                        .steps = numbers[STEPS].value / numbers[GENERATIONS].value};
    for (uint64_t i = 0; i < numbers[SLOTS].value; i++) {
        line.slots[i] = block_new(random_size(random_next(&line.random), SIZE_MIN_BYTES, numbers[SIZE_MAX_BYTES].value),
                                  i, &line.tally);
    }
    for (uint64_t i = 0; i < numbers[GENERATIONS].value; i++) {
        workload_thread(serve, &line);
    }
    for (uint64_t i = 0; i < numbers[SLOTS].value; i++) {
        block_free(line.slots[i], &line.tally);
    }
    free(line.slots);
    *tally = line.tally;
}

int main(int argc, char **argv) {
    workload_arguments("larson", "A server whose threads hand their blocks over to a successor and end.", numbers,
                       NUMBERS, argc, argv);
    if (numbers[STEPS].value < numbers[GENERATIONS].value) {
        workload_refuse("STEPS is less than GENERATIONS: a thread would have nothing to do");
    }
    double seconds = workload_run((unsigned)numbers[THREADS].value, work);
    return workload_report(seconds, workload_operations(), "");
}
