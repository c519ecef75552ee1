/* detect_afl: AFL++ with the fuzz target of the afl preset, which stays in one process for many executions, and our
 * mutator as its library. It begins from one input of one byte, since it refuses to begin from none. What it finds
 * first ends it. The number of executions stands in the name of the crash it saves, else in its statistics.
 *
 * With a fixed seed AFL++ repeats what it decides by chance, but not what it decides by the clock (how long an input
 * took, when it last told its statistics), so a trial comes out alike mostly, not always. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "oracle/guide.h"
#include "tools/child.h"
#include "tools/detect.h"
#include "tools/place.h"
#include "tools/terminal.h"

enum { TIMEOUT_S = 6 * 3600, PATH_BYTES_MAX = 4096 };

static bool tick(void *context, size_t done) {
    (void)context;
    (void)done;
    return !interrupted();
}

/* In PATH; to be freed. */
static char *program_find(const char *name) {
    const char *path = getenv("PATH");
    while (path != NULL && *path != '\0') {
        char *file = NULL;
        size_t length = strcspn(path, ":");
        if (asprintf(&file, "%.*s/%s", (int)length, path, name) < 0) {
            return NULL;
        }
        if (access(file, X_OK) == 0) {
            return file;
        }
        free(file);
        path += length + (path[length] == ':');
    }
    fprintf(stderr, "hakfuzz detect: %s is not installed (ci/setup --test)\n", name);
    return NULL;
}

/* Beside the fuzz target; to be freed. */
static char *mutator_find(const char *binary) {
    char *file = NULL;
    const char *slash = strrchr(binary, '/');
    if (asprintf(&file, "%.*s/libhakmem_mutator.so", (int)(slash - binary), binary) < 0) {
        return NULL;
    }
    if (access(file, R_OK) != 0) {
        fprintf(stderr, "hakfuzz detect: %s is not built: cmake --build --preset afl --target hakmem_mutator\n", file);
        free(file);
        return NULL;
    }
    return file;
}

static bool make_corpus(const char *directory) {
    static const uint8_t first[] = {'\n'};
    char path[PATH_BYTES_MAX];
    snprintf(path, sizeof path, "%s/in", directory);
    char *file = mkdir(path, 0700) == 0 ? temporary_write(path, "first", first, sizeof first) : NULL;
    free(file);
    return file != NULL;
}

/* "id:000000,sig:06,src:000000,time:12,execs:456,op:havoc" */
static void read_crash(const char *directory, struct detect_shared *shared) {
    char path[PATH_BYTES_MAX], file_path[PATH_BYTES_MAX + 512];
    snprintf(path, sizeof path, "%s/out/default/crashes", directory);
    DIR *listing = opendir(path);
    const struct dirent *entry;
    while (listing != NULL && !shared->trial.found && (entry = readdir(listing)) != NULL) {
        const char *executions = strstr(entry->d_name, ",execs:");
        if (strncmp(entry->d_name, "id:", 3) != 0 || executions == NULL) {
            continue;
        }
        shared->trial.found = true;
        shared->trial.executions = strtoull(executions + strlen(",execs:"), NULL, 10);
        snprintf(file_path, sizeof file_path, "%s/%s", path, entry->d_name);
        FILE *file = fopen(file_path, "rb");
        shared->size_bytes = file != NULL ? fread(shared->bytes, 1, sizeof shared->bytes, file) : 0;
        if (file != NULL) {
            fclose(file);
        }
    }
    if (listing != NULL) {
        closedir(listing);
    }
}

/* "execs_done        : 456"; 0 when there is no such file. */
static uint64_t executions_done(const char *directory) {
    char path[PATH_BYTES_MAX], line[512];
    unsigned long long executions = 0;
    snprintf(path, sizeof path, "%s/out/default/fuzzer_stats", directory);
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL &&
           sscanf(line, "execs_done : %llu", &executions) != 1) {
    }
    if (file != NULL) {
        fclose(file);
    }
    return executions;
}

/* The target prints its line where afl-fuzz does not show it, so the check is that of another run. */
static void judge(const struct detect_plan *plan, const char *directory, struct detect_shared *shared) {
    struct detect_trial *trial = &shared->trial;
    read_crash(directory, shared);
    if (trial->found) {
        struct verdict verdict;
        detect_replay(plan, true, shared->bytes, shared->size_bytes, &verdict);
        /* What AFL++ saw and another run does not is that runs differ, if nothing worse. */
        enum check check = verdict.check != CHECK_NONE ? verdict.check : CHECK_NONDETERMINISM;
        snprintf(trial->check, sizeof trial->check, "%s", check_table[check].id);
        trial->first_reached = verdict.fault_reached > 0 ? trial->executions : 0;
        trial->first_triggered = verdict.fault_triggered > 0 ? trial->executions : 0;
    } else {
        trial->executions = executions_done(directory);
    }
    trial->done = trial->executions > 0;
}

static void explain(const struct child *child) {
    char outcome[96];
    child_outcome(child, outcome, sizeof outcome);
    size_t from = child->output_bytes > 1500 ? child->output_bytes - 1500 : 0;
    fprintf(stderr, "hakfuzz detect: afl-fuzz did not work (%s). The end of its output:\n%s\n", outcome,
            child->output != NULL ? child->output + from : "");
}

static bool run(const struct detect_plan *plan, uint64_t seed, const char *fuzzer, const char *binary,
                const char *directory, struct detect_shared *shared) {
    char runs[32], seed_text[32], *library = NULL, *mutator = mutator_find(binary);
    if (mutator == NULL || asprintf(&library, "AFL_CUSTOM_MUTATOR_LIBRARY=%s", mutator) < 0) {
        free(mutator);
        return false;
    }
    bool is_ours = !guide_among(plan->without, GUIDE_STRUCTURE); /* else havoc, splice and trim work */
    const char *environment[] = {
        "AFL_NO_UI=1",
        "AFL_SKIP_CPUFREQ=1",
        "AFL_NO_AFFINITY=1",
        "AFL_BENCH_UNTIL_CRASH=1",
        "AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1",
        "AFL_NO_CRASH_README=1",
        is_ours ? library : NULL, /* which would end the list */
        "AFL_CUSTOM_MUTATOR_ONLY=1",
        NULL,
    };
    snprintf(runs, sizeof runs, "%llu", (unsigned long long)plan->max_runs);
    snprintf(seed_text, sizeof seed_text, "%llu", (unsigned long long)seed);
    struct child child = {
        .arguments = {fuzzer, "-s", seed_text, "-E", runs, "-t", "30000", "-i", "in", "-o", "out", "--", binary},
        .directory = directory,
        .fault = plan->fault->name,
        .without = plan->without,
        .environment = environment,
        .timeout_s = TIMEOUT_S,
    };
    children_run(&child, 1, 1, tick, NULL);
    if (child.done) {
        judge(plan, directory, shared);
    }
    bool good = shared->trial.done || interrupted();
    if (!good) {
        explain(&child);
    }
    children_free(&child, 1);
    free(library);
    free(mutator);
    return good;
}

bool detect_afl(const struct detect_plan *plan, uint64_t seed, struct detect_shared *shared) {
    char *binary = detect_binary(plan), *fuzzer = binary != NULL ? program_find("afl-fuzz") : NULL;
    char *directory = fuzzer != NULL ? temporary_make() : NULL;
    bool good = directory != NULL && make_corpus(directory) && run(plan, seed, fuzzer, binary, directory, shared);
    temporary_remove(directory);
    free(fuzzer);
    free(binary);
    return good;
}
