/* repro_gdb: a debugger that stands where a program fails. Single-threaded. */
#ifndef HAKMEM_TOOLS_REPRO_GDB_H
#define HAKMEM_TOOLS_REPRO_GDB_H

#include "oracle/input.h"
#include "tools/choice.h"

/* `file` is what the report calls the input. Find out where it fails, in a process of its own, then hand the terminal
 * to gdb. Returns an exit_code: clean, and no gdb, when it does not fail. */
int repro_gdb(const struct choice *choice, const struct input *input, const char *file);

#endif
