/* guided: what an engine's bytes mean with the guides that are there (guide.h). With all of them that is what
 * program_read says; without `geometry` the program's choice of one is not asked, without `records` the bytes are read
 * as naive.h does. One OS thread. */
#ifndef HAKMEM_ORACLE_GUIDED_H
#define HAKMEM_ORACLE_GUIDED_H

#include "oracle/program.h"
#include "oracle/target.h"

/* As program_read; the program is valid until the next call, and as long as `bytes`. */
void guided_read(struct program *program, const struct target_info *target, const uint8_t *bytes, size_t size_bytes);

#endif
