/* batch: allocates many blocks, then frees them all, again and again: in the order of allocation or in another one, and
 * by the thread that allocated them or by the next one. Freeing by another thread has two barriers a round. */
#include <pthread.h>

#include "bench/workload.h"

enum { ROUNDS, BLOCKS, SIZE_MAX_BYTES, SHUFFLED, REMOTE, THREADS, SEED, NUMBERS };
enum { SIZE_MIN_BYTES = 16 };

static struct workload_number numbers[NUMBERS] = {
    [ROUNDS] = {"ROUNDS", "batches of each thread", 300, 1, 1 << 30},
    [BLOCKS] = {"BLOCKS", "blocks in a batch", 10000, 1, 1 << 28},
    [SIZE_MAX_BYTES] = {"SIZE_MAX", "the largest block, in bytes", 256, SIZE_MIN_BYTES, 1 << 30},
    [SHUFFLED] = {"SHUFFLED", "0 frees in the order of allocation, 1 in another one", 0, 0, 1},
    [REMOTE] = {"REMOTE", "1 has another thread free them", 0, 0, 1},
    [THREADS] = {"THREADS", "threads", 1, 1, WORKLOAD_THREADS_MAX},
    [SEED] = {"SEED", "another one gives another run", 1, 1, UINT64_MAX},
};

static void **batches[WORKLOAD_THREADS_MAX];
static uint32_t *order; /* in which blocks are freed, the same for all */
static pthread_barrier_t phase;

static void make_order(void) {
    uint64_t random = random_start(numbers[SEED].value, WORKLOAD_THREADS_MAX);
    order = table_new(numbers[BLOCKS].value, sizeof *order);
    for (uint32_t i = 0; i < numbers[BLOCKS].value; i++) {
        uint32_t other = numbers[SHUFFLED].value > 0 ? (uint32_t)(random_next(&random) % (i + 1)) : i;
        order[i] = order[other];
        order[other] = i;
    }
}

static void work(unsigned thread, struct tally *tally) {
    uint64_t random = random_start(numbers[SEED].value, thread);
    unsigned other = numbers[REMOTE].value > 0 ? (thread + 1) % (unsigned)numbers[THREADS].value : thread;
    for (uint64_t round = 0; round < numbers[ROUNDS].value; round++) {
        for (uint64_t i = 0; i < numbers[BLOCKS].value; i++) {
            uint64_t number = random_next(&random);
            batches[thread][i] =
                block_new(random_size(number, SIZE_MIN_BYTES, numbers[SIZE_MAX_BYTES].value), number, tally);
        }
        if (other != thread) {
            pthread_barrier_wait(&phase);
        }
        for (uint64_t i = 0; i < numbers[BLOCKS].value; i++) {
            block_free(batches[other][order[i]], tally);
        }
        if (other != thread) {
            pthread_barrier_wait(&phase);
        }
    }
}

int main(int argc, char **argv) {
    workload_arguments("batch", "Allocates a batch, then frees all of it.", numbers, NUMBERS, argc, argv);
    if (numbers[REMOTE].value > 0 && numbers[THREADS].value < 2) {
        workload_refuse("REMOTE needs at least two THREADS");
    }
    unsigned threads = (unsigned)numbers[THREADS].value;
    for (unsigned i = 0; i < threads; i++) {
        batches[i] = table_new(numbers[BLOCKS].value, sizeof(void *));
    }
    make_order();
    pthread_barrier_init(&phase, NULL, threads);
    double seconds = workload_run(threads, work);
    return workload_report(seconds, workload_operations(), "");
}
