/* bench_record: what recording costs a program: its time with and without the recorder, in interleaved rounds. */
#ifndef HAKMEM_TOOLS_BENCH_RECORD_H
#define HAKMEM_TOOLS_BENCH_RECORD_H

#include <stdbool.h>

/* `command` ends in NULL; its output is thrown away. At most 100 rounds. Returns an exit code. */
int bench_record(const char *const *command, unsigned rounds, bool json);

#endif
