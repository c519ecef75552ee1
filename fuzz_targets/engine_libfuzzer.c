/* engine_libfuzzer: the LLVMFuzzer functions, for libFuzzer and for any engine that calls the same ones.
 *
 * Beside the glue it does three things. It refuses arguments that libFuzzer would take in silence: a file that cannot
 * be a program, a directory of texts, options with two dashes. It runs files that are given twice and compares. And it
 * says "hakmem-totals: {json}" at the end however that comes, and once a second
 * when HAKMEM_PROGRESS is 1, because libFuzzer counts executions but knows no operations. */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fuzz_targets/fuzz.h"
#include "fuzz_targets/machine.h"
#include "fuzz_targets/replay.h"
#include "oracle/feedback.h"
#include "oracle/guide.h"
#include "oracle/input.h"
#include "oracle/mutate.h"
#include "oracle/world.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes);
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size_bytes, size_t capacity_bytes, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_bytes, const uint8_t *b, size_t b_bytes, uint8_t *out,
                                 size_t capacity_bytes, unsigned seed);

/* Of libFuzzer; other engines that call the functions below need not have it. */
#if HAK_LIBFUZZER
size_t LLVMFuzzerMutate(uint8_t *bytes, size_t size_bytes, size_t capacity_bytes);
#define engine_mutate LLVMFuzzerMutate
#else
#define engine_mutate(bytes, size_bytes, capacity_bytes) (size_bytes)
#endif

static bool progress_wanted;
static bool files_given; /* inputs to be run, not a corpus to fuzz from */
static time_t progress_shown;

static _Noreturn void refuse(const char *path, const char *why, const char *way_out) {
    input_complain(path, why, way_out);
    exit(EXIT_UNABLE);
}

static void check_directory(const char *path) {
    DIR *directory = opendir(path);
    if (directory == NULL) {
        refuse(path, strerror(errno), "give a directory that can be read");
    }
    for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
        size_t length = strlen(entry->d_name);
        if (length > 4 && strcmp(entry->d_name + length - 4, ".hak") == 0) {
            refuse(path, "holds text form", "the assembled programs are below corpus/ in the build tree");
        }
    }
    closedir(directory);
}

static void check_file(const char *path) {
    struct input input;
    if (!input_load(path, INPUT_NO_TEXT, &input)) {
        exit(EXIT_UNABLE);
    }
    input_free(&input);
}

static void print_help(void) {
    printf("fuzz_%s: %s\n\n"
           "  fuzz_%s [-OPTION=VALUE...] FILE...       run each file twice, and compare the two runs\n"
           "  fuzz_%s [-OPTION=VALUE...] [DIRECTORY...]  fuzz; what is new goes to the first directory\n\n"
           "Files hold programs in bytes (hakfuzz asm makes them of text). The options are libFuzzer's: -help=1 lists\n"
           "them; -runs=N and -max_total_time=SECONDS end it. The variable %s names a fault to put back.\n"
           "'ci/fuzz' does all of it; 'hakfuzz repro FILE' explains a finding.\n",
           fuzz_target->name, fuzz_target->purpose, fuzz_target->name, fuzz_target->name, FUZZ_FAULT_VARIABLE);
}

/* libFuzzer passes over what it does not know and begins to fuzz. */
static void check_option(const char *option) {
    if (strcmp(option, "--help") == 0 || strcmp(option, "-h") == 0) {
        print_help();
        fflush(stdout);
        exit(EXIT_CLEAN);
    }
    if (option[1] == '-' || option[1] == '\0') {
        fprintf(stderr, "fuzz_%s: unknown option '%s'; options are those of libFuzzer, -NAME=VALUE (see --help)\n",
                fuzz_target->name, option);
        exit(EXIT_UNABLE);
    }
}

static void check_arguments(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        struct stat status;
        if (strcmp(argv[i], "-ignore_remaining_args=1") == 0) {
            return;
        }
        if (argv[i][0] == '-') {
            if (HAK_LIBFUZZER) {
                check_option(argv[i]);
            }
            continue;
        }
        if (stat(argv[i], &status) != 0) {
            refuse(argv[i], strerror(errno), "give files with programs, or directories");
        }
        if (S_ISDIR(status.st_mode)) {
            check_directory(argv[i]);
        } else if (S_ISREG(status.st_mode)) {
            check_file(argv[i]);
            files_given = true;
        } else {
            refuse(argv[i], "is neither a file nor a directory", "save its content to a file first");
        }
    }
}

/* An execution of microseconds need not wait twenty minutes to be called a hang: in front, so that the user's own
 * option wins. And a process that forks for each input may have no second thread: what that thread holds at a fork, as
 * a lock of AddressSanitizer's while it starts, nobody gives back in the fork. libFuzzer's is the one that watches its
 * memory, which the inputs there do not use; so that option comes last. */
static void add_options(int *argc, char ***argv) {
    static char timeout[] = "-timeout=30", one_thread[] = "-rss_limit_mb=0";
    char **longer = calloc((size_t)*argc + 3, sizeof *longer);
    if (longer == NULL || *argc < 1) {
        return;
    }
    longer[0] = (*argv)[0];
    longer[1] = timeout;
    memcpy(longer + 2, *argv + 1, (size_t)(*argc - 1) * sizeof *longer);
    *argc += 1;
    if (machine_forks()) {
        longer[*argc] = one_thread;
        *argc += 1;
    }
    *argv = longer;
}

static void print_totals_at_exit(void) {
    fuzz_print_totals(STDERR_FILENO);
}

/* Print the totals, then let the signal have the effect it had before. */
static struct sigaction action_before[NSIG];

static void on_end(int number) {
    fuzz_print_totals(STDERR_FILENO);
    sigaction(number, &action_before[number], NULL);
    raise(number);
}

/* libFuzzer leaves by _exit on these, and leaves alone a handler that it finds; so this waits until its own are set. */
static void watch_signals(void) {
    static const int ends[] = {SIGABRT, SIGINT, SIGTERM};
    struct sigaction action = {.sa_handler = on_end, .sa_flags = SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        sigaction(ends[i], &action, &action_before[ends[i]]);
    }
}

/* Also at each power of two, because a sanitizer's finding in the first second ends the process without a word. */
static void show_progress(void) {
    static uint64_t calls;
    struct timespec now;
    calls++;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    if (now.tv_sec != progress_shown || (calls & (calls - 1)) == 0) {
        progress_shown = now.tv_sec;
        fuzz_print_totals(STDERR_FILENO);
    }
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    check_arguments(*argc, *argv);
    if (HAK_LIBFUZZER) {
        add_options(argc, argv); /* another engine, as AFL++'s driver, would take it for a number of runs */
    }
    fuzz_open(getenv(FUZZ_FAULT_VARIABLE), FUZZ_FAULT_VARIABLE);
    feedback_open();
    const char *progress = getenv("HAKMEM_PROGRESS");
    progress_wanted = progress != NULL && strcmp(progress, "1") == 0;
    atexit(print_totals_at_exit);
    return 0;
}

/* An input that somebody gave has its determinism proven each time: in fuzzing that is done for a sample only, so a
 * finding of that kind would not come back. */
static int run_proven(const uint8_t *bytes, size_t size_bytes) {
    struct verdict verdict;
    if (replay_run(bytes, size_bytes, true, stderr, &verdict) != CHECK_NONE) {
        world_print_finding(fuzz_target, &verdict, stderr);
        abort();
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes) {
    static bool watching;
    if (!watching) {
        watching = true;
        watch_signals();
    }
    if (size_bytes > PROGRAM_BYTES_MAX) {
        return -1;
    }
    if (progress_wanted) {
        show_progress();
    }
    if (files_given) {
        return run_proven(bytes, size_bytes);
    }
    fuzz_one(bytes, size_bytes);
    return 0;
}

/* Without the guide `structure` it is the engine's own mutator that works, where there is one. */
static bool mutates_itself(void) {
    return HAK_LIBFUZZER && !guide_is_there(GUIDE_STRUCTURE);
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size_bytes, size_t capacity_bytes, unsigned seed) {
    struct mutate_random random;
    if (mutates_itself()) {
        return engine_mutate(bytes, size_bytes, capacity_bytes);
    }
    mutate_seed_for(&random, seed, fuzz_target);
    if (capacity_bytes < PROGRAM_HEADER_BYTES) {
        return size_bytes; /* no room for a program */
    }
    return mutate_or_generate(&random, bytes, size_bytes, capacity_bytes);
}

/* libFuzzer asks for a crossing as often as for a mutation. A crossing alone makes nothing that is new: one in eight of
 * all is enough, and is mutated too; the others are mutations. */
enum { CROSS_ONE_IN = 4 };

size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_bytes, const uint8_t *b, size_t b_bytes, uint8_t *out,
                                 size_t capacity_bytes, unsigned seed) {
    struct mutate_random random;
    if (mutates_itself()) {
        size_t kept_bytes = a_bytes < capacity_bytes ? a_bytes : capacity_bytes;
        memcpy(out, a, kept_bytes);
        return engine_mutate(out, kept_bytes, capacity_bytes); /* which crosses too */
    }
    mutate_seed_for(&random, seed, fuzz_target);
    if (capacity_bytes < PROGRAM_HEADER_BYTES) {
        return 0;
    }
    if (mutate_below(&random, CROSS_ONE_IN) == 0) {
        size_t crossed_bytes = mutate_cross(&random, a, a_bytes, b, b_bytes, out, capacity_bytes);
        return mutate(&random, out, crossed_bytes, capacity_bytes);
    }
    size_t kept_bytes = a_bytes < capacity_bytes ? a_bytes : capacity_bytes;
    memcpy(out, a, kept_bytes);
    return mutate_or_generate(&random, out, kept_bytes, capacity_bytes);
}
