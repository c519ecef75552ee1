/* emit: C files that reproduce a finding by themselves.
 *
 *   plain   calls of the malloc under test, as anybody would write them, one after the other; threads are pthreads that
 *           take turns. It checks what a program can see. Good for any malloc.
 *   world   the program's bytes and a call of the simulated world (reproduce.h), which has all that a plain program
 *           cannot have: switches inside operations, refused system requests, the clock. For hakmem alone.
 *
 * Both write to a stream and know nothing of compilers. Single-threaded. */
#ifndef HAKMEM_TOOLS_EMIT_H
#define HAKMEM_TOOLS_EMIT_H

#include <stdio.h>

#include "oracle/real.h"

/* What the head of a file says. */
struct emit_head {
    const char *name;      /* of the file that is written */
    const char *input;     /* the program it was made of, as it may stand in a comment */
    enum check check;      /* the finding, as the input's owner knows it */
    const char *build;     /* one command */
    const char *seen;      /* NULL: not run yet */
    const char *malloc_is; /* "hakmem", "libc", a path */
};

/* Calls begin with `prefix`. `outcome` is of a run in virtual order with one instance. False: no memory. */
bool emit_plain(FILE *out, const struct emit_head *head, const struct real_plan *plan, const char *prefix,
                const struct program *program, const struct real_outcome *outcome);

void emit_world(FILE *out, const struct emit_head *head, const struct target_info *target, const char *fault,
                const struct program *program, const struct verdict *verdict);

#endif
