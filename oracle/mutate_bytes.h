/* mutate_bytes: the mutator that knows nothing of programs, for where the guide `structure` was taken away and the
 * engine has none of its own. What generic fuzzers do: bits, bytes, small numbers, pieces in, out and again.
 *
 * Sizes returned are at most capacity_bytes. No state but the generator; safe on any thread, never allocates. */
#ifndef HAKMEM_ORACLE_MUTATE_BYTES_H
#define HAKMEM_ORACLE_MUTATE_BYTES_H

#include "oracle/mutate.h"

/* In place; never 0 bytes where there is room for one. */
size_t mutate_bytes(struct mutate_random *random, uint8_t *bytes, size_t size_bytes, size_t capacity_bytes);
/* About so many bytes, all by chance. */
size_t mutate_bytes_generate(struct mutate_random *random, size_t wanted_bytes, uint8_t *bytes, size_t capacity_bytes);
/* The start of a, then some end of b. */
size_t mutate_bytes_cross(struct mutate_random *random, const uint8_t *a, size_t a_bytes, const uint8_t *b,
                          size_t b_bytes, uint8_t *out, size_t capacity_bytes);

#endif
