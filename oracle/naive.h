/* naive: what a fuzz harness makes of bytes that was written in an hour, as something to measure the other one by.
 *
 * Integers are taken from the end of the input and plain bytes from its front, each as wide as its range needs, as
 * FuzzedDataProvider of libFuzzer does; so a change to one byte moves the meaning of all that follow. Blocks are named
 * as 'the n-th that lives'. There is no header, no option in force from the start, and no schedule: operations are
 * whole, in the order of the input. What comes out is a program like any other (program.h), so the same world runs it
 * with the same checks, and the same faults are found or missed.
 *
 * Where a choice had to be made it is in favour of the naive harness: it makes only operations that the target carries
 * out, half of its sizes are small, and slabs are as small as they come.
 *
 * Total, as program_read is. Pure, never allocates, safe on any thread. */
#ifndef HAKMEM_ORACLE_NAIVE_H
#define HAKMEM_ORACLE_NAIVE_H

#include <stddef.h>
#include <stdint.h>

#include "oracle/target.h"

enum { NAIVE_SLOTS = 64, NAIVE_SMALL_BYTES = 1024, NAIVE_LARGE_BYTES = 2 << 20 };

/* Write the program that these bytes are for a target. Returns its size, at most capacity_bytes, which is at least that
 * of a header; a program that does not fit is cut after a record. */
size_t naive_program(const struct target_info *target, const uint8_t *bytes, size_t size_bytes, uint8_t *program,
                     size_t capacity_bytes);

#endif
