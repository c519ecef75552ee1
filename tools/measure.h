/* measure: loads on several mallocs, each in a process of its own (load_worker.h), and what of them can be compared.
 *
 * A *metric* is a number of which less is better. Of memory it is a plain count of pages: equal loads give equal
 * numbers, as far as the malloc itself does not look at the clock or at random addresses. Of time it is what the
 * machine had: rounds are interleaved, so that a machine that is busy for a while is busy for all. Single-threaded. */
#ifndef HAKMEM_TOOLS_MEASURE_H
#define HAKMEM_TOOLS_MEASURE_H

#include <sys/types.h>

#include "tools/load_worker.h"
#include "tools/stats.h"

/* enum suffix, name, unit, what it is */
#define METRIC_TABLE(X)                                                                                                \
    X(TIME, "time", "ns a call", "processor time of a call, the first touch of its pages with it")                     \
    X(MEMORY, "memory", "times what is live", "the most that was resident, over the most that was live")               \
    X(LEFT, "left", "times what is live", "resident over live when the records are over: holes and caches")

enum metric {
#define METRIC_ENUM(id, ...) METRIC_##id,
    METRIC_TABLE(METRIC_ENUM)
#undef METRIC_ENUM
        METRIC_COUNT
};
struct metric_info {
    const char *name, *unit, *meaning;
};
extern const struct metric_info metric_table[METRIC_COUNT];
/* METRIC_COUNT when there is none of the name. */
enum metric metric_find(const char *name);

enum {
    MEASURE_MALLOCS_MAX = 16,
    MEASURE_ROUNDS_MAX = 101,
    MEASURE_BANKS = 64,                 /* of a run of time: caches count, and so does going beyond them */
    MEASURE_LIVE_MIB = 4,               /* of a run of memory, at the peak, unless told */
    MEASURE_LIVE_MOST_BYTES = 64 << 20, /* a program with more live by itself is not measured */
    MEASURE_NS = 1000000,
};

struct contender {
    const char *name;    /* for people */
    const char *library; /* to preload; NULL: libc's */
    const char *prefix;
    struct load_order *order; /* the worker's, shared */
    int socket;
    pid_t pid; /* 0: not started */
};

struct measure {
    struct contender *contenders;
    unsigned count;
    const char *self;    /* this binary */
    uint64_t live_bytes; /* of a run of memory, at the peak: start-up costs are to be small beside it */
    uint64_t runs;
};

/* Whether so much live says something of memory: not far less than was wanted. */
static inline bool measure_is_enough(const struct measure *measure, uint64_t live_bytes) {
    return live_bytes >= measure->live_bytes / 4;
}

/* Whether a load is one to measure. */
static inline bool measure_is_fit(const struct load *load) {
    return load->calls > 0 && load->peak_bytes <= MEASURE_LIVE_MOST_BYTES;
}

/* Start the workers. False, with a message that names the malloc, when one does not serve. measure_close is due. */
bool measure_open(struct measure *measure);
void measure_close(struct measure *measure);

/* One run of one malloc. Where the load came to no end, result.done is false. False, with a message: no process. */
bool measure_memory(struct measure *measure, unsigned malloc, const struct load *load, struct load_result *result);
bool measure_time(struct measure *measure, unsigned malloc, const struct load *load, uint64_t wanted_ns,
                  struct load_result *result);

/* A run of what the metric needs, with the numbers above. *value is NAN when the load came to no end, was refused
 * memory, has too much live, or too little for the metric to say anything. False as above. */
bool measure_metric(struct measure *measure, unsigned malloc, const struct load *load, enum metric metric,
                    double *value);

#endif
