/* growth: what an operation costs beside many live blocks. Fills slots with small blocks, then replaces some at random,
 * which alone is measured, then frees all. Threads share the number of blocks. */
#include "bench/workload.h"

enum { LIVE, STEPS, SIZE_MAX_BYTES, THREADS, SEED, NUMBERS };
enum { SIZE_MIN_BYTES = 8 };

static struct workload_number numbers[NUMBERS] = {
    [LIVE] = {"LIVE", "live blocks, in all", 1000, 1, UINT64_C(1) << 32},
    [STEPS] = {"STEPS", "blocks replaced, in all", 2000000, 1, UINT64_C(1) << 40},
    [SIZE_MAX_BYTES] = {"SIZE_MAX", "the largest block, in bytes", 48, SIZE_MIN_BYTES, 1 << 20},
    [THREADS] = {"THREADS", "threads", 1, 1, WORKLOAD_THREADS_MAX},
    [SEED] = {"SEED", "another one gives another run", 1, 1, UINT64_MAX},
};

static void **slots[WORKLOAD_THREADS_MAX];
static uint64_t slot_count; /* of each thread */

static void fill(unsigned thread, struct tally *tally) {
    uint64_t random = random_start(numbers[SEED].value, thread);
    slots[thread] = table_new(slot_count, sizeof(void *));
    for (uint64_t i = 0; i < slot_count; i++) {
        uint64_t number = random_next(&random);
        slots[thread][i] = block_new(random_size(number, SIZE_MIN_BYTES, numbers[SIZE_MAX_BYTES].value), number, tally);
    }
}

static void replace(unsigned thread, struct tally *tally) {
    uint64_t random = random_start(numbers[SEED].value, thread + WORKLOAD_THREADS_MAX);
    uint64_t steps = numbers[STEPS].value / numbers[THREADS].value;
    for (uint64_t i = 0; i < steps; i++) {
        uint64_t number = random_next(&random);
        void **slot = &slots[thread][(number ^ number >> 32) % slot_count];
        block_free(*slot, tally);
        *slot = block_new(random_size(number, SIZE_MIN_BYTES, numbers[SIZE_MAX_BYTES].value), number, tally);
    }
}

static void end(unsigned thread, struct tally *tally) {
    for (uint64_t i = 0; i < slot_count; i++) {
        block_free(slots[thread][i], tally);
    }
    free(slots[thread]);
}

int main(int argc, char **argv) {
    workload_arguments("growth", "Replaces blocks at random beside many live ones.", numbers, NUMBERS, argc, argv);
    unsigned threads = (unsigned)numbers[THREADS].value;
    if (numbers[LIVE].value < threads || numbers[STEPS].value < threads) {
        workload_refuse("LIVE and STEPS must be at least THREADS");
    }
    slot_count = numbers[LIVE].value / threads;
    workload_run(threads, fill);
    uint64_t before = workload_operations();
    double seconds = workload_run(threads, replace);
    uint64_t operations = workload_operations() - before;
    workload_run(threads, end);
    return workload_report(seconds, operations, "");
}
