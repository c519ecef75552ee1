/* afl_mutator: the structure-aware mutator as an AFL++ custom mutator (AFL_CUSTOM_MUTATOR_LIBRARY).
 *
 * One object a fuzzer instance, with a buffer of its own: AFL++ reads the result before it calls again. It is loaded
 * into afl-fuzz, and learns the target from that one's command line, which ends in the name of a fuzz target's binary.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oracle/guide.h"
#include "oracle/mutate.h"
#include "oracle/program.h"
#include "oracle/target.h"

#define EXPORT __attribute__((visibility("default")))

struct mutator {
    struct mutate_random random;
    uint8_t out[PROGRAM_BYTES_MAX];
};

EXPORT void *afl_custom_init(void *afl, unsigned seed);
EXPORT size_t afl_custom_fuzz(void *data, uint8_t *bytes, size_t size_bytes, uint8_t **out, uint8_t *other,
                              size_t other_bytes, size_t capacity_bytes);
EXPORT void afl_custom_deinit(void *data);

enum { CROSS_ONE_IN = 8, COMMAND_BYTES_MAX = 4096 };

/* The last word of this process's command line that is the name of a fuzz target's binary; NULL when none is. */
static const struct target_info *target_of_command(void) {
    char words[COMMAND_BYTES_MAX + 1];
    FILE *file = fopen("/proc/self/cmdline", "rb");
    size_t length = file != NULL ? fread(words, 1, COMMAND_BYTES_MAX, file) : 0;
    if (file != NULL) {
        fclose(file);
    }
    words[length] = '\0';
    const struct target_info *found = NULL;
    for (const char *word = words; word < words + length; word += strlen(word) + 1) {
        const char *slash = strrchr(word, '/'), *name = slash != NULL ? slash + 1 : word;
        const struct target_info *target = strncmp(name, "fuzz_", 5) == 0 ? target_find(name) : NULL;
        found = target != NULL ? target : found;
    }
    return found;
}

void *afl_custom_init(void *afl, unsigned seed) {
    (void)afl;
    struct mutator *mutator = calloc(1, sizeof *mutator);
    if (mutator != NULL) {
        (void)guide_take_away(getenv(GUIDE_VARIABLE)); /* what names no guide ends the target, with a message */
        mutate_seed_for(&mutator->random, seed, target_of_command());
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
        return mutate(random, mutator->out, size_bytes, room_bytes);
    }
    size_bytes = size_bytes < room_bytes ? size_bytes : room_bytes;
    memcpy(mutator->out, bytes, size_bytes);
    return mutate_or_generate(random, mutator->out, size_bytes, room_bytes);
}

void afl_custom_deinit(void *data) {
    free(data);
}
