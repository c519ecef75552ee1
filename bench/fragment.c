/* fragment: a program that runs long and whose sizes drift. In each phase it allocates blocks of that phase's sizes
 * until LIVE bytes are there, then frees most of them, picked at random; the rest stays, scattered, for phases to come.
 * A malloc that cannot use for one size what another one left needs more and more memory. */
#include "bench/workload.h"

enum { PHASES, LIVE_BYTES, KEEP_PERCENT, THREADS, SEED, NUMBERS };
enum { SIZE_MIN_BYTES = 16, RANGES = 7, PERCENT = 100 };

static struct workload_number numbers[NUMBERS] = {
    [PHASES] = {"PHASES", "phases", 24, 1, 1 << 20},
    [LIVE_BYTES] = {"LIVE", "live at the end of each phase in each thread, in bytes", 32 << 20, 65536,
                    UINT64_C(1) << 40},
    [KEEP_PERCENT] = {"KEEP", "blocks that survive a phase, in per cent", 20, 1, 90},
    [THREADS] = {"THREADS", "threads", 1, 1, WORKLOAD_THREADS_MAX},
    [SEED] = {"SEED", "another one gives another run", 1, 1, UINT64_MAX},
};

/* Not in order: what one phase leaves is of use to the next one only if the malloc makes it so. */
static const size_t largest_bytes[RANGES] = {64, 1024, 160, 16384, 400, 100, 4096};

struct heap {
    void **blocks;
    size_t count;
    size_t capacity;
    uint64_t live_bytes;
};

static void fill(struct heap *heap, size_t maximum_bytes, uint64_t *random, struct tally *tally) {
    while (heap->live_bytes < numbers[LIVE_BYTES].value && heap->count < heap->capacity) {
        uint64_t number = random_next(random);
        size_t size_bytes = random_size(number, maximum_bytes / 2, maximum_bytes);
        heap->blocks[heap->count++] = block_new(size_bytes, number, tally);
        heap->live_bytes += size_bytes;
    }
}

static void thin_out(struct heap *heap, uint64_t *random, uint64_t keep_percent, struct tally *tally) {
    size_t kept = 0;
    for (size_t i = 0; i < heap->count; i++) {
        if ((random_next(random) >> 32) % PERCENT < keep_percent) {
            heap->blocks[kept++] = heap->blocks[i];
        } else {
            heap->live_bytes -= block_size(heap->blocks[i]);
            block_free(heap->blocks[i], tally);
        }
    }
    heap->count = kept;
}

static void work(unsigned thread, struct tally *tally) {
    uint64_t random = random_start(numbers[SEED].value, thread);
    struct heap heap = {.capacity = numbers[LIVE_BYTES].value / SIZE_MIN_BYTES};
    heap.blocks = table_new(heap.capacity, sizeof *heap.blocks);
    for (uint64_t i = 0; i < numbers[PHASES].value; i++) {
        fill(&heap, largest_bytes[i % RANGES], &random, tally);
        thin_out(&heap, &random, numbers[KEEP_PERCENT].value, tally);
    }
    thin_out(&heap, &random, 0, tally);
    free(heap.blocks);
}

int main(int argc, char **argv) {
    workload_arguments("fragment", "Sizes that drift while some blocks of every phase stay.", numbers, NUMBERS, argc,
                       argv);
    double seconds = workload_run((unsigned)numbers[THREADS].value, work);
    return workload_report(seconds, workload_operations(), "");
}
