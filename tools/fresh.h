/* fresh: runs of one input in processes that know nothing of each other: each is this very binary on a temporary file,
 * with its output kept. Single-threaded. */
#ifndef HAKMEM_TOOLS_FRESH_H
#define HAKMEM_TOOLS_FRESH_H

#include <stdbool.h>
#include <stddef.h>

#include "oracle/input.h"
#include "tools/child.h"
#include "tools/choice.h"

enum { FRESH_BATCH = 16 };

struct fresh {
    const struct choice *choice;
    bool repeats;       /* only repeated runs show it */
    unsigned timeout_s; /* of each */
    size_t times;       /* wanted in all, for progress */
    size_t done;
    char *self;
    char *directory;
    char *path;
};

/* choice, repeats, timeout_s and times are set. Prints why and returns false when it cannot be. fresh_close is due. */
bool fresh_open(struct fresh *fresh, const struct input *input);
void fresh_close(struct fresh *fresh);
/* The next `batch` <= FRESH_BATCH runs; children_free is due. Shows progress. False when interrupted or not started. */
bool fresh_run(struct fresh *fresh, struct child *children, size_t batch);

/* The arguments after `self` that run one input once: the verb, and the choice; CHOICE_ARGUMENTS_MAX + 3 at most. */
size_t fresh_arguments(const struct choice *choice, bool repeats, const char **arguments);

#endif
