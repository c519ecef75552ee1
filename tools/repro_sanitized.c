/* repro_sanitized: see the header. */
#include "tools/repro_sanitized.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/child.h"
#include "tools/fresh.h"
#include "tools/terminal.h"

enum { TIMEOUT_S = 120 };

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

static enum repro_sanitized repeat(struct fresh *fresh, struct tally *tally, struct verdict *verdict, char **report) {
    struct child children[FRESH_BATCH] = {0};
    struct child_finding finding;
    bool good = fresh_run(fresh, children, 1);
    if (!good || !child_find_sanitizer(&children[0], &finding)) {
        children_free(children, 1);
        return good ? REPRO_UNSANITIZED : REPRO_STOPPED;
    }
    child_find(&children[0], &finding); /* the world's line, if it came to that, knows more */
    set_verdict(verdict, &finding);
    count(&children[0], tally);
    *report = take_report(&children[0]);
    while (good && fresh->done < fresh->times) {
        size_t left = fresh->times - fresh->done;
        size_t batch = left < FRESH_BATCH ? left : FRESH_BATCH;
        good = fresh_run(fresh, children, batch);
        for (size_t i = 0; i < batch && good; i++) {
            count(&children[i], tally);
        }
        children_free(children, batch);
    }
    return good ? REPRO_SANITIZED : REPRO_STOPPED;
}

enum repro_sanitized repro_sanitized(const struct choice *choice, const struct input *input, size_t times,
                                     struct tally *tally, struct verdict *verdict, char **report) {
    struct fresh fresh = {.choice = choice, .timeout_s = TIMEOUT_S, .times = times};
    progress_begin();
    enum repro_sanitized result = fresh_open(&fresh, input) ? repeat(&fresh, tally, verdict, report) : REPRO_STOPPED;
    progress_end();
    fresh_close(&fresh);
    return result;
}
