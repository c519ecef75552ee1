/* worst: see the header. */
#include "tools/worst.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "oracle/reduce.h"
#include "tools/terminal.h"

enum {
    RECORDS_LEAST = 3,
    RECORDS_SPAN = 30, /* of a fresh program */
    ROUNDS_SURE = 5,   /* of time: for what is kept */
    TESTS_MOST = 500,  /* of a reduction */
};
#define RATIO_BETTER 1.01 /* than what is in the niche */
#define RATIO_STAYS 0.85  /* of what it is above 1, in a reduction */
#define LEAST_OF_LIVE 0.9 /* what no malloc stays below, as what is live is resident */
#define SHARE 0.25        /* of the time of the search, for all reductions together */

const char *const worst_tier_names[WORST_TIERS] = {"tiny", "pool", "run", "big"};
const char *const worst_trait_names[4] = {"resize", "align", "zero", "threads"};

/* --- niches --- */

static unsigned tier_of(uint64_t size_bytes) {
    return size_bytes <= 1U << 10 ? 0 : size_bytes <= 32U << 10 ? 1 : size_bytes <= 1U << 20 ? 2 : 3;
}

static unsigned niche_of(const struct load *load) {
    uint64_t largest_bytes = 0;
    unsigned traits = 0;
    for (uint32_t i = 0; i < load->step_count; i++) {
        const struct load_step *step = &load->steps[i];
        largest_bytes = step->size_bytes > largest_bytes ? step->size_bytes : largest_bytes;
        traits |= (step->call == LOAD_REALLOC ? 1U : 0) | (step->call == LOAD_ALIGNED ? 2U : 0) |
                  (step->call == LOAD_CALLOC ? 4U : 0);
    }
    traits |= (load->threads & (load->threads - 1)) != 0 ? 8U : 0;
    return tier_of(largest_bytes) * WORST_TRAITS + traits;
}

static void load_of(const struct worst *worst, const uint8_t *bytes, size_t size_bytes, struct load *load) {
    struct program program;
    program_read(&program, bytes, size_bytes);
    load_make(load, worst->target, &program);
}

unsigned worst_niche(const struct worst *worst, const uint8_t *bytes, size_t size_bytes) {
    static struct load load;
    load_of(worst, bytes, size_bytes, &load);
    return niche_of(&load);
}

/* --- ratios --- */

struct comparison {
    double ratio; /* 0: there is none */
    double value, other_value;
    unsigned other;
};

/* The least of a malloc so far. False when no process could be had. */
static bool measure_least(struct worst *worst, unsigned malloc, const struct load *load, double *least) {
    double value;
    if (!measure_metric(worst->measure, malloc, load, worst->metric, &value)) {
        worst->is_broken = true;
        return false;
    }
    *least = value < *least || isnan(value) ? value : *least;
    return true;
}

static void to_front(struct worst *worst, unsigned at) {
    unsigned front = worst->order[at];
    memmove(&worst->order[1], &worst->order[0], at * sizeof worst->order[0]);
    worst->order[0] = front;
}

static void judge(const struct worst *worst, const double *least, struct comparison *comparison) {
    *comparison = (struct comparison){.value = least[0], .other_value = INFINITY};
    for (unsigned i = 1; i < worst->measure->count; i++) {
        if (least[i] < comparison->other_value) { /* NAN is not */
            comparison->other_value = least[i];
            comparison->other = i;
        }
    }
    double ratio = least[0] / comparison->other_value;
    comparison->ratio = isnan(ratio) ? 0 : ratio;
}

/* All mallocs, `rounds` times. */
static struct comparison compare(struct worst *worst, const struct load *load, unsigned rounds) {
    struct comparison comparison = {.ratio = 0};
    double least[MEASURE_MALLOCS_MAX] = {0};
    for (unsigned i = 0; i < worst->measure->count; i++) {
        least[i] = INFINITY;
    }
    for (unsigned i = 0; i < rounds * worst->measure->count; i++) {
        unsigned malloc = i % worst->measure->count;
        if (!measure_least(worst, malloc, load, &least[malloc])) {
            return comparison;
        }
    }
    judge(worst, least, &comparison);
    return comparison;
}

/* Whether the first malloc has more than `beat` times what one of the others has: then it has of the best one, too. */
static bool exceeds(struct worst *worst, const struct load *load, unsigned rounds, double beat) {
    double own = INFINITY;
    for (unsigned i = 0; i + 1 < worst->measure->count; i++) {
        double other = INFINITY;
        for (unsigned round = 0; round < rounds; round++) {
            if ((i == 0 || worst->metric == METRIC_TIME) && !measure_least(worst, 0, load, &own)) {
                return false;
            }
            if (isnan(own) || (worst->metric != METRIC_TIME && own < beat * LEAST_OF_LIVE) ||
                !measure_least(worst, worst->order[i], load, &other)) {
                return false;
            }
        }
        if (own > beat * other) {
            to_front(worst, i);
            return true;
        }
    }
    return false;
}

/* First quickly; then, where noise could have done it, for sure. */
static bool exceeds_surely(struct worst *worst, const struct load *load, double beat) {
    return exceeds(worst, load, 1, beat) && (worst->metric != METRIC_TIME || exceeds(worst, load, ROUNDS_SURE, beat));
}

/* --- the search --- */

void worst_begin(struct worst *worst) {
    mutate_seed_for(&worst->random, worst->seed, worst->target);
    for (unsigned i = 0; i + 1 < MEASURE_MALLOCS_MAX; i++) {
        worst->order[i] = i + 1;
    }
}

static void keep(struct worst_program *kept, const uint8_t *bytes, size_t size_bytes,
                 const struct comparison *comparison) {
    memcpy(kept->bytes, bytes, size_bytes);
    kept->size_bytes = size_bytes;
    kept->ratio = comparison->ratio;
    kept->value = comparison->value;
    kept->other_value = comparison->other_value;
    kept->other = comparison->other;
}

static bool try_program(struct worst *worst, const uint8_t *bytes, size_t size_bytes) {
    static struct load load;
    load_of(worst, bytes, size_bytes, &load);
    struct worst_program *niche = &worst->niches[niche_of(&load)];
    if (!measure_is_fit(&load)) {
        return true;
    }
    worst->programs++;
    if (exceeds_surely(worst, &load, niche->ratio * RATIO_BETTER)) {
        struct comparison comparison = compare(worst, &load, worst->metric == METRIC_TIME ? ROUNDS_SURE : 1);
        if (comparison.ratio > niche->ratio) {
            keep(niche, bytes, size_bytes, &comparison);
        }
    }
    return !worst->is_broken;
}

bool worst_seed(struct worst *worst, const struct program *program) {
    uint8_t bytes[PROGRAM_BYTES_MAX];
    size_t size_bytes = mutate_canonical(program->bytes, program->size_bytes, bytes, sizeof bytes);
    return size_bytes > WORST_PROGRAM_BYTES || size_bytes == 0 || try_program(worst, bytes, size_bytes);
}

/* A niche that is taken; NULL when none is. */
static const struct worst_program *choose_niche(struct worst *worst) {
    uint32_t first = mutate_below(&worst->random, WORST_NICHES);
    for (uint32_t i = 0; i < WORST_NICHES; i++) {
        const struct worst_program *niche = &worst->niches[(first + i) % WORST_NICHES];
        if (niche->size_bytes > 0) {
            return niche;
        }
    }
    return NULL;
}

static size_t next_program(struct worst *worst, uint8_t bytes[WORST_PROGRAM_BYTES]) {
    struct mutate_random *random = &worst->random;
    uint32_t die = mutate_below(random, 8);
    const struct worst_program *a = choose_niche(worst), *b = choose_niche(worst);
    if (die == 0 || a == NULL || b == NULL) {
        unsigned records = RECORDS_LEAST + mutate_below(random, RECORDS_SPAN);
        return mutate_generate(random, records, bytes, WORST_PROGRAM_BYTES);
    }
    if (die == 1) {
        return mutate_cross(random, a->bytes, a->size_bytes, b->bytes, b->size_bytes, bytes, WORST_PROGRAM_BYTES);
    }
    size_t size_bytes = a->size_bytes;
    memcpy(bytes, a->bytes, size_bytes);
    for (uint32_t rounds = 1 + mutate_below(random, 3); rounds > 0; rounds--) {
        size_bytes = mutate(random, bytes, size_bytes, WORST_PROGRAM_BYTES);
    }
    return size_bytes;
}

static const struct worst_program *worst_of(const struct worst *worst) {
    const struct worst_program *found = &worst->niches[0];
    for (unsigned i = 1; i < WORST_NICHES; i++) {
        found = worst->niches[i].ratio > found->ratio ? &worst->niches[i] : found;
    }
    return found;
}

bool worst_search(struct worst *worst) {
    uint8_t bytes[WORST_PROGRAM_BYTES];
    uint64_t start_ns = clock_ns(), first_run = worst->measure->runs;
    bool good = true;
    while (good && worst->goes_on()) {
        uint64_t spent_s = (clock_ns() - start_ns) / 1000000000U, runs = worst->measure->runs - first_run;
        if (spent_s >= worst->seconds || (worst->runs_most != 0 && runs >= worst->runs_most)) {
            break;
        }
        progress("%" PRIu64 " programs, %" PRIu64 " runs, worst ratio %.2f; %" PRIu64 " of %u s", worst->programs, runs,
                 worst_of(worst)->ratio, spent_s, worst->seconds);
        size_t size_bytes = next_program(worst, bytes);
        good = try_program(worst, bytes, size_bytes);
    }
    return good;
}

/* --- reductions --- */

struct reducing {
    struct worst *worst;
    double goal;
    const char *what;
    uint64_t until_ns;
};

static bool stays_bad(void *context, const struct program *candidate) {
    static struct load load;
    struct reducing *reducing = context;
    load_make(&load, reducing->worst->target, candidate);
    return !reducing->worst->is_broken && measure_is_fit(&load) &&
           exceeds_surely(reducing->worst, &load, reducing->goal);
}

static uint32_t note(void *context, const struct program *candidate, struct gene *genes, uint32_t capacity) {
    (void)context, (void)candidate, (void)genes, (void)capacity;
    return 0; /* records follow one another */
}

static bool goes_on(void *context, const struct reduce_counts *counts, const struct program *best) {
    const struct reducing *reducing = context;
    (void)best;
    progress("reducing %s: %" PRIu64 " tests", reducing->what, counts->tests);
    return !reducing->worst->is_broken && counts->tests < TESTS_MOST && clock_ns() < reducing->until_ns &&
           reducing->worst->goes_on();
}

/* The smaller program in its place; the ratio measured again, which is 0 where it was luck. */
static bool reduce_one(struct worst *worst, struct worst_program *found, uint64_t most_ns) {
    static struct load load;
    char name[WORST_NAME_BYTES];
    struct program program;
    struct reduce_result result;
    double goal = 1 + (found->ratio - 1) * RATIO_STAYS;
    struct reducing reducing = {.worst = worst,
                                .goal = goal > worst->above ? goal : worst->above,
                                .what = name,
                                .until_ns = clock_ns() + most_ns};
    const struct reduce_means means = {.context = &reducing, .fails = stays_bad, .note = note, .goes_on = goes_on};
    worst_name(worst, found, name);
    program_read(&program, found->bytes, found->size_bytes);
    if (stays_bad(&reducing, &program)) {
        reduce(worst->target, &program, &means, &result);
        if (result.bytes != NULL && result.size_bytes <= sizeof found->bytes) {
            memcpy(found->bytes, result.bytes, result.size_bytes);
            found->size_bytes = result.size_bytes;
        }
        free(result.bytes);
    }
    load_of(worst, found->bytes, found->size_bytes, &load);
    struct comparison comparison = compare(worst, &load, worst->metric == METRIC_TIME ? 2 * ROUNDS_SURE : 1);
    keep(found, found->bytes, found->size_bytes, &comparison);
    return !worst->is_broken;
}

/* One of a sort: the worse one. */
static void add_kept(struct worst *worst, const struct worst_program *found) {
    unsigned niche = worst_niche(worst, found->bytes, found->size_bytes), at = 0;
    while (at < worst->kept_count && worst_niche(worst, worst->kept[at].bytes, worst->kept[at].size_bytes) != niche) {
        at++;
    }
    if (at == worst->kept_count || found->ratio > worst->kept[at].ratio) {
        worst->kept_count += at == worst->kept_count;
        worst->kept[at] = *found;
    }
}

static int by_ratio(const void *a, const void *b) {
    const struct worst_program *x = a, *y = b;
    return (x->ratio < y->ratio) - (x->ratio > y->ratio);
}

bool worst_reduce(struct worst *worst) {
    bool good = true;
    unsigned count = 0;
    qsort(worst->niches, WORST_NICHES, sizeof worst->niches[0], by_ratio);
    while (count < WORST_NICHES && worst->niches[count].ratio > worst->above) {
        count++;
    }
    for (unsigned i = 0; i < count && good && worst->goes_on(); i++) {
        struct worst_program *found = &worst->niches[i];
        good = reduce_one(worst, found, (uint64_t)(worst->seconds * SHARE * 1e9) / count);
        if (good && found->ratio > worst->above) {
            add_kept(worst, found);
        }
    }
    qsort(worst->kept, worst->kept_count, sizeof worst->kept[0], by_ratio);
    return good;
}
