/* malloc_choice: which malloc a verb runs programs on, from its options. Single-threaded. */
#ifndef HAKMEM_TOOLS_MALLOC_CHOICE_H
#define HAKMEM_TOOLS_MALLOC_CHOICE_H

#include <stdbool.h>

#include "oracle/backend.h"

/* `name` is "hakmem" or NULL for the copy that is built to be tried, "libc" for this process's, else a shared object,
 * whose names begin with `prefix` (NULL: with nothing). Prints why, and what to do, and returns false when there is
 * no such malloc. */
bool malloc_choose(const char *name, const char *prefix, struct backend *backend);

#endif
