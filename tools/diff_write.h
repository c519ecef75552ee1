/* diff_write: what a comparison of mallocs found, for people and machines. Single-threaded. */
#ifndef HAKMEM_TOOLS_DIFF_WRITE_H
#define HAKMEM_TOOLS_DIFF_WRITE_H

#include <cjson/cJSON.h>
#include <stdio.h>

#include "tools/diff.h"

/* `with_open`: also what the standards leave open. */
void diff_print(const struct diff *diff, bool with_open, FILE *out);
/* The object is the caller's. */
cJSON *diff_json(const struct diff *diff, bool with_open);
/* directory/MALLOC-FACT-OPERATION.hak for each divergence. False, with a message, when one could not be written. */
bool diff_keep(const struct diff *diff, const char *directory);

void diff_free(struct diff *diff);

#endif
