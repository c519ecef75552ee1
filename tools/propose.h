/* propose: the unguided engine's programs: generate, mutate recent ones, cross two. One random generator decides
 * everything, so equal seeds propose equal programs as long as equal ones are kept. Whoever runs them is another
 * matter: the simulated world, or real threads. Plain data, the caller's; never allocates. */
#ifndef HAKMEM_TOOLS_PROPOSE_H
#define HAKMEM_TOOLS_PROPOSE_H

#include <stddef.h>
#include <stdint.h>

#include "oracle/mutate.h"

enum { PROPOSAL_BYTES_MAX = 4096, PROPOSER_RECENT = 64 };

struct proposal {
    size_t size_bytes;
    uint8_t bytes[PROPOSAL_BYTES_MAX];
};

struct proposer {
    struct mutate_random random;
    unsigned count;
    struct proposal recent[PROPOSER_RECENT]; /* programs that can be mutated or crossed */
};

/* Programs are for the target. */
void propose_begin(struct proposer *proposer, uint64_t seed, const struct target_info *target);
void propose(struct proposer *proposer, struct proposal *next);
/* What was proposed found nothing: it may be mutated. */
void propose_keep(struct proposer *proposer, const struct proposal *proposal);

/* The program that `--generate` of the verbs calls by this number, the same everywhere; returns its length. */
size_t propose_generate(uint64_t number, uint8_t *bytes, size_t capacity);

#endif
