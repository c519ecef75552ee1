/* repro_with: runs a fuzz target's binary on one input many times and counts what it says. */
#ifndef HAKMEM_TOOLS_REPRO_WITH_H
#define HAKMEM_TOOLS_REPRO_WITH_H

#include <stdbool.h>
#include <stddef.h>

#include "oracle/input.h"
#include "tools/tally.h"

/* A run counts under the signature it printed, as "(clean)" when it exited with 0 and printed none, else under how it
 * ended, and the end of its output is shown once. Prints why and returns false when the binary cannot be run. */
bool repro_with(const char *binary, const char *fault, const struct input *input, size_t times, struct tally *tally);

#endif
