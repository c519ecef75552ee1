/* convert: what asm and disasm share: one input, one output, a way to write it. */
#ifndef HAKMEM_TOOLS_CONVERT_H
#define HAKMEM_TOOLS_CONVERT_H

#include <stdbool.h>
#include <stdio.h>

#include "oracle/input.h"
#include "tools/options.h"

struct conversion {
    const struct verb_help *help;
    enum input_form form;
    bool binary; /* what is written does not belong on a terminal */
    void (*write)(const struct input *input, FILE *out);
};

/* A whole verb. Returns an exit code. */
int convert(const struct conversion *conversion, int argc, char **argv);

/* Whether both are one file, by whatever names: it would be overwritten while it is the input. */
bool convert_are_same(const char *in, const char *out);

#endif
