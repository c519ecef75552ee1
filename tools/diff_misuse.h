/* diff_misuse: what several mallocs do when a program breaks their rules (oracle/misuse.h), side by side.
 * Single-threaded. */
#ifndef HAKMEM_TOOLS_DIFF_MISUSE_H
#define HAKMEM_TOOLS_DIFF_MISUSE_H

#include "tools/diff.h"

/* Commit every misuse on each of the mallocs, which are open, and print the table. hakmem is tried as it is installed,
 * not as the copy that is built to be tried. `goes_on` is asked before each. Returns an exit code. */
int diff_misuse(const struct diff *diff, int json, bool (*goes_on)(void));

#endif
