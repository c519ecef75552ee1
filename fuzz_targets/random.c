/* random: the loop of the built-in fuzzing mode.
 *
 * State lives in one object, because two signal handlers need it: Ctrl-C asks the loop to end, and the alarm, which the
 * loop keeps winding up, saves the input of an execution that does not end. */
#include "fuzz_targets/random.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fuzz_targets/fuzz.h"
#include "fuzz_targets/machine.h"
#include "oracle/mutate.h"

enum {
    POOL_FRESH = 64,   /* entries of the pool beside those that the user gave */
    RECORDS_MAX = 256, /* what mutation grows a program to: longer ones are slower and no richer */
    GROWN_BYTES_MAX = PROGRAM_HEADER_BYTES + PROGRAM_RECORD_BYTES * (RECORDS_MAX + PROGRAM_GENES_MAX),
    PROVE_EVERY = 4096, /* runs between proofs of reset and determinism */
    HANG_SECONDS = 30,
};

struct entry {
    size_t size_bytes;
    uint8_t bytes[PROGRAM_BYTES_MAX];
};

static struct {
    struct mutate_random random;
    struct entry *pool;
    uint32_t pool_count;
    struct entry current;
    char artifact[PATH_MAX]; /* where `current` goes; the part after the directory is filled in when known */
    size_t directory_length;
    uint64_t runs;
    double started;
    double shown; /* when progress was last printed */
    volatile sig_atomic_t interrupted;
} state;

static double now_seconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* Name and write the current input. Only what a signal handler may do. */
static bool save_current(const char *kind) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < state.current.size_bytes; i++) {
        hash = (hash ^ state.current.bytes[i]) * UINT64_C(0x100000001b3);
    }
    char *end = state.artifact + state.directory_length;
    memcpy(end, kind, strlen(kind));
    end += strlen(kind);
    for (int shift = 60; shift >= 0; shift -= 4) {
        *end++ = "0123456789abcdef"[(hash >> shift) & 15];
    }
    *end = '\0';
    int file = open(state.artifact, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file < 0) {
        return false;
    }
    bool written = write(file, state.current.bytes, state.current.size_bytes) == (ssize_t)state.current.size_bytes;
    return close(file) == 0 && written;
}

static void on_interrupt(int number) {
    (void)number;
    state.interrupted = 1;
}

static void say(const char *text) {
    ssize_t ignored = write(STDERR_FILENO, text, strlen(text));
    (void)ignored;
}

static void on_alarm(int number) {
    (void)number;
    bool saved = save_current("timeout-");
    say("\nfinding: one execution does not end; its input: ");
    say(saved ? state.artifact : "could not be written");
    say("\n");
    _exit(EXIT_FINDING);
}

static void install_handlers(void) {
    struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND | SA_RESTART | SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    action.sa_handler = on_alarm;
    sigaction(SIGALRM, &action, NULL);
}

/* Make sure a finding can be written before there is one. */
static bool open_artifacts(const char *directory) {
    int length = snprintf(state.artifact, sizeof state.artifact, "%s/", directory);
    if (length < 0 || (size_t)length + 32 > sizeof state.artifact) {
        fprintf(stderr, "fuzz_%s: --artifacts: the path is too long\n", fuzz_target->name);
        return false;
    }
    state.directory_length = (size_t)length;
    bool is_ready = (mkdir(directory, 0777) == 0 || errno == EEXIST) && access(state.artifact, W_OK | X_OK) == 0;
    if (!is_ready) {
        fprintf(stderr, "fuzz_%s: --artifacts '%s': %s; give a directory that can be written\n", fuzz_target->name,
                directory, strerror(errno));
    }
    return is_ready;
}

static size_t capacity_of(const struct entry *entry) {
    return entry->size_bytes > GROWN_BYTES_MAX ? entry->size_bytes : GROWN_BYTES_MAX;
}

static void copy_entry(struct entry *to, const struct entry *from) {
    to->size_bytes = from->size_bytes;
    memcpy(to->bytes, from->bytes, from->size_bytes);
}

static void generate(struct entry *entry, unsigned records_max) {
    unsigned records = 4 + mutate_below(&state.random, records_max);
    entry->size_bytes = mutate_generate(&state.random, records, entry->bytes, GROWN_BYTES_MAX);
}

static bool fill_pool(const struct files *seeds) {
    state.pool_count = (uint32_t)seeds->count + POOL_FRESH;
    state.pool = calloc(state.pool_count, sizeof *state.pool);
    if (state.pool == NULL) {
        fprintf(stderr, "fuzz_%s: out of memory for %u programs\n", fuzz_target->name, (unsigned)state.pool_count);
        return false;
    }
    for (uint32_t i = 0; i < state.pool_count; i++) {
        struct input input;
        if (i >= seeds->count) {
            generate(&state.pool[i], RECORDS_MAX / 4);
            continue;
        }
        if (!input_load(seeds->paths[i], INPUT_EITHER, &input)) {
            return false;
        }
        state.pool[i].size_bytes = input.size_bytes;
        memcpy(state.pool[i].bytes, input.bytes, input.size_bytes);
        input_free(&input);
    }
    return true;
}

/* First the seeds as they are. Then one program in eight is fresh, one is a cross, and the others are one to four
 * mutations away from one in the pool. */
static void make_current(size_t seed_count) {
    struct mutate_random *random = &state.random;
    struct entry *current = &state.current;
    if (state.runs < seed_count) {
        copy_entry(current, &state.pool[state.runs]);
        return;
    }
    const struct entry *parent = &state.pool[mutate_below(random, state.pool_count)];
    uint32_t way = mutate_below(random, 8);
    if (way == 0) {
        generate(current, RECORDS_MAX / 2);
        return;
    }
    if (way == 1) {
        const struct entry *other = &state.pool[mutate_below(random, state.pool_count)];
        current->size_bytes = mutate_cross(random, parent->bytes, parent->size_bytes, other->bytes, other->size_bytes,
                                           current->bytes, GROWN_BYTES_MAX);
        return;
    }
    copy_entry(current, parent);
    for (uint32_t i = mutate_below(random, 4) + 1; i > 0; i--) {
        current->size_bytes = mutate(random, current->bytes, current->size_bytes, capacity_of(current));
    }
}

static void show_progress(double now) {
    struct world_totals totals = machine_totals();
    double seconds = now - state.started;
    bool is_terminal = isatty(STDERR_FILENO);
    fprintf(stderr, "%s%5.0f s  %" PRIu64 " executions  %" PRIu64 " operations  %.0f exec/s%s", is_terminal ? "\r" : "",
            seconds, state.runs, totals.operations, (double)state.runs / seconds, is_terminal ? "   " : "\n");
    state.shown = now;
    alarm(HANG_SECONDS);
}

static void end_progress(void) {
    if (isatty(STDERR_FILENO) && state.shown > state.started) {
        fputc('\n', stderr);
    }
}

static void show_summary(const struct random_options *options, const char *outcome) {
    struct world_totals totals = machine_totals();
    double seconds = now_seconds() - state.started;
    printf("fuzz_%s: %s; %" PRIu64 " executions, %" PRIu64 " operations, %.1f s, %.0f exec/s, seed %" PRIu64 "\n",
           fuzz_target->name, outcome, state.runs, totals.operations, seconds,
           (double)state.runs / (seconds > 0.001 ? seconds : 0.001), options->seed);
}

static bool is_over(const struct random_options *options, double now) {
    return state.interrupted || (options->runs > 0 && state.runs >= options->runs) ||
           (options->seconds > 0 && now - state.started >= (double)options->seconds);
}

static int finish_finding(const struct random_options *options, struct verdict *verdict) {
    alarm(0);
    end_progress();
    bool saved = save_current("crash-");
    if (!saved) {
        fprintf(stderr, "fuzz_%s: cannot write '%s': %s\n", fuzz_target->name, state.artifact, strerror(errno));
    }
    /* Once more, this time with the report; a finding that does not come back is one too, and says so. */
    struct verdict again;
    if (replay_run(state.current.bytes, state.current.size_bytes, verdict->check == CHECK_NONDETERMINISM, stdout,
                   &again) != CHECK_NONE) {
        *verdict = again;
    } else {
        puts("The finding did not come back when the input ran again, so something outlives a run.");
    }
    replay_print_finding(&options->self, state.artifact, verdict);
    show_summary(options, "finding");
    return EXIT_FINDING;
}

int random_fuzz(const struct random_options *options) {
    mutate_seed_for(&state.random, options->seed, fuzz_target);
    if (!open_artifacts(options->artifacts) || !fill_pool(&options->seeds)) {
        return EXIT_UNABLE;
    }
    install_handlers();
    state.started = state.shown = now_seconds();
    alarm(HANG_SECONDS);
    for (double now = state.started; !is_over(options, now); now = now_seconds()) {
        if (now - state.shown >= 1.0) {
            show_progress(now);
        }
        make_current(options->seeds.count);
        struct verdict verdict;
        if (replay_run(state.current.bytes, state.current.size_bytes, state.runs++ % PROVE_EVERY == 0, NULL,
                       &verdict) != CHECK_NONE) {
            return finish_finding(options, &verdict);
        }
        if (mutate_below(&state.random, 4) == 0) {
            copy_entry(&state.pool[mutate_below(&state.random, state.pool_count)], &state.current);
        }
    }
    alarm(0);
    end_progress();
    show_summary(options, state.interrupted ? "interrupted, clean" : "clean");
    return EXIT_CLEAN;
}
