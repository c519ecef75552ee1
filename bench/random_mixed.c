/* random_mixed: the lineage's headline benchmark. Each step picks a slot at random: a full one is freed, an empty one
 * gets a block of random size, of which the first and the last byte are written.
 *
 *   random_mixed ITERATIONS SLOTS SIZE_MAX [SEED [THREADS]]
 *
 * Prints nanoseconds per step on one line. Every thread has slots of its own. The malloc measured is the process's:
 * preload another one. Exit 0, or 2 for arguments that make no sense. */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { THREADS_MAX = 256, SIZE_MIN_BYTES = 16, EXIT_USAGE = 2 };

static struct {
    uint64_t iterations;
    uint64_t slots;
    uint64_t size_max_bytes;
    uint64_t seed;
    uint64_t threads;
} load = {.seed = 1, .threads = 1};

static uint64_t next_random(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void *work(void *argument) {
    uint64_t random = (load.seed + (uintptr_t)argument) * UINT64_C(0x9e3779b97f4a7c15) | 1;
    char **slots = calloc(load.slots, sizeof *slots);
    if (slots == NULL) {
        abort();
    }
    for (uint64_t i = 0; i < load.iterations; i++) {
        uint64_t number = next_random(&random);
        char **slot = &slots[number % load.slots];
        if (*slot != NULL) {
            free(*slot);
            *slot = NULL;
        } else {
            size_t size_bytes = SIZE_MIN_BYTES + (number >> 32) % (load.size_max_bytes - SIZE_MIN_BYTES + 1);
            *slot = malloc(size_bytes);
            if (*slot == NULL) {
                abort();
            }
            (*slot)[0] = (*slot)[size_bytes - 1] = 1;
        }
    }
    for (uint64_t i = 0; i < load.slots; i++) {
        free(slots[i]);
    }
    free(slots);
    return NULL;
}

static int number_or_zero(const char *text, uint64_t *number) {
    char *end;
    errno = 0;
    *number = strtoull(text, &end, 10);
    return errno == 0 && *end == '\0' && *number > 0;
}

static int read_arguments(int count, char **arguments) {
    uint64_t *const fields[] = {&load.iterations, &load.slots, &load.size_max_bytes, &load.seed, &load.threads};
    if (count < 4 || count > 6) {
        return 0;
    }
    for (int i = 1; i < count; i++) {
        if (!number_or_zero(arguments[i], fields[i - 1])) {
            return 0;
        }
    }
    return load.size_max_bytes >= SIZE_MIN_BYTES && load.threads <= THREADS_MAX;
}

static double now_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

int main(int count, char **arguments) {
    pthread_t threads[THREADS_MAX];
    bool asked = count == 2 && strcmp(arguments[1], "--help") == 0;
    if (asked || !read_arguments(count, arguments)) {
        fputs(
            "Usage: random_mixed ITERATIONS SLOTS SIZE_MAX [SEED [THREADS]]\n"
            "\n"
            "Frees and allocates in SLOTS slots at random, ITERATIONS times in each thread, blocks of 16 to SIZE_MAX\n"
            "bytes, and prints nanoseconds per step. Numbers from 1; at most 256 threads. Measured is the malloc of\n"
            "the process:\n"
            "\n"
            "  LD_PRELOAD=build/release/libhakmem.so build/release/bench_random_mixed 10000000 1000 1024 1 4\n",
            asked ? stdout : stderr);
        return asked ? 0 : EXIT_USAGE;
    }
    double start_ns = now_ns();
    for (uintptr_t i = 0; i < load.threads; i++) {
        if (pthread_create(&threads[i], NULL, work, (void *)i) != 0) {
            fputs("random_mixed: cannot start a thread\n", stderr);
            return EXIT_USAGE;
        }
    }
    for (uint64_t i = 0; i < load.threads; i++) {
        pthread_join(threads[i], NULL);
    }
    printf("%.2f\n", (now_ns() - start_ns) / (double)load.iterations);
    return 0;
}
