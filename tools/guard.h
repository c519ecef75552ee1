/* guard: what happens when a program never ends or takes the whole tool down (a sanitizer report, a crash that the
 * world cannot explain): the tool then still names the input and exits with a finding. One guard a process. */
#ifndef HAKMEM_TOOLS_GUARD_H
#define HAKMEM_TOOLS_GUARD_H

#include <stdbool.h>

enum { GUARD_SECONDS = 60 };

/* Whether this is a build in which a sanitizer may end the process. */
bool guard_has_sanitizer(void);

/* Once, before world_open: the world passes on to these handlers. */
void guard_install(void);

/* From now on `what` is running; it must live until guard_end. Calling it again restarts the time. */
void guard_begin(const char *what);
void guard_end(void);

#endif
