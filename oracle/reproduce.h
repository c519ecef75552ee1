/* reproduce: one call that carries a program out in the simulated world and says whether a finding comes again. It is
 * what C files that `hakfuzz emit-c` writes call, so they need no header but their own declaration of it. One OS
 * thread, once a process: the world stays open. */
#ifndef HAKMEM_ORACLE_REPRODUCE_H
#define HAKMEM_ORACLE_REPRODUCE_H

#include <stddef.h>

/* Prints the report and the line of the finding to standard output. Returns 1 when it has the expected signature, 0
 * when there is none, 2 when it has another or the names or the system are wrong (a line on standard error says so). */
int hakmem_reproduce(const char *target, const char *fault, const unsigned char *program, size_t size_bytes,
                     const char *expected_signature);

#endif
