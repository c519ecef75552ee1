/* mutate_make: what a good record or header looks like. Internal to the mutator.
 *
 * A maker walks along a program with a rough idea of which slots are filled and by which thread, so that frees hit
 * something, allocations find an empty slot and sizes meet again. The idea may be wrong (a request may fail); then the
 * record does nothing, which is harmless. No state but the maker. */
#ifndef HAKMEM_ORACLE_MUTATE_MAKE_H
#define HAKMEM_ORACLE_MUTATE_MAKE_H

#include "oracle/mutate.h"
#include "oracle/program.h"

enum { PALETTE_SIZES = 3 };

struct maker {
    struct mutate_random *random;
    const struct program_header *header;
    uint64_t filled;                  /* bit i: slot i holds a block */
    uint8_t owner[PROGRAM_SLOTS_MAX]; /* thread that filled it */
    uint8_t palette[PALETTE_SIZES];   /* boundaries that most requests use, so that they meet in the same slabs */
    uint8_t threads;                  /* records use threads 0 .. threads-1 */
    uint8_t thread;                   /* of the record before */
};

/* Chance of `per_256` in 256. */
bool make_chance(struct mutate_random *random, unsigned per_256);
/* One of the bits of a set that are below `count`; the last of them all when there is none. */
uint8_t make_one_of(struct mutate_random *random, uint32_t set, unsigned count);

/* Starts with all slots empty and a random palette. No more threads than the target can tell apart. The header must
 * outlive the maker. */
void maker_init(struct maker *maker, struct mutate_random *random, const struct program_header *header,
                uint8_t threads);
/* Take note of a record that will run. */
void maker_apply(struct maker *maker, const struct record *record);
/* A record that is useful at this point. The caller applies it. */
struct record make_record(struct maker *maker);

/* An operation by weight, the target's repertoire and the header's switches and favour respected; OP_NOP when
 * everything else is off. */
enum program_op make_op(struct mutate_random *random, const struct program_header *header);
/* Fill fields of a record anew: any but FIELD_SLOT (the range of a count depends on record->op). */
void make_fields(struct mutate_random *random, struct record *record, unsigned fields);
uint8_t make_boundary(struct mutate_random *random);
int8_t make_distance(struct mutate_random *random);
uint8_t make_yield(struct mutate_random *random);
struct gene make_gene(struct mutate_random *random, uint32_t record_count, enum program_mode mode);

void make_header(struct mutate_random *random, struct program_header *header);
/* Change one field of a header. */
void make_header_change(struct mutate_random *random, struct program_header *header);

#endif
