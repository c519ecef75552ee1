/* replay: one program through the world outside any engine, and what a person is told when it finds something. */
#ifndef HAKMEM_FUZZ_TARGETS_REPLAY_H
#define HAKMEM_FUZZ_TARGETS_REPLAY_H

#include <stdio.h>

#include "oracle/files.h"
#include "oracle/input.h"
#include "oracle/world.h"

/* How to call this program's hakfuzz again, for the command in front of a finding. */
struct replay_command {
    const char *self;  /* argv[0]: hakfuzz stands beside it */
    const char *fault; /* as it was given, NULL or "" if it was not */
};

/* Run bytes as the current target. A report of a finding goes to `report`, NULL for none. With `prove`, a clean run is
 * made twice, and that both left the same trace and an untouched world is part of the verdict. */
enum check replay_run(const uint8_t *bytes, size_t size_bytes, bool prove, FILE *report, struct verdict *verdict);

/* The machine line, the path of the input and the command that reproduces the finding, on standard output. */
void replay_print_finding(const struct replay_command *command, const char *path, const struct verdict *verdict);

/* Replay each file. Returns the exit code: 2 as soon as a file is no program, else 1 if any had a finding, else 0. */
int replay_files(const struct replay_command *command, const struct files *list);

#endif
