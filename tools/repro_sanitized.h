/* repro_sanitized: repetitions in processes of their own, for builds in which the first finding of a sanitizer ends the
 * process. */
#ifndef HAKMEM_TOOLS_REPRO_SANITIZED_H
#define HAKMEM_TOOLS_REPRO_SANITIZED_H

#include <stdbool.h>
#include <stddef.h>

#include "oracle/input.h"
#include "oracle/world.h"
#include "tools/choice.h"
#include "tools/tally.h"

enum repro_sanitized {
    REPRO_SANITIZED,   /* a sanitizer ends it; verdict, report and tally are filled in */
    REPRO_UNSANITIZED, /* none does: run it in this process */
    REPRO_STOPPED,     /* interrupted, or a process could not be started; said on standard error */
};

/* Run the input once in a child; when a sanitizer ended that, `times` - 1 times more, and count. *report is what the
 * first one printed, to be freed. */
enum repro_sanitized repro_sanitized(const struct choice *choice, const struct input *input, size_t times,
                                     struct tally *tally, struct verdict *verdict, char **report);

#endif
