/* detect_libfuzzer: the coverage-guided engine, as the fuzz target's own binary, two at a time, each in a directory of
 * its own with an empty corpus. The finding is read from its hakmem-finding line, the number of executions from
 * libFuzzer's final statistics, the input from the crash file it leaves. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oracle/program.h"
#include "tools/child.h"
#include "tools/detect.h"
#include "tools/place.h"
#include "tools/terminal.h"

enum { TIMEOUT_S = 3600 };

struct watch {
    const struct detect_plan *plan;
};

static bool tick(void *context, size_t done) {
    const struct watch *watch = context;
    progress("%s: %zu of %u trials of libFuzzer done", watch->plan->fault->name, done, watch->plan->trials);
    return !interrupted();
}

/* The number behind the last "stat::number_of_executed_units:"; 0 when there is none. */
static uint64_t executed_units(const struct child *child) {
    static const char label[] = "stat::number_of_executed_units:";
    const char *last = NULL;
    for (const char *next = child->output; (next = strstr(next, label)) != NULL; next += sizeof label - 1) {
        last = next + sizeof label - 1;
    }
    return last != NULL ? strtoull(last, NULL, 10) : 0;
}

/* Read the crash file of a trial. Returns its size, 0 when there is none. */
static size_t read_crash(const char *directory, uint8_t *bytes, size_t capacity) {
    DIR *listing = opendir(directory);
    size_t size_bytes = 0;
    const struct dirent *entry;
    while (listing != NULL && size_bytes == 0 && (entry = readdir(listing)) != NULL) {
        char *path = NULL;
        if (strncmp(entry->d_name, "crash-", 6) == 0 && asprintf(&path, "%s/%s", directory, entry->d_name) >= 0) {
            FILE *file = fopen(path, "rb");
            size_bytes = file != NULL ? fread(bytes, 1, capacity, file) : 0;
            if (file != NULL) {
                fclose(file);
            }
            free(path);
        }
    }
    if (listing != NULL) {
        closedir(listing);
    }
    return size_bytes;
}

/* The tool's own runs of the crash tell what the binary's line does not: whether the fault is to blame. */
static void judge(const struct detect_plan *plan, const struct child *child, struct detect_trial *trial) {
    struct child_finding finding = {0};
    trial->executions = executed_units(child);
    trial->done = trial->executions > 0;
    trial->found = child_find(child, &finding);
    if (!trial->found) {
        /* Ended by a sanitizer: no line, but a finding all the same. */
        trial->found = trial->executions > 0 && strstr(child->output, "Test unit written to ") != NULL;
        snprintf(finding.check, sizeof finding.check, "%s", check_table[CHECK_CRASH].id);
    }
    if (!trial->found) {
        return;
    }
    snprintf(trial->check, sizeof trial->check, "%s", finding.check);
    static uint8_t bytes[PROGRAM_BYTES_MAX];
    size_t size_bytes = read_crash(child->directory, bytes, sizeof bytes);
    if (size_bytes > 0) {
        const struct target_info *target = plan->target;
        struct verdict verdict;
        detect_replay(target, plan->fault->name, bytes, size_bytes, &verdict);
        trial->first_reached = verdict.fault_reached > 0 ? trial->executions : 0;
        trial->first_triggered = verdict.fault_triggered > 0 ? trial->executions : 0;
        trial->without_fault = detect_replay(target, "", bytes, size_bytes, &verdict);
    }
}

static void explain(const struct child *child) {
    char outcome[96];
    child_outcome(child, outcome, sizeof outcome);
    size_t from = child->output_bytes > 1500 ? child->output_bytes - 1500 : 0;
    progress_end();
    fprintf(stderr,
            "hakfuzz detect: %s did not work (%s); is it the libFuzzer build (cmake --preset fuzz)? The "
            "end of its output:\n%s\n",
            child->arguments[0], outcome, child->output != NULL ? child->output + from : "");
}

/* Trials side by side; each owns seed_texts[i] and a directory. */
static bool run_trials(const struct detect_plan *plan, const char *binary, struct child *children,
                       char (*seed_texts)[24], struct detect_trial *trials) {
    char runs[32];
    snprintf(runs, sizeof runs, "-runs=%llu", (unsigned long long)plan->max_runs);
    bool good = true;
    for (unsigned i = 0; i < plan->trials && good; i++) {
        snprintf(seed_texts[i], sizeof seed_texts[i], "-seed=%u", i + 1);
        children[i] = (struct child){
            .arguments = {binary, seed_texts[i], runs, "-print_final_stats=1"},
            .directory = temporary_make(),
            .fault = plan->fault->name,
            .without = plan->without,
            .timeout_s = TIMEOUT_S,
        };
        good = children[i].directory != NULL;
    }
    if (good) {
        struct watch watch = {plan};
        children_run(children, plan->trials, CHILDREN_AT_ONCE, tick, &watch);
    }
    bool explained = false;
    for (unsigned i = 0; i < plan->trials; i++) {
        if (good && children[i].done && children[i].output != NULL) {
            judge(plan, &children[i], &trials[i]);
            if (!trials[i].done && !explained) {
                explain(&children[i]);
                explained = true;
            }
        }
        temporary_remove((char *)(uintptr_t)children[i].directory);
    }
    return good && !explained;
}

bool detect_libfuzzer(const struct detect_plan *plan, struct detect_trial *trials) {
    char name[64];
    snprintf(name, sizeof name, "../fuzz/fuzz_%s", plan->target->name);
    char *binary = sibling_find(name);
    struct child *children = calloc(plan->trials, sizeof *children);
    char(*seed_texts)[24] = calloc(plan->trials, sizeof *seed_texts);
    bool good = false;
    if (binary == NULL) {
        fprintf(stderr, "hakfuzz detect: build/%s is not built: cmake --preset fuzz && cmake --build --preset fuzz\n",
                name + sizeof "../" - 1);
    } else if (children != NULL && seed_texts != NULL) {
        good = run_trials(plan, binary, children, seed_texts, trials);
        children_free(children, plan->trials);
    }
    free(seed_texts);
    free(children);
    free(binary);
    return good;
}
