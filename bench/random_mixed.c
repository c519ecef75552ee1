/* random_mixed: the lineage's headline benchmark. Each step picks a slot at random: a full one is freed, an empty one
 * gets a block of random size, of which the first and the last byte are written. Every thread has slots of its own.
 *
 * Only the first byte is read again before a free: where it lies, a malloc looks anyway, and the last one may be in
 * another line of the cache. */
#include <stdio.h>

#include "bench/workload.h"

enum { ITERATIONS, SLOTS, SIZE_MAX_BYTES, SEED, THREADS, NUMBERS };
enum { SIZE_MIN_BYTES = 16 };

static struct workload_number numbers[NUMBERS] = {
    [ITERATIONS] = {"ITERATIONS", "steps of each thread", 5000000, 1, UINT64_C(1) << 40},
    [SLOTS] = {"SLOTS", "slots of each thread", 256, 1, 1 << 30},
    [SIZE_MAX_BYTES] = {"SIZE_MAX", "the largest block, in bytes", 256, SIZE_MIN_BYTES, 1 << 30},
    [SEED] = {"SEED", "another one gives another run", 1, 1, UINT64_MAX},
    [THREADS] = {"THREADS", "threads", 1, 1, WORKLOAD_THREADS_MAX},
};

static void release(unsigned char **slot, struct tally *tally) {
    tally->read += (*slot)[0];
    free(*slot);
    *slot = NULL;
}

static void work(unsigned thread, struct tally *tally) {
    uint64_t random = random_start(numbers[SEED].value, thread);
    const uint64_t iterations = numbers[ITERATIONS].value, slot_count = numbers[SLOTS].value;
    const size_t size_max_bytes = numbers[SIZE_MAX_BYTES].value;
    unsigned char **slots = table_new(slot_count, sizeof *slots);
    for (uint64_t i = 0; i < iterations; i++) {
        uint64_t number = random_next(&random);
        unsigned char **slot = &slots[number % slot_count];
        if (*slot != NULL) {
            release(slot, tally);
        } else {
            size_t size_bytes = random_size(number, SIZE_MIN_BYTES, size_max_bytes);
            *slot = malloc(size_bytes);
            if (*slot == NULL) {
                workload_bad("there was no memory");
            }
            (*slot)[0] = (*slot)[size_bytes - 1] = (unsigned char)i;
            tally->written += (*slot)[0];
        }
    }
    for (uint64_t i = 0; i < slot_count; i++) {
        if (slots[i] != NULL) {
            release(&slots[i], tally);
        }
    }
    free(slots);
    tally->operations += iterations;
}

int main(int argc, char **argv) {
    workload_arguments("random_mixed", "Frees a slot picked at random, or fills it with a block of random size.",
                       numbers, NUMBERS, argc, argv);
    double seconds = workload_run((unsigned)numbers[THREADS].value, work);
    return workload_report(seconds, workload_operations(), "");
}
