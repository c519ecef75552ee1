/* execute: one run of one input in the world, with its report printed, kept or dropped. Single-threaded. */
#ifndef HAKMEM_TOOLS_EXECUTE_H
#define HAKMEM_TOOLS_EXECUTE_H

#include "oracle/world.h"
#include "tools/choice.h"
#include "oracle/input.h"

enum execute_report { EXECUTE_SILENT, EXECUTE_PRINT_REPORT, EXECUTE_KEEP_REPORT };

struct execution {
    struct verdict verdict;
    char *report; /* EXECUTE_KEEP_REPORT: never NULL; else NULL */
};

/* The world is open and the choice armed. `name` is what the guard names if the program never ends. */
void execute(const struct choice *choice, const struct input *input, const char *name, enum execute_report report,
             struct execution *execution);
void execution_free(struct execution *execution);

/* A verdict for runs of one input that were not equal. */
struct verdict execution_differs(const struct verdict *first);

#endif
