/* choice: which target a program runs on and which fault is armed, and why. Opens the world. Single-threaded. */
#ifndef HAKMEM_TOOLS_CHOICE_H
#define HAKMEM_TOOLS_CHOICE_H

#include <stdbool.h>
#include <stdio.h>

#include "oracle/target.h"
#include "tools/malloc_choice.h"

struct choice {
    const struct target_info *target;
    const char *fault;                  /* name in the catalogue, "" for none */
    const char *target_why;             /* "--target", "the path", "the binary's name", "the default" */
    const struct malloc_choice *malloc; /* NULL: hakmem, in the simulated world */
    const char *fault_why;              /* "--fault", "HAKMEM_FAULT", "planted by the target", "" */
};

/* `target_option` and `fault_option` may be NULL: then the target is that of `binary` (NULL for none), of a path that
 * names one, or "threads"; the fault is that of HAKMEM_FAULT, or the one the target plants. A path names a target as
 * fuzz_oom in any part of it, as corpus/oom/, findings/oom/, crashes/oom/ or artifacts/oom/, or as a file oom-crash-1;
 * the last one wins. Prints why and returns false when there is no such target or fault. */
bool choose(const char *target_option, const char *fault_option, const char *path, const char *binary,
            struct choice *choice);

/* Say on standard error what was chosen without being asked for: nothing when all is from options or default. */
void choice_tell(const struct choice *choice);

/* All that a verb chooses by its options: as above, and the malloc, which *malloc holds where it is another one than
 * the world's; malloc_close it in every case. `order`: see malloc_choose. */
bool choose_on(const struct verb_help *help, const struct options *options, enum real_order order, const char *path,
               const char *binary, struct malloc_choice *malloc, struct choice *choice);
/* The choice is to be run on this malloc, not in the world. False, with a message, where that cannot be: the target
 * tries a component, or a fault was asked for. A target's planted fault is left out. */
bool choice_set_malloc(struct choice *choice, const struct malloc_choice *malloc);
/* Make ready for runs of the choice: open the world and arm the fault; or nothing, on another malloc. */
bool choice_prepare(const struct choice *choice);
/* The options that make another process choose the same, after the first `count` of `arguments`; how many there are
 * then. They live as long as the choice's malloc. */
enum { CHOICE_ARGUMENTS_MAX = 8 };
size_t choice_arguments(const struct choice *choice, const char **arguments, size_t count);

/* A line: the command that runs `file` as the choice says. */
void choice_print_repro(const struct choice *choice, const char *file, FILE *out);

/* Open the world, once. Prints why and returns false when the system refuses. */
bool choice_open_world(void);
/* Arm the choice's fault for the runs that follow. */
bool choice_arm(const struct choice *choice);

#endif
