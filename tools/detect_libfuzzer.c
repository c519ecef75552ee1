/* detect_libfuzzer: the coverage-guided engine, as the fuzz target's own binary, in a directory of its own with an
 * empty corpus. The finding is read from its hakmem-finding line, the number of executions from libFuzzer's final
 * statistics, the input from the crash file it leaves. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/child.h"
#include "tools/detect.h"
#include "tools/place.h"
#include "tools/terminal.h"

enum { TIMEOUT_S = 6 * 3600 };

static bool tick(void *context, size_t done) {
    (void)context;
    (void)done;
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

static void read_crash(const char *directory, struct detect_shared *shared) {
    DIR *listing = opendir(directory);
    const struct dirent *entry;
    while (listing != NULL && shared->size_bytes == 0 && (entry = readdir(listing)) != NULL) {
        char *path = NULL;
        if (strncmp(entry->d_name, "crash-", 6) == 0 && asprintf(&path, "%s/%s", directory, entry->d_name) >= 0) {
            FILE *file = fopen(path, "rb");
            shared->size_bytes = file != NULL ? fread(shared->bytes, 1, sizeof shared->bytes, file) : 0;
            if (file != NULL) {
                fclose(file);
            }
            free(path);
        }
    }
    if (listing != NULL) {
        closedir(listing);
    }
}

static void judge(const struct detect_plan *plan, const struct child *child, struct detect_shared *shared) {
    struct detect_trial *trial = &shared->trial;
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
    read_crash(child->directory, shared);
    if (shared->size_bytes > 0) {
        /* What the binary's line does not tell: whether the fault is to blame. */
        struct verdict verdict;
        detect_replay(plan, true, shared->bytes, shared->size_bytes, &verdict);
        trial->first_reached = verdict.fault_reached > 0 ? trial->executions : 0;
        trial->first_triggered = verdict.fault_triggered > 0 ? trial->executions : 0;
    }
}

static void explain(const struct child *child) {
    char outcome[96];
    child_outcome(child, outcome, sizeof outcome);
    size_t from = child->output_bytes > 1500 ? child->output_bytes - 1500 : 0;
    fprintf(stderr,
            "hakfuzz detect: %s did not work (%s); is it the libFuzzer build (cmake --preset fuzz)? The "
            "end of its output:\n%s\n",
            child->arguments[0], outcome, child->output != NULL ? child->output + from : "");
}

bool detect_libfuzzer(const struct detect_plan *plan, uint64_t seed, struct detect_shared *shared) {
    char runs[32], seed_text[32];
    char *binary = detect_binary(plan), *directory = binary != NULL ? temporary_make() : NULL;
    bool good = directory != NULL;
    if (good) {
        snprintf(runs, sizeof runs, "-runs=%llu", (unsigned long long)plan->max_runs);
        snprintf(seed_text, sizeof seed_text, "-seed=%llu", (unsigned long long)seed);
        struct child child = {
            .arguments = {binary, seed_text, runs, "-print_final_stats=1"},
            .directory = directory,
            .fault = plan->fault->name,
            .without = plan->without,
            .timeout_s = TIMEOUT_S,
        };
        children_run(&child, 1, 1, tick, NULL);
        if (child.done && child.output != NULL) {
            judge(plan, &child, shared);
            good = shared->trial.done || interrupted();
            if (!good) {
                explain(&child);
            }
        }
        children_free(&child, 1);
    }
    temporary_remove(directory);
    free(binary);
    return good;
}
