/* finding: how any part of the oracle says that something is wrong.
 *
 * Ends the run: control goes back to world_run, which reports and resets. Callable on any fiber and from the crash
 * handler, while a program runs. */
#ifndef HAKMEM_ORACLE_FINDING_H
#define HAKMEM_ORACLE_FINDING_H

#include "oracle/check.h"

/* `subject` is the address the finding is about, or NULL; it is only looked up, never dereferenced. */
_Noreturn void finding_raise(enum check check, const void *subject, const char *format, ...)
    __attribute__((format(printf, 3, 4), cold));

#endif
