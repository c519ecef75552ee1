/* realloc_grow: buffers that grow by half each time, as strings and arrays do, up to a limit, where they are freed and
 * begin anew. What is new in a buffer is written in full. */
#include "bench/workload.h"

enum { STEPS, BUFFERS, SIZE_MAX_BYTES, THREADS, SEED, NUMBERS };
enum { SIZE_MIN_BYTES = 16 };

static struct workload_number numbers[NUMBERS] = {
    [STEPS] = {"STEPS", "times that a thread grows some buffer", 400000, 1, UINT64_C(1) << 40},
    [BUFFERS] = {"BUFFERS", "buffers of each thread", 64, 1, 1 << 20},
    [SIZE_MAX_BYTES] = {"SIZE_MAX", "the largest a buffer gets, in bytes", 65536, 64, 1 << 30},
    [THREADS] = {"THREADS", "threads", 1, 1, WORKLOAD_THREADS_MAX},
    [SEED] = {"SEED", "another one gives another run", 1, 1, UINT64_MAX},
};

static void *grow(void *buffer, uint64_t tag, struct tally *tally) {
    size_t old_bytes = block_size(buffer);
    size_t new_bytes = old_bytes + old_bytes / 2;
    if (new_bytes > numbers[SIZE_MAX_BYTES].value) {
        block_free(buffer, tally);
        return NULL;
    }
    char *larger = block_resize(buffer, new_bytes, tag, tally);
    memset(larger + old_bytes, 1, new_bytes - old_bytes - 1); // the last byte is written
    return larger;
}

static void work(unsigned thread, struct tally *tally) {
    uint64_t random = random_start(numbers[SEED].value, thread);
    void **buffers = table_new(numbers[BUFFERS].value, sizeof *buffers);
    for (uint64_t i = 0; i < numbers[STEPS].value; i++) {
        uint64_t number = random_next(&random);
        void **buffer = &buffers[(number >> 8) % numbers[BUFFERS].value];
        *buffer = *buffer == NULL ? block_new(SIZE_MIN_BYTES, number, tally) : grow(*buffer, number, tally);
    }
    for (uint64_t i = 0; i < numbers[BUFFERS].value; i++) {
        block_free(buffers[i], tally);
    }
    free(buffers);
}

int main(int argc, char **argv) {
    workload_arguments("realloc_grow", "Buffers that grow by half each time until they are full.", numbers, NUMBERS,
                       argc, argv);
    double seconds = workload_run((unsigned)numbers[THREADS].value, work);
    return workload_report(seconds, workload_operations(), "");
}
