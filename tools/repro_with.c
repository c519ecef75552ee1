/* repro_with: see the header. The input goes through a temporary file as bytes; every engine takes BINARY FILE. Runs
 * are made in batches, so that memory does not grow with their number. */
#include "tools/repro_with.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "tools/child.h"
#include "tools/place.h"
#include "tools/terminal.h"

enum { BATCH = 16, TIMEOUT_S = 60, SHOWN_BYTES = 2000 };

struct progress_of {
    size_t before;
    size_t times;
};

static bool tick(void *context, size_t done) {
    const struct progress_of *of = context;
    progress("%zu of %zu runs of the binary", of->before + done, of->times);
    return !interrupted();
}

/* The end of what an unexpected run printed, once: the reason is there. */
static void show_output(const struct child *child, const char *outcome) {
    size_t from = child->output_bytes > SHOWN_BYTES ? child->output_bytes - SHOWN_BYTES : 0;
    progress_end();
    fprintf(stderr, "hakfuzz: the binary printed no hakmem-finding line (%s); the end of its output:\n", outcome);
    if (child->output != NULL) {
        fwrite(child->output + from, 1, child->output_bytes - from, stderr);
    }
    fputc('\n', stderr);
}

/* False when it cannot have been a fuzz target. */
static bool count(const struct child *child, struct tally *tally, bool *shown) {
    struct child_finding finding;
    if (child_find(child, &finding) || child_find_sanitizer(child, &finding)) {
        tally_add(tally, finding.signature, finding.trace_hash);
    } else if (!child->timed_out && WIFEXITED(child->status) && WEXITSTATUS(child->status) == 0) {
        if (!child_is_fuzz_target(child)) {
            progress_end();
            fprintf(stderr,
                    "hakfuzz: %s is not a fuzz target: it ended well, but said nothing of an input; give a fuzz_* of a "
                    "build tree\n",
                    child->arguments[0]);
            return false;
        }
        tally_add(tally, "(clean)", 0);
    } else {
        char outcome[TALLY_NAME_BYTES_MAX / 2];
        char name[TALLY_NAME_BYTES_MAX];
        child_outcome(child, outcome, sizeof outcome);
        snprintf(name, sizeof name, "(no finding line, %s)", outcome);
        tally_add(tally, name, 0);
        if (!*shown) {
            show_output(child, outcome);
            *shown = true;
        }
    }
    return true;
}

/* One batch; false when it was interrupted or nothing could be started. */
static bool run_batch(struct child *children, size_t batch, struct progress_of *of, struct tally *tally, bool *shown) {
    children_run(children, batch, CHILDREN_AT_ONCE, tick, of);
    bool good = !interrupted();
    for (size_t i = 0; i < batch && good; i++) {
        if (children[i].error != 0) {
            progress_end();
            fprintf(stderr, "hakfuzz: cannot run %s: %s; is it a program for this machine?\n", children[i].arguments[0],
                    strerror(children[i].error));
            good = false;
        } else {
            good = count(&children[i], tally, shown);
        }
    }
    children_free(children, batch);
    return good;
}

bool repro_with(const char *binary, const char *fault, const struct input *input, size_t times, struct tally *tally) {
    char *absolute = realpath(binary, NULL);
    char *directory = temporary_make();
    char *path = directory != NULL ? temporary_write(directory, "input", input->bytes, input->size_bytes) : NULL;
    bool good = absolute != NULL && path != NULL;
    bool shown = false;
    progress_begin();
    for (size_t done = 0; good && done < times; done += BATCH) {
        struct child children[BATCH] = {0};
        size_t batch = times - done < BATCH ? times - done : BATCH;
        for (size_t i = 0; i < batch; i++) {
            children[i] = (struct child){.arguments = {absolute, path},
                                         .directory = directory,
                                         .fault = *fault != '\0' ? fault : "none",
                                         .timeout_s = TIMEOUT_S};
        }
        struct progress_of of = {done, times};
        good = run_batch(children, batch, &of, tally, &shown);
    }
    progress_end();
    free(path);
    temporary_remove(directory);
    free(absolute);
    return good;
}
