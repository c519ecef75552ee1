/* malloc_probe: whether a malloc of somebody else can be tried at all, before it is loaded where that would be the end.
 *
 * It is tried in a process of its own, which may do what it likes. For processes with one thread. */
#ifndef HAKMEM_ORACLE_MALLOC_PROBE_H
#define HAKMEM_ORACLE_MALLOC_PROBE_H

#include <stdbool.h>
#include <stddef.h>

/* Whether the shared object can be loaded and gives one block that is freed again. False with one line in `why` that
 * says where it ended. */
bool malloc_probe(const char *library, const char *prefix, char *why, size_t why_bytes);

/* The same, but no block is asked for: for those to whom what the malloc does then is a finding. */
bool malloc_probe_load(const char *library, const char *prefix, char *why, size_t why_bytes);

#endif
