/* terminal: colour where a person looks, progress for what takes longer than a second, and Ctrl-C.
 * State is per process; single-threaded. */
#ifndef HAKMEM_TOOLS_TERMINAL_H
#define HAKMEM_TOOLS_TERMINAL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Start of a coloured stretch, "" when `out` is no terminal or NO_COLOR is set. End it with colour_end. */
const char *colour_bad(FILE *out);
const char *colour_good(FILE *out);
const char *colour_faint(FILE *out);
const char *colour_notice(FILE *out);
const char *colour_end(FILE *out);

uint64_t clock_ns(void); /* monotonic */

/* Show a line on standard error if more than a second has passed since progress_begin, at most twice a second on a
 * terminal and every ten seconds in a log. Cheap enough to call often. */
void progress_begin(void);
void progress(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Remove the line, before anything else is printed. */
void progress_end(void);

/* From interrupts_watch on, Ctrl-C and SIGTERM only set what interrupted() returns, so that callers can clean up. */
void interrupts_watch(void);
bool interrupted(void);

#endif
