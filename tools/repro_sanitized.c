/* repro_sanitized: see the header. Each child is `hakfuzz run` of this very binary on a temporary file. */
#include "tools/repro_sanitized.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/child.h"
#include "tools/place.h"
#include "tools/terminal.h"

enum { BATCH = 16, TIMEOUT_S = 120 };

struct repetition {
    const struct choice *choice;
    char *self;
    char *directory;
    char *path;
    size_t done;
    size_t times;
};

static bool tick(void *context, size_t done) {
    const struct repetition *repetition = context;
    progress("%zu of %zu runs", repetition->done + done, repetition->times);
    return !interrupted();
}

/* False when interrupted or not started. */
static bool run_batch(struct repetition *repetition, struct child *children, size_t batch) {
    const struct choice *choice = repetition->choice;
    const char *fault = *choice->fault != '\0' ? choice->fault : "none";
    for (size_t i = 0; i < batch; i++) {
        children[i] = (struct child){.arguments = {repetition->self, "run", "--target", choice->target->name, "--fault",
                                                   fault, repetition->path},
                                     .directory = repetition->directory,
                                     .fault = fault,
                                     .timeout_s = TIMEOUT_S};
    }
    children_run(children, batch, CHILDREN_AT_ONCE, tick, repetition);
    repetition->done += batch;
    for (size_t i = 0; i < batch && !interrupted(); i++) {
        if (children[i].error != 0) {
            fprintf(stderr, "hakfuzz: cannot run %s again: %s\n", repetition->self, strerror(children[i].error));
            return false;
        }
    }
    return !interrupted();
}

static void count(const struct child *child, struct tally *tally) {
    struct child_finding finding;
    char outcome[TALLY_NAME_BYTES_MAX];
    if (child_find(child, &finding) || child_find_sanitizer(child, &finding)) {
        tally_add(tally, finding.signature, finding.trace_hash);
        return;
    }
    child_outcome(child, outcome, sizeof outcome);
    tally_add(tally, strcmp(outcome, "exit 0") == 0 ? "(clean)" : outcome, 0);
}

static void set_verdict(struct verdict *verdict, const struct child_finding *finding) {
    *verdict = (struct verdict){.check = CHECK_CRASH,
                                .record = finding->record,
                                .operations = finding->operations,
                                .trace_hash = finding->trace_hash};
    snprintf(verdict->signature, sizeof verdict->signature, "%.*s", (int)sizeof verdict->signature - 1,
             finding->signature);
    snprintf(verdict->message, sizeof verdict->message, "a sanitizer stopped the allocator");
}

/* The child's words, without those of the tool about its temporary file. */
static char *take_report(struct child *child) {
    char *report = child->output;
    char *tool = report != NULL ? strstr(report, "\nhakfuzz: ") : NULL;
    for (char *next = tool; next != NULL; next = strstr(next + 1, "\nhakfuzz: ")) {
        tool = next;
    }
    if (tool != NULL && strstr(tool, "sanitizer report above") != NULL) {
        char *rest = strchr(tool + 1, '\n');
        memmove(tool, rest != NULL ? rest : "", rest != NULL ? strlen(rest) + 1 : 1);
    }
    child->output = NULL;
    return report;
}

static enum repro_sanitized repeat(struct repetition *repetition, struct tally *tally, struct verdict *verdict,
                                   char **report) {
    struct child children[BATCH] = {0};
    struct child_finding finding;
    bool good = run_batch(repetition, children, 1);
    if (!good || !child_find_sanitizer(&children[0], &finding)) {
        children_free(children, 1);
        return good ? REPRO_UNSANITIZED : REPRO_STOPPED;
    }
    child_find(&children[0], &finding); /* the world's line, if it came to that, knows more */
    set_verdict(verdict, &finding);
    count(&children[0], tally);
    *report = take_report(&children[0]);
    while (good && repetition->done < repetition->times) {
        size_t left = repetition->times - repetition->done;
        size_t batch = left < BATCH ? left : BATCH;
        good = run_batch(repetition, children, batch);
        for (size_t i = 0; i < batch && good; i++) {
            count(&children[i], tally);
        }
        children_free(children, batch);
    }
    return good ? REPRO_SANITIZED : REPRO_STOPPED;
}

enum repro_sanitized repro_sanitized(const struct choice *choice, const struct input *input, size_t times,
                                     struct tally *tally, struct verdict *verdict, char **report) {
    struct repetition repetition = {.choice = choice, .times = times};
    enum repro_sanitized result = REPRO_STOPPED;
    repetition.self = self_path();
    repetition.directory = temporary_make();
    repetition.path = repetition.directory != NULL
                          ? temporary_write(repetition.directory, "input", input->bytes, input->size_bytes)
                          : NULL;
    progress_begin();
    if (repetition.self != NULL && repetition.path != NULL) {
        result = repeat(&repetition, tally, verdict, report);
    }
    progress_end();
    free(repetition.path);
    temporary_remove(repetition.directory);
    free(repetition.self);
    return result;
}
