/* fresh: see the header. */
#include "tools/fresh.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/place.h"
#include "tools/terminal.h"

bool fresh_open(struct fresh *fresh, const struct input *input) {
    fresh->done = 0;
    fresh->self = self_path();
    fresh->directory = temporary_make();
    fresh->path =
        fresh->directory != NULL ? temporary_write(fresh->directory, "input", input->bytes, input->size_bytes) : NULL;
    return fresh->self != NULL && fresh->path != NULL;
}

void fresh_close(struct fresh *fresh) {
    free(fresh->path);
    temporary_remove(fresh->directory);
    free(fresh->self);
}

static bool tick(void *context, size_t done) {
    const struct fresh *fresh = context;
    progress("%zu of %zu runs", fresh->done + done, fresh->times);
    return !interrupted();
}

/* `run` knows the world only. */
size_t fresh_arguments(const struct choice *choice, bool repeats, const char **arguments) {
    size_t count = 0;
    arguments[count++] = repeats || choice->malloc != NULL ? "repro" : "run";
    if (!repeats && choice->malloc != NULL) {
        arguments[count++] = "--times";
        arguments[count++] = "1";
    }
    return choice_arguments(choice, arguments, count);
}

bool fresh_run(struct fresh *fresh, struct child *children, size_t batch) {
    const struct choice *choice = fresh->choice;
    const char *fault = *choice->fault != '\0' ? choice->fault : "none";
    for (size_t i = 0; i < batch; i++) {
        children[i] = (struct child){.directory = fresh->directory, .fault = fault, .timeout_s = fresh->timeout_s};
        children[i].arguments[0] = fresh->self;
        size_t count = fresh_arguments(choice, fresh->repeats, children[i].arguments + 1);
        children[i].arguments[1 + count] = fresh->path;
    }
    children_run(children, batch, CHILDREN_AT_ONCE, tick, fresh);
    fresh->done += batch;
    for (size_t i = 0; i < batch && !interrupted(); i++) {
        if (children[i].error != 0) {
            fprintf(stderr, "hakfuzz: cannot run %s again: %s\n", fresh->self, strerror(children[i].error));
            return false;
        }
    }
    return !interrupted();
}
