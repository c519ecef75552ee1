/* aligned_mix: blocks of random size, half of them aligned to a power of two up to a page, in slots replaced at random.
 * Blocks that are not aligned as was asked for are counted, and the line at the end tells how many. */
#include <stdatomic.h>
#include <stdio.h>

#include "bench/workload.h"

enum { STEPS, SLOTS, SIZE_MAX_BYTES, THREADS, SEED, NUMBERS };
enum { SIZE_MIN_BYTES = 16, ALIGNMENT_MIN_SHIFT = 5, ALIGNMENTS = 8 };

static struct workload_number numbers[NUMBERS] = {
    [STEPS] = {"STEPS", "blocks allocated by each thread", 2000000, 1, UINT64_C(1) << 40},
    [SLOTS] = {"SLOTS", "live blocks of each thread, at most", 2000, 1, 1 << 28},
    [SIZE_MAX_BYTES] = {"SIZE_MAX", "the largest block, in bytes", 2048, SIZE_MIN_BYTES, 1 << 30},
    [THREADS] = {"THREADS", "threads", 1, 1, WORKLOAD_THREADS_MAX},
    [SEED] = {"SEED", "another one gives another run", 1, 1, UINT64_MAX},
};

static atomic_ulong misaligned;

/* 32 to 4096 bytes, smaller ones more often. */
static size_t alignment_of(uint64_t number) {
    unsigned a = (unsigned)(number >> 8) % ALIGNMENTS, b = (unsigned)(number >> 16) % ALIGNMENTS;
    return (size_t)1 << (ALIGNMENT_MIN_SHIFT + (a < b ? a : b));
}

static void *allocate(uint64_t number, struct tally *tally) {
    size_t size_bytes = random_size(number, SIZE_MIN_BYTES, numbers[SIZE_MAX_BYTES].value);
    size_t alignment_bytes = alignment_of(number);
    void *block = NULL;
    switch (number & 3) {
    case 0:
        block = aligned_alloc(alignment_bytes, (size_bytes + alignment_bytes - 1) & ~(alignment_bytes - 1));
        break;
    case 1:
        if (posix_memalign(&block, alignment_bytes, size_bytes) != 0) {
            block = NULL;
        }
        break;
    default:
        return block_new(size_bytes, number, tally);
    }
    if ((uintptr_t)block % alignment_bytes != 0) {
        atomic_fetch_add_explicit(&misaligned, 1, memory_order_relaxed);
    }
    block_write(block, size_bytes, number, tally);
    tally->operations++;
    return block;
}

static void work(unsigned thread, struct tally *tally) {
    uint64_t random = random_start(numbers[SEED].value, thread);
    void **slots = table_new(numbers[SLOTS].value, sizeof *slots);
    for (uint64_t i = 0; i < numbers[STEPS].value; i++) {
        uint64_t number = random_next(&random);
        void **slot = &slots[(number >> 2) % numbers[SLOTS].value];
        block_free(*slot, tally);
        *slot = allocate(number, tally);
    }
    for (uint64_t i = 0; i < numbers[SLOTS].value; i++) {
        block_free(slots[i], tally);
    }
    free(slots);
}

int main(int argc, char **argv) {
    workload_arguments("aligned_mix", "Half of the blocks are aligned to a power of two up to a page.", numbers,
                       NUMBERS, argc, argv);
    double seconds = workload_run((unsigned)numbers[THREADS].value, work);
    char extra[40];
    snprintf(extra, sizeof extra, "misaligned=%lu", atomic_load(&misaligned));
    return workload_report(seconds, workload_operations(), extra);
}
