/* mutate_random: xoshiro256**, seeded by splitmix64. Equal seeds give equal sequences on every machine. */
#include "oracle/mutate.h"

#include "oracle/guide.h"

static uint64_t rotate_left(uint64_t value, unsigned bits) {
    return value << bits | value >> (64 - bits);
}

void mutate_seed(struct mutate_random *random, uint64_t seed) {
    mutate_seed_for(random, seed, NULL);
}

void mutate_seed_for(struct mutate_random *random, uint64_t seed, const struct target_info *target) {
    bool is_known = target != NULL && guide_is_there(GUIDE_REPERTOIRE);
    random->repertoire = is_known ? repertoire_of(target) : repertoire_any;
    /* splitmix64 never gives four zeros in a row, the one state xoshiro cannot leave. */
    for (unsigned i = 0; i < 4; i++) {
        seed += UINT64_C(0x9e3779b97f4a7c15);
        uint64_t mixed = seed;
        mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
        random->state[i] = mixed ^ mixed >> 31;
    }
}

uint64_t mutate_next(struct mutate_random *random) {
    uint64_t *s = random->state;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate_left(s[3], 45);
    return result;
}

uint32_t mutate_below(struct mutate_random *random, uint32_t bound) {
    return (uint32_t)((mutate_next(random) >> 32) * bound >> 32);
}
