/* reference: a plain model of a malloc. Of every call it knows what C and POSIX fix of the answer (contract.h), and
 * nothing of how the answer comes about: no memory, no sizes but those that were asked for.
 *
 * Pure functions of a call and its answer, for whichever malloc gave it. Safe on any thread. */
#ifndef HAKMEM_ORACLE_REFERENCE_H
#define HAKMEM_ORACLE_REFERENCE_H

#include <stddef.h>
#include <stdint.h>

#include "oracle/contract.h"

struct reference_call {
    enum program_op op;
    size_t size_bytes;  /* of arrays count times size, as it wraps */
    size_t align_bytes; /* of aligned requests, else 0 */
    size_t block_bytes; /* that were asked for, of the block that is resized, freed or asked about */
    size_t told_bytes;  /* its usable size, as it was told before; 0: it was not */
    bool overflows;     /* count times size does */
    bool has_block;     /* realloc, free, usable: one that is live, not NULL */
};

struct reference_answer {
    uintptr_t start;     /* of the block; 0: NULL, or the call returns none */
    size_t usable_bytes; /* usable */
    int error;           /* errno after the call, 0: left alone; posix_memalign: what it returned */
    bool was_refused;    /* the system gave less than was asked of it: NULL is right */
    /* offsets of the first byte that is wrong, negative for none: */
    ptrdiff_t nonzero; /* calloc */
    ptrdiff_t lost;    /* realloc: of what both sizes share, or, when it failed, of the old block; free: of the block */
};

/* Whether the request cannot be met by anybody, or is none that has to be met. */
bool reference_is_hopeless(const struct reference_call *call);

/* The fact that the answer is not as fixed, with one line in `words`; FACT_COUNT: it is as fixed. */
enum fact reference_judge(const struct reference_call *call, const struct reference_answer *answer, char *words,
                          size_t words_bytes);

#endif
