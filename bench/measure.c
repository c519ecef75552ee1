/* measure: runs a command and writes what the kernel counted for it, as one JSON object. Small on purpose: a process
 * starts with the peak resident memory of whoever called exec, so an interpreter must not do that itself.
 *
 *   measure REPORT REPEATS PRELOAD COMMAND [ARGUMENT...]
 *
 * REPORT is a file. With REPEATS above 1 times are medians and the rest is of the last run. PRELOAD is for LD_PRELOAD
 * of the command alone; '-' is none. Exit 0 when something was measured, whatever the command did; 2 otherwise. */
#include <errno.h>
#include <inttypes.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { REPORT = 1, REPEATS, PRELOAD, COMMAND, REPEATS_MAX = 10000, EXIT_USAGE = 2, EXIT_NO_COMMAND = 127 };

static double seconds[REPEATS_MAX];

static double now_s(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static double seconds_of(struct timeval time) {
    return (double)time.tv_sec + (double)time.tv_usec * 1e-6;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Counts for this process's children, from their exec on. -1 where the machine does not count. */
static int cycles_open(void) {
    struct perf_event_attr attributes = {.type = PERF_TYPE_HARDWARE,
                                         .size = sizeof attributes,
                                         .config = PERF_COUNT_HW_CPU_CYCLES,
                                         .disabled = 1,
                                         .inherit = 1,
                                         .enable_on_exec = 1,
                                         .exclude_hv = 1};
    return (int)syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0UL);
}

static int run(char **arguments, struct rusage *usage, double *elapsed_s, int64_t *cycles) {
    int status, counter = cycles_open();
    double start_s = now_s();
    pid_t child = fork();
    if (child == 0) {
        if (strcmp(arguments[PRELOAD], "-") != 0) {
            setenv("LD_PRELOAD", arguments[PRELOAD], 1);
        }
        execvp(arguments[COMMAND], &arguments[COMMAND]);
        fprintf(stderr, "measure: %s: %s\n", arguments[COMMAND], strerror(errno));
        _exit(EXIT_NO_COMMAND);
    }
    while (child > 0 && wait4(child, &status, 0, usage) < 0) {
        if (errno != EINTR) {
            child = -1;
        }
    }
    *elapsed_s = now_s() - start_s;
    uint64_t count;
    *cycles = counter >= 0 && read(counter, &count, sizeof count) == sizeof count ? (int64_t)count : -1;
    if (counter >= 0) {
        close(counter);
    }
    if (child < 0) {
        perror("measure: cannot run anything");
        exit(EXIT_USAGE);
    }
    return status;
}

static void write_report(FILE *file, int status, const struct rusage *usage, unsigned count, int64_t cycles) {
    char cycle_text[32] = "null";
    if (cycles >= 0) {
        snprintf(cycle_text, sizeof cycle_text, "%" PRId64, cycles);
    }
    qsort(seconds, count, sizeof seconds[0], compare);
    fprintf(file,
            "{\"exit\": %d, \"signal\": %d, \"repeats\": %u, \"wall_s\": %.7f, \"best_s\": %.7f, "
            "\"user_s\": %.6f, "
            "\"system_s\": %.6f, \"resident_kib\": %ld, \"faults\": %ld, \"cycles\": %s}\n",
            WIFEXITED(status) ? WEXITSTATUS(status) : -1, WIFSIGNALED(status) ? WTERMSIG(status) : 0, count,
            seconds[count / 2], seconds[0], seconds_of(usage->ru_utime), seconds_of(usage->ru_stime), usage->ru_maxrss,
            usage->ru_minflt, cycle_text);
}

int main(int argc, char **argv) {
    char *end;
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        puts("Usage: measure REPORT REPEATS PRELOAD COMMAND [ARGUMENT...]\n\n"
             "Runs COMMAND, REPEATS times, with LD_PRELOAD=PRELOAD ('-': none); writes times, resident memory, page\n"
             "faults and cycles as JSON into the file REPORT. Exit code: 0 measured, 2 not.");
        return EXIT_SUCCESS;
    }
    unsigned long repeats = argc > COMMAND ? strtoul(argv[REPEATS], &end, 10) : 0;
    if (repeats == 0 || repeats > REPEATS_MAX || *end != '\0') {
        fprintf(stderr, "measure: REPORT REPEATS (1 to %d) PRELOAD COMMAND are wanted (see --help)\n", REPEATS_MAX);
        return EXIT_USAGE;
    }
    FILE *file = fopen(argv[REPORT], "we");
    if (file == NULL) {
        fprintf(stderr, "measure: %s: %s\n", argv[REPORT], strerror(errno));
        return EXIT_USAGE;
    }
    struct rusage usage;
    int status = 0;
    int64_t cycles = -1;
    unsigned count = 0;
    while (count < repeats && status == 0) {
        status = run(argv, &usage, &seconds[count++], &cycles);
    }
    write_report(file, status, &usage, count, cycles);
    return fclose(file) == 0 ? EXIT_SUCCESS : EXIT_USAGE;
}
