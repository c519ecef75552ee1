/* worker: runs programs in a child process that was forked from this one, so that a program may take its process down
 * (a sanitizer, memory of the tool overwritten, no end) and the tool goes on. The world is open there already and stays
 * so from run to run: a run costs little more than in the tool itself. When the child dies, the next run forks another.
 *
 * Where the choice names another malloc, every run is a process of its own, and the world need not be open (real.h).
 * Else the world must be open, and nothing run in this process itself in the meantime. Children die with the tool.
 * Single-threaded; several workers may be open. */
#ifndef HAKMEM_TOOLS_WORKER_H
#define HAKMEM_TOOLS_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "oracle/world.h"
#include "tools/child.h"
#include "tools/choice.h"

struct worker;

/* `timeout_s`: a run that takes longer is a finding, "hang". NULL with a message when the system refuses. */
struct worker *worker_open(unsigned timeout_s);
void worker_close(struct worker *worker);

/* Run once. False, with a message, when no child could be had. A verdict is always that of one program alone, except
 * nondeterminism, which takes `repeats` runs that differ, or a world that is not reset; 1 is for all other checks. */
bool worker_run(struct worker *worker, const struct choice *choice, const struct program *program, unsigned repeats,
                struct verdict *verdict);
/* Likewise, and note the schedule (oracle/transcript.h). Sets *noted to how many genes there were. */
bool worker_note(struct worker *worker, const struct choice *choice, const struct program *program, struct gene *genes,
                 uint32_t capacity, uint32_t *noted, struct verdict *verdict);

/* The verdict on a child that ended, from its output or the way it ended: the finding line, a sanitizer's report, a
 * signal, no end in time; clean when it exited with 0. */
void child_verdict(const struct child *child, struct verdict *verdict);

#endif
