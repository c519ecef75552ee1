/* large: blocks of megabytes, of which every page is touched, in a few slots that are replaced at random. */
#include "bench/workload.h"

enum { STEPS, SLOTS, SIZE_MIN_BYTES, SIZE_MAX_BYTES, THREADS, SEED, NUMBERS };
enum { PAGE_BYTES = 4096, MIB = 1 << 20 };

static struct workload_number numbers[NUMBERS] = {
    [STEPS] = {"STEPS", "blocks allocated by each thread", 300, 1, UINT64_C(1) << 40},
    [SLOTS] = {"SLOTS", "live blocks of each thread, at most", 8, 1, 1 << 20},
    [SIZE_MIN_BYTES] = {"SIZE_MIN", "the smallest block, in bytes", MIB, PAGE_BYTES, 1 << 30},
    [SIZE_MAX_BYTES] = {"SIZE_MAX", "the largest block, in bytes", UINT64_C(32) * MIB, PAGE_BYTES, 1 << 30},
    [THREADS] = {"THREADS", "threads", 1, 1, WORKLOAD_THREADS_MAX},
    [SEED] = {"SEED", "another one gives another run", 1, 1, UINT64_MAX},
};

static void work(unsigned thread, struct tally *tally) {
    uint64_t random = random_start(numbers[SEED].value, thread);
    void **slots = table_new(numbers[SLOTS].value, sizeof *slots);
    for (uint64_t i = 0; i < numbers[STEPS].value; i++) {
        uint64_t number = random_next(&random);
        void **slot = &slots[number % numbers[SLOTS].value];
        size_t size_bytes = random_size(number, numbers[SIZE_MIN_BYTES].value, numbers[SIZE_MAX_BYTES].value);
        block_free(*slot, tally);
        *slot = block_new(size_bytes, number, tally);
        for (size_t at = PAGE_BYTES; at < size_bytes - 1; at += PAGE_BYTES) {
            ((volatile char *)*slot)[at] = 1;
        }
    }
    for (uint64_t i = 0; i < numbers[SLOTS].value; i++) {
        block_free(slots[i], tally);
    }
    free(slots);
}

int main(int argc, char **argv) {
    workload_arguments("large", "Blocks of megabytes, each page of them touched.", numbers, NUMBERS, argc, argv);
    if (numbers[SIZE_MIN_BYTES].value > numbers[SIZE_MAX_BYTES].value) {
        workload_refuse("SIZE_MIN is above SIZE_MAX");
    }
    double seconds = workload_run((unsigned)numbers[THREADS].value, work);
    return workload_report(seconds, workload_operations(), "");
}
