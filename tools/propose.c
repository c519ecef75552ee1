/* propose: see the header. */
#include "tools/propose.h"

#include <string.h>

enum { RECORDS_LEAST = 8, RECORDS_SPAN = 121 }; /* of a generated program */

void propose_begin(struct proposer *proposer, uint64_t seed, const struct target_info *target) {
    memset(proposer, 0, sizeof *proposer);
    mutate_seed_for(&proposer->random, seed, target);
}

static void generate(struct proposer *proposer, struct proposal *next) {
    unsigned records = RECORDS_LEAST + mutate_below(&proposer->random, RECORDS_SPAN);
    next->size_bytes = mutate_generate(&proposer->random, records, next->bytes, PROPOSAL_BYTES_MAX);
}

void propose(struct proposer *proposer, struct proposal *next) {
    struct mutate_random *random = &proposer->random;
    uint32_t die = mutate_below(random, 8);
    if (proposer->count < PROPOSER_RECENT || die < 2) {
        generate(proposer, next);
        return;
    }
    const struct proposal *a = &proposer->recent[mutate_below(random, PROPOSER_RECENT)];
    if (die == 2) {
        const struct proposal *b = &proposer->recent[mutate_below(random, PROPOSER_RECENT)];
        next->size_bytes =
            mutate_cross(random, a->bytes, a->size_bytes, b->bytes, b->size_bytes, next->bytes, PROPOSAL_BYTES_MAX);
        return;
    }
    memcpy(next->bytes, a->bytes, a->size_bytes);
    next->size_bytes = a->size_bytes;
    for (uint32_t rounds = 1 + mutate_below(random, 4); rounds > 0; rounds--) {
        next->size_bytes = mutate(random, next->bytes, next->size_bytes, PROPOSAL_BYTES_MAX);
    }
}

void propose_keep(struct proposer *proposer, const struct proposal *proposal) {
    uint32_t at =
        proposer->count < PROPOSER_RECENT ? proposer->count++ : mutate_below(&proposer->random, PROPOSER_RECENT);
    memcpy(proposer->recent[at].bytes, proposal->bytes, proposal->size_bytes);
    proposer->recent[at].size_bytes = proposal->size_bytes;
}

size_t propose_generate(uint64_t number, uint8_t *bytes, size_t capacity) {
    struct mutate_random random;
    mutate_seed(&random, number);
    unsigned records = RECORDS_LEAST + mutate_below(&random, RECORDS_SPAN);
    return mutate_generate(&random, records, bytes, capacity);
}
