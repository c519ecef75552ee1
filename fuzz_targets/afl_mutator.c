/* afl_mutator: the structure-aware mutator as an AFL++ custom mutator (AFL_CUSTOM_MUTATOR_LIBRARY).
 *
 * One object a fuzzer instance, with a buffer of its own: AFL++ reads the result before it calls again. */
#include <stdlib.h>
#include <string.h>

#include "oracle/mutate.h"
#include "oracle/program.h"

#define EXPORT __attribute__((visibility("default")))

struct mutator {
    struct mutate_random random;
    uint8_t out[PROGRAM_BYTES_MAX];
};

EXPORT void *afl_custom_init(void *afl, unsigned seed);
EXPORT size_t afl_custom_fuzz(void *data, uint8_t *bytes, size_t size_bytes, uint8_t **out, uint8_t *other,
                              size_t other_bytes, size_t capacity_bytes);
EXPORT void afl_custom_deinit(void *data);

enum { CROSS_ONE_IN = 8 };

void *afl_custom_init(void *afl, unsigned seed) {
    (void)afl;
    struct mutator *mutator = calloc(1, sizeof *mutator);
    if (mutator != NULL) {
        mutate_seed(&mutator->random, seed);
    }
    return mutator;
}

size_t afl_custom_fuzz(void *data, uint8_t *bytes, size_t size_bytes, uint8_t **out, uint8_t *other, size_t other_bytes,
                       size_t capacity_bytes) {
    struct mutator *mutator = data;
    struct mutate_random *random = &mutator->random;
    size_t room_bytes = capacity_bytes < sizeof mutator->out ? capacity_bytes : sizeof mutator->out;
    *out = mutator->out;
    if (room_bytes < PROGRAM_HEADER_BYTES) {
        return 0; /* AFL++ then goes on with the next input */
    }
    if (other != NULL && mutate_below(random, CROSS_ONE_IN) == 0) {
        size_bytes = mutate_cross(random, bytes, size_bytes, other, other_bytes, mutator->out, room_bytes);
    } else {
        size_bytes = size_bytes < room_bytes ? size_bytes : room_bytes;
        memcpy(mutator->out, bytes, size_bytes);
    }
    return mutate(random, mutator->out, size_bytes, room_bytes);
}

void afl_custom_deinit(void *data) {
    free(data);
}
