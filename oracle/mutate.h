/* mutate: the structure-aware mutator, written once and glued to libFuzzer, AFL++ and the built-in random mode.
 *
 * It knows what the target it works for carries out (repertoire.h), and makes no operations that would do nothing
 * there.
 *
 * Works on records and genes: insert, delete, duplicate, swap, splice, retarget slot, move to another thread, move a
 * boundary or distance, change the header, add or move a gene. Output is always at most `capacity_bytes` and a whole
 * number of records; gene anchors follow the records they name when others are inserted or removed.
 * No state but the generator the caller owns, and the guides that were taken away (guide.h); safe on any thread. Never
 * allocates. */
#ifndef HAKMEM_ORACLE_MUTATE_H
#define HAKMEM_ORACLE_MUTATE_H

#include <stddef.h>
#include <stdint.h>

#include "oracle/repertoire.h"

/* xoshiro-style small generator, and what it makes programs for. Equal seeds give equal sequences on every machine. */
struct mutate_random {
    uint64_t state[4];
    struct repertoire repertoire;
};
/* For any target. */
void mutate_seed(struct mutate_random *random, uint64_t seed);
/* For this one; NULL: any. */
void mutate_seed_for(struct mutate_random *random, uint64_t seed, const struct target_info *target);
uint64_t mutate_next(struct mutate_random *random);
/* Uniform enough in [0, bound), bound > 0. */
uint32_t mutate_below(struct mutate_random *random, uint32_t bound);

/* Write a fresh program of about `record_target` records. Returns its size. capacity_bytes >= PROGRAM_HEADER_BYTES. */
size_t mutate_generate(struct mutate_random *random, unsigned record_target, uint8_t *bytes, size_t capacity_bytes);

/* What an engine's mutator is to do with an input: mutate it, or now and then replace it by a fresh program, since most
 * faults are nearer to a long program made at once than to what grows out of nothing. As mutate. */
size_t mutate_or_generate(struct mutate_random *random, uint8_t *bytes, size_t size_bytes, size_t capacity_bytes);

/* Mutate in place. Returns the new size, never 0, at most capacity_bytes. */
size_t mutate(struct mutate_random *random, uint8_t *bytes, size_t size_bytes, size_t capacity_bytes);

/* Splice two programs into `out`: header of one, records of both. Returns the size. */
size_t mutate_cross(struct mutate_random *random, const uint8_t *a, size_t a_bytes, const uint8_t *b, size_t b_bytes,
                    uint8_t *out, size_t capacity_bytes);

/* Copy in canonical form: unused fields zero, values reduced, version current. Same meaning, as far as it fits. `out`
 * may be `bytes`. Returns the size (tail dropped), 0 when not even a header fits. */
size_t mutate_canonical(const uint8_t *bytes, size_t size_bytes, uint8_t *out, size_t capacity_bytes);

#endif
