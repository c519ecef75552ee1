/* producer_consumer: threads that only allocate send messages to threads that only free. Message k of a producer goes
 * to consumer k modulo their number, through a ring for each pair, so nobody shares a lock and it is the malloc that is
 * measured. What is in a ring is shown to the other side by batches, as a server would.
 *
 * A ring has one writer and one reader: `filled` is stored by the one with release and loaded by the other with
 * acquire, `emptied` the other way round. Who has to wait shows first what it has, and lets others run. */
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "bench/workload.h"

enum { MESSAGES, PRODUCERS, CONSUMERS, SIZE_MAX_BYTES, SEED, NUMBERS };
enum { SIZE_MIN_BYTES = 16, RING_SLOTS = 1024, BATCH = 32, LINE_BYTES = 64 };

static struct workload_number numbers[NUMBERS] = {
    [MESSAGES] = {"MESSAGES", "messages of each producer", 2000000, 1, UINT64_C(1) << 40},
    [PRODUCERS] = {"PRODUCERS", "threads that allocate", 1, 1, 64},
    [CONSUMERS] = {"CONSUMERS", "threads that free", 1, 1, 64},
    [SIZE_MAX_BYTES] = {"SIZE_MAX", "the largest message, in bytes", 256, SIZE_MIN_BYTES, 1 << 30},
    [SEED] = {"SEED", "another one gives another run", 1, 1, UINT64_MAX},
};

struct ring {
    _Alignas(LINE_BYTES) atomic_size_t filled;
    size_t filled_own; /* the writer's, not all shown yet */
    size_t emptied_seen;
    _Alignas(LINE_BYTES) atomic_size_t emptied;
    size_t emptied_own;
    size_t expected; /* messages still to come */
    _Alignas(LINE_BYTES) void *slots[RING_SLOTS];
};

static struct ring *rings; /* PRODUCERS times CONSUMERS */

static struct ring *ring_of(uint64_t producer, uint64_t consumer) {
    return &rings[producer * numbers[CONSUMERS].value + consumer];
}

static void ring_put(struct ring *ring, void *message) {
    while (ring->filled_own - ring->emptied_seen == RING_SLOTS) {
        atomic_store_explicit(&ring->filled, ring->filled_own, memory_order_release);
        ring->emptied_seen = atomic_load_explicit(&ring->emptied, memory_order_acquire);
        if (ring->filled_own - ring->emptied_seen == RING_SLOTS) {
            sched_yield();
        }
    }
    ring->slots[ring->filled_own++ % RING_SLOTS] = message;
    if (ring->filled_own % BATCH == 0) {
        atomic_store_explicit(&ring->filled, ring->filled_own, memory_order_release);
    }
}

static void produce(uint64_t producer, struct tally *tally) {
    uint64_t random = random_start(numbers[SEED].value, producer);
    for (uint64_t i = 0; i < numbers[MESSAGES].value; i++) {
        uint64_t number = random_next(&random);
        void *message = block_new(random_size(number, SIZE_MIN_BYTES, numbers[SIZE_MAX_BYTES].value), number, tally);
        ring_put(ring_of(producer, i % numbers[CONSUMERS].value), message);
    }
    for (uint64_t i = 0; i < numbers[CONSUMERS].value; i++) {
        struct ring *ring = ring_of(producer, i);
        atomic_store_explicit(&ring->filled, ring->filled_own, memory_order_release);
    }
}

/* Frees all there is in a ring; returns whether there was anything. */
static bool ring_drain(struct ring *ring, struct tally *tally) {
    size_t filled = atomic_load_explicit(&ring->filled, memory_order_acquire);
    size_t count = filled - ring->emptied_own;
    while (ring->emptied_own != filled) {
        block_free(ring->slots[ring->emptied_own++ % RING_SLOTS], tally);
        if (ring->emptied_own % BATCH == 0) {
            atomic_store_explicit(&ring->emptied, ring->emptied_own, memory_order_release);
        }
    }
    ring->expected -= count;
    return count > 0;
}

static void consume(uint64_t consumer, struct tally *tally) {
    bool more = true;
    while (more) {
        bool any = more = false;
        for (uint64_t i = 0; i < numbers[PRODUCERS].value; i++) {
            struct ring *ring = ring_of(i, consumer);
            any |= ring_drain(ring, tally);
            more |= ring->expected > 0;
        }
        if (!any && more) {
            sched_yield();
        }
    }
}

static void work(unsigned thread, struct tally *tally) {
    if (thread < numbers[PRODUCERS].value) {
        produce(thread, tally);
    } else {
        consume(thread - numbers[PRODUCERS].value, tally);
    }
}

int main(int argc, char **argv) {
    workload_arguments("producer_consumer", "Some threads only allocate, others only free what those send.", numbers,
                       NUMBERS, argc, argv);
    size_t ring_count = numbers[PRODUCERS].value * numbers[CONSUMERS].value;
    rings = aligned_alloc(LINE_BYTES, ring_count * sizeof *rings);
    if (rings == NULL) {
        workload_bad("there was no memory for the rings");
    }
    memset(rings, 0, ring_count * sizeof *rings);
    for (size_t i = 0; i < ring_count; i++) {
        size_t consumer = i % numbers[CONSUMERS].value;
        rings[i].expected =
            (numbers[MESSAGES].value + numbers[CONSUMERS].value - 1 - consumer) / numbers[CONSUMERS].value;
    }
    double seconds = workload_run((unsigned)(numbers[PRODUCERS].value + numbers[CONSUMERS].value), work);
    free(rings);
    return workload_report(seconds, workload_operations(), "");
}
