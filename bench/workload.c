/* workload: command line, threads that start together, the clock, and the line at the end. One program a process, so
 * the state is static; threads touch only their own entry until they are joined. */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#include "bench/workload.h"

static const char *program = "workload";
static struct tally total;

static struct {
    pthread_t id;
    struct tally tally;
    unsigned index;
} threads_now[WORKLOAD_THREADS_MAX];
static pthread_barrier_t start_line;
static workload_part *part_now;

_Noreturn void workload_refuse(const char *why) {
    fprintf(stderr, "%s: %s (see --help)\n", program, why);
    exit(WORKLOAD_EXIT_USAGE);
}

_Noreturn void workload_bad(const char *what) {
    fprintf(stderr, "%s: %s\n", program, what);
    _Exit(WORKLOAD_EXIT_BAD); // nothing of a malloc that misbehaves is run any more
}

static _Noreturn void help(const char *about, const struct workload_number *numbers, unsigned count) {
    printf("Usage: %s", program);
    for (unsigned i = 0; i < count; i++) {
        printf(" [%s", numbers[i].name);
    }
    for (unsigned i = 0; i < count; i++) {
        putchar(']');
    }
    printf("\n\n%s\n\n", about);
    for (unsigned i = 0; i < count; i++) {
        printf("  %-12s %s (%" PRIu64 "; from %" PRIu64 " to %" PRIu64 ")\n", numbers[i].name, numbers[i].meaning,
               numbers[i].value, numbers[i].minimum, numbers[i].maximum);
    }
    printf("\nThe malloc measured is the process's: preload another one. Prints one line of NAME=VALUE.\n"
           "Exit code: 0, 1 the malloc misbehaved, 2 the arguments make no sense.\n");
    exit(EXIT_SUCCESS);
}

static bool read_number(const char *text, struct workload_number *number) {
    char *end;
    errno = 0;
    number->value = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0 && number->value >= number->minimum &&
           number->value <= number->maximum;
}

void workload_arguments(const char *name, const char *about, struct workload_number *numbers, unsigned count,
                        int argument_count, char **arguments) {
    program = name;
    for (int i = 1; i < argument_count; i++) {
        if (strcmp(arguments[i], "--help") == 0 || strcmp(arguments[i], "-h") == 0) {
            help(about, numbers, count);
        }
    }
    if (argument_count - 1 > (int)count) {
        workload_refuse("too many arguments");
    }
    for (int i = 1; i < argument_count; i++) {
        if (!read_number(arguments[i], &numbers[i - 1])) {
            char why[160];
            snprintf(why, sizeof why, "%s '%.40s' is not a number from %" PRIu64 " to %" PRIu64, numbers[i - 1].name,
                     arguments[i], numbers[i - 1].minimum, numbers[i - 1].maximum);
            workload_refuse(why);
        }
    }
}

double workload_now_s(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* The tally is the thread's own variable meanwhile: entries side by side would share lines of the cache. */
static void *part_thread(void *argument) {
    unsigned index = *(const unsigned *)argument;
    struct tally tally = {0};
    pthread_barrier_wait(&start_line);
    part_now(index, &tally);
    threads_now[index].tally = tally;
    return NULL;
}

static void add_up(const struct tally *tally) {
    total.written += tally->written;
    total.read += tally->read;
    total.operations += tally->operations;
}

double workload_run(unsigned threads, workload_part *part) {
    if (threads == 1) {
        struct tally tally = {0};
        double start_s = workload_now_s();
        part(0, &tally);
        double seconds = workload_now_s() - start_s;
        add_up(&tally);
        return seconds;
    }
    part_now = part;
    if (pthread_barrier_init(&start_line, NULL, threads + 1) != 0) {
        workload_refuse("there is no barrier for so many threads");
    }
    for (unsigned i = 0; i < threads; i++) {
        threads_now[i].index = i;
        if (pthread_create(&threads_now[i].id, NULL, part_thread, &threads_now[i].index) != 0) {
            workload_refuse("cannot start so many threads");
        }
    }
    double start_s = workload_now_s();
    pthread_barrier_wait(&start_line);
    for (unsigned i = 0; i < threads; i++) {
        pthread_join(threads_now[i].id, NULL);
        add_up(&threads_now[i].tally);
    }
    double seconds = workload_now_s() - start_s;
    pthread_barrier_destroy(&start_line);
    return seconds;
}

void workload_thread(void *(*function)(void *argument), void *argument) {
    pthread_t id;
    if (pthread_create(&id, NULL, function, argument) != 0) {
        workload_refuse("cannot start a thread");
    }
    pthread_join(id, NULL);
}

uint64_t workload_operations(void) {
    return total.operations;
}

int workload_report(double seconds, uint64_t operations, const char *extra) {
    if (total.written != total.read) {
        workload_bad("blocks did not keep what was written into them");
    }
    printf("workload=%s operations=%" PRIu64 " seconds=%.6f ns_per_operation=%.2f checksum=%016" PRIx64 "%s%s\n",
           program, operations, seconds, seconds * 1e9 / (double)operations, total.read, *extra != '\0' ? " " : "",
           extra);
    return EXIT_SUCCESS;
}
