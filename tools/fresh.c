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

bool fresh_run(struct fresh *fresh, struct child *children, size_t batch) {
    const struct choice *choice = fresh->choice;
    const char *fault = *choice->fault != '\0' ? choice->fault : "none";
    for (size_t i = 0; i < batch; i++) {
        children[i] = (struct child){
            .arguments = {fresh->self, fresh->verb, "--target", choice->target->name, "--fault", fault, fresh->path},
            .directory = fresh->directory,
            .fault = fault,
            .timeout_s = fresh->timeout_s};
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
