/* choice: which target a program runs on and which fault is armed, and why. Opens the world. Single-threaded. */
#ifndef HAKMEM_TOOLS_CHOICE_H
#define HAKMEM_TOOLS_CHOICE_H

#include <stdbool.h>

#include "oracle/target.h"

struct choice {
    const struct target_info *target;
    const char *fault;      /* name in the catalogue, "" for none */
    const char *target_why; /* "--target", "the path", "the binary's name", "the default" */
    const char *fault_why;  /* "--fault", "HAKMEM_FAULT", "planted by the target", "" */
};

/* `target_option` and `fault_option` may be NULL: then the target is that of `binary` (NULL for none), of a path that
 * names one, or "threads"; the fault is that of HAKMEM_FAULT, or the one the target plants. A path names a target as
 * fuzz_oom in any part of it, as corpus/oom/, findings/oom/, crashes/oom/ or artifacts/oom/, or as a file oom-crash-1;
 * the last one wins. Prints why and returns false when there is no such target or fault. */
bool choose(const char *target_option, const char *fault_option, const char *path, const char *binary,
            struct choice *choice);

/* Say on standard error what was chosen without being asked for: nothing when all is from options or default. */
void choice_tell(const struct choice *choice);

/* Open the world, once. Prints why and returns false when the system refuses. */
bool choice_open_world(void);
/* Arm the choice's fault for the runs that follow. */
bool choice_arm(const struct choice *choice);

#endif
