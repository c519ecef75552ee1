/* lifetimes: blocks that live for a moment, for some time, and beyond their thread. Each line of threads has one thread
 * at a time. Its short-lived blocks are in a small ring; those of medium life are in slots that the next thread
 * inherits, full, when this one ends; long-lived ones are in slots shared by all lines, so whoever replaces one frees a
 * block of another thread, which may be dead. Shared slots are exchanged atomically. */
#include <stdatomic.h>

#include "bench/workload.h"

enum { STEPS, THREADS, GENERATIONS, SIZE_MAX_BYTES, SEED, NUMBERS };
enum { SIZE_MIN_BYTES = 16, SHORT = 32, MEDIUM = 2000, LONG = 20000, SHORT_MAX_BYTES = 256, PERCENT = 100 };
enum { PERCENT_SHORT = 85, PERCENT_NOT_LONG = 96 };

static struct workload_number numbers[NUMBERS] = {
    [STEPS] = {"STEPS", "blocks allocated by each line, in all", 2000000, 1, UINT64_C(1) << 40},
    [THREADS] = {"THREADS", "lines, each one thread at a time", 2, 1, WORKLOAD_THREADS_MAX},
    [GENERATIONS] = {"GENERATIONS", "threads of a line, one after another", 40, 1, 1000000},
    [SIZE_MAX_BYTES] = {"SIZE_MAX", "the largest block that lives longer, in bytes", 4096, SHORT_MAX_BYTES, 1 << 30},
    [SEED] = {"SEED", "another one gives another run", 1, 1, UINT64_MAX},
};

static _Atomic(void *) long_lived[LONG];

struct line {
    uint64_t random;
    void *medium[MEDIUM];
    struct tally tally;
};

static void *live(void *argument) {
    struct line *line = argument;
    struct tally tally = line->tally;
    void *momentary[SHORT] = {0};
    uint64_t steps = numbers[STEPS].value / numbers[GENERATIONS].value;
    for (uint64_t i = 0; i < steps; i++) {
        uint64_t number = random_next(&line->random);
        unsigned kind = (unsigned)(number % PERCENT);
        if (kind < PERCENT_SHORT) {
            void **slot = &momentary[i % SHORT];
            block_free(*slot, &tally);
            *slot = block_new(random_size(number, SIZE_MIN_BYTES, SHORT_MAX_BYTES), number, &tally);
            continue;
        }
        void *block = block_new(random_size(number, SIZE_MIN_BYTES, numbers[SIZE_MAX_BYTES].value), number, &tally);
        if (kind < PERCENT_NOT_LONG) {
            void **slot = &line->medium[(number >> 8) % MEDIUM];
            block_free(*slot, &tally);
            *slot = block;
        } else {
            block_free(atomic_exchange(&long_lived[(number >> 8) % LONG], block), &tally);
        }
    }
    for (unsigned i = 0; i < SHORT; i++) {
        block_free(momentary[i], &tally);
    }
    line->tally = tally;
    return NULL;
}

static void work(unsigned thread, struct tally *tally) {
    struct line *line = table_new(1, sizeof *line);
    line->random = random_start(numbers[SEED].value, thread);
    for (uint64_t i = 0; i < numbers[GENERATIONS].value; i++) {
        workload_thread(live, line);
    }
    for (unsigned i = 0; i < MEDIUM; i++) {
        block_free(line->medium[i], &line->tally);
    }
    *tally = line->tally;
    free(line);
}

static void end(unsigned thread, struct tally *tally) {
    (void)thread;
    for (unsigned i = 0; i < LONG; i++) {
        block_free(atomic_exchange(&long_lived[i], NULL), tally);
    }
}

int main(int argc, char **argv) {
    workload_arguments("lifetimes", "Short, medium and long lives, with threads that end while their blocks live.",
                       numbers, NUMBERS, argc, argv);
    double seconds = workload_run((unsigned)numbers[THREADS].value, work);
    seconds += workload_run(1, end);
    return workload_report(seconds, workload_operations(), "");
}
