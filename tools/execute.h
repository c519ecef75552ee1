/* execute: one run of one input, in the world or on another malloc, with its report printed, kept or dropped.
 * Single-threaded. */
#ifndef HAKMEM_TOOLS_EXECUTE_H
#define HAKMEM_TOOLS_EXECUTE_H

#include "oracle/tape.h"
#include "tools/choice.h"
#include "oracle/input.h"

enum execute_report { EXECUTE_SILENT, EXECUTE_PRINT_REPORT, EXECUTE_KEEP_REPORT };

struct execution {
    struct verdict verdict;
    char *report;         /* EXECUTE_KEEP_REPORT: never NULL; else NULL */
    char *said;           /* on standard error, by another malloc than the world's; NULL: in the world */
    uint64_t not_carried; /* operations that cannot be carried out there */
};

/* The choice is prepared. `name` is what the guard names if the program never ends. False, with a message, when no
 * process could be had that another malloc runs in. */
bool execute(const struct choice *choice, const struct input *input, const char *name, enum execute_report report,
             struct execution *execution);
void execution_free(struct execution *execution);

/* On the choice's malloc, in a process of its own; fills `tape` unless that is NULL. False as above. */
bool execute_foreign(const struct choice *choice, const struct program *program, struct tape *tape,
                     struct execution *execution);

/* A verdict for runs of one input that were not equal. */
struct verdict execution_differs(const struct verdict *first);

#endif
