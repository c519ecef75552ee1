/* malloc_choice: which malloc a verb runs programs on, from the options that all verbs have which run them elsewhere
 * than in the simulated world: --malloc, --prefix, --order. Single-threaded. */
#ifndef HAKMEM_TOOLS_MALLOC_CHOICE_H
#define HAKMEM_TOOLS_MALLOC_CHOICE_H

#include <stdbool.h>
#include <stddef.h>

#include "oracle/real.h"
#include "tools/options.h"

struct malloc_choice {
    struct backend backend;
    const char *name;   /* as it was given: "libc", "./libfoo.so", "hakmem" */
    const char *prefix; /* "" for none */
    char *path;         /* of the shared object, absolute; NULL: the malloc of the process */
    enum real_order order;
};

/* Whether --malloc names another malloc than hakmem, which is the default and in the simulated world. */
bool malloc_is_foreign(const struct options *options);

/* Whether the three options go together; says what does not. malloc_choose asks for itself. */
bool malloc_check(const struct verb_help *help, const struct options *options);
/* Check the three options and open what they name: "hakmem" or none, the copy that is built to be tried; "libc", this
 * process's; else a shared object, as for dlopen, which is first tried in a process of its own. `order` is what holds
 * where --order is not given. Prints what is wrong, and what to do, and returns false. The process may begin anew in
 * it, with the same arguments: call it before standard input is read. */
bool malloc_choose(const struct verb_help *help, const struct options *options, enum real_order order,
                   struct malloc_choice *malloc);
/* The same without options: `name` and `prefix` ("" for none) live as long as *malloc. */
bool malloc_open(const char *name, const char *prefix, enum real_order order, struct malloc_choice *malloc);
void malloc_close(struct malloc_choice *malloc);

/* How a program is run on it once, with nothing to watch. `fault` is a name of the catalogue or "". */
struct real_plan malloc_plan(const struct malloc_choice *malloc, const struct target_info *target, const char *fault);

#endif
