/* slice: cuts programs for the fuzzer from a recording. */
#ifndef HAKMEM_TOOLS_SLICE_H
#define HAKMEM_TOOLS_SLICE_H

#include <stdbool.h>

#include "oracle/program.h"

enum { SLICE_RECORDS_MIN = 8, SLICE_RECORDS_MAX = PROGRAM_RECORDS_MAX };

struct slice_request {
    const char *path;
    const char *directory; /* is made when it is not there; holds no slices of the same program yet */
    unsigned count;
    unsigned records; /* of one program, at most */
    bool json;
};

/* Write the programs and say which. Returns an exit code. */
int slice(const struct slice_request *request);

#endif
