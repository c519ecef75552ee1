/* worst: a search for programs on which one malloc is worst beside the best of others, by one metric (measure.h).
 *
 * Theory. What is worst is not one program: large blocks may be slow and small ones wasteful. So the search keeps a
 * *niche* for each sort of program, by the tier of its largest request and by whether it resizes, aligns, asks for
 * zeroes, and has more than one thread. A niche holds the program with the highest ratio that was seen in it. A new
 * program is a mutation of one of these, two of them crossed, or a fresh one. It is measured on the malloc that is
 * looked at, then on the others until one shows that the ratio is not above that of its niche; so most programs cost
 * two runs. Where time is what counts, a program that seems better is measured again, and the least of each malloc is
 * taken: noise only adds.
 *
 * At the end the niches with a ratio above `above` are reduced (oracle/reduce.h), as long as most of the ratio stays,
 * measured once more, and kept: one program for each sort of small program. All reductions together take at most a
 * quarter of the time that the search was given.
 *
 * By memory the search is the same for equal seeds and budgets of runs, as far as the mallocs are; by time it is not.
 * Single-threaded. */
#ifndef HAKMEM_TOOLS_WORST_H
#define HAKMEM_TOOLS_WORST_H

#include <cjson/cJSON.h>
#include <stdio.h>

#include "oracle/mutate.h"
#include "tools/measure.h"

enum {
    WORST_PROGRAM_BYTES = 512, /* 62 records at most: what is found is to be understood */
    WORST_TIERS = 4,
    WORST_TRAITS = 16,
    WORST_NICHES = WORST_TIERS * WORST_TRAITS,
    WORST_NAME_BYTES = 64,
};

struct worst_program {
    size_t size_bytes; /* 0: none */
    uint8_t bytes[WORST_PROGRAM_BYTES];
    double ratio;
    double value, other_value; /* of the two mallocs */
    unsigned other;
};

struct worst {
    /* filled in by the caller */
    struct measure *measure; /* the first malloc is looked at */
    const struct target_info *target;
    enum metric metric;
    double above;
    uint64_t seed;
    uint64_t runs_most; /* 0: no limit; of the search */
    unsigned seconds;   /* of the search */
    bool (*goes_on)(void);
    /* filled in by it */
    struct mutate_random random;
    struct worst_program niches[WORST_NICHES];
    unsigned order[MEASURE_MALLOCS_MAX];     /* of the others: the last best first */
    uint64_t programs;                       /* measured */
    struct worst_program kept[WORST_NICHES]; /* reduced, by ratio */
    unsigned kept_count;
    bool is_broken;
};

void worst_begin(struct worst *worst);
/* A program to begin with. False, with a message, when no process could be had; so below. */
bool worst_seed(struct worst *worst, const struct program *program);
bool worst_search(struct worst *worst);
bool worst_reduce(struct worst *worst);

/* worst_write.c */

/* The sort of a program, in words: "time-tiny", "memory-large-resize-align". */
void worst_name(const struct worst *worst, const struct worst_program *program, char name[WORST_NAME_BYTES]);
void worst_print(const struct worst *worst, FILE *out);
/* The object is the caller's. */
cJSON *worst_json(const struct worst *worst);
/* directory/NAME.hak for each that is kept. False, with a message, when one could not be written. */
bool worst_keep(const struct worst *worst, const char *directory);

/* worst.c: the niche of a program. */
unsigned worst_niche(const struct worst *worst, const uint8_t *bytes, size_t size_bytes);
extern const char *const worst_tier_names[WORST_TIERS];
extern const char *const worst_trait_names[4]; /* bit i of a niche modulo WORST_TRAITS */

#endif
