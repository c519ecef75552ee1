/* side_by_side: what programs cost on several mallocs, as a table. The first malloc is the one that is looked at: the
 * others are what it is held against. Single-threaded. */
#ifndef HAKMEM_TOOLS_SIDE_BY_SIDE_H
#define HAKMEM_TOOLS_SIDE_BY_SIDE_H

#include <cjson/cJSON.h>
#include <stdio.h>

#include "tools/measure.h"

/* Of one program on one malloc. All NAN: it came to no end, or was refused memory. */
struct figures {
    double values[METRIC_COUNT];                 /* NAN: the program says nothing of it */
    struct stats ns;                             /* of a call, by rounds */
    double faults;                               /* page faults of a call */
    uint64_t peak_bytes, left_bytes, kept_bytes; /* resident: at most, when records are over, when all is freed */
};

struct side_row {
    char *name;
    uint32_t calls, phases, banks;   /* banks: of the run of memory */
    uint64_t peak_bytes, left_bytes; /* live, on all banks */
    struct figures figures[MEASURE_MALLOCS_MAX];
    double ratios[METRIC_COUNT];   /* of the first malloc to the best other one; NAN: there is none */
    unsigned others[METRIC_COUNT]; /* which that is */
};

struct side_by_side {
    struct measure *measure;
    unsigned rounds; /* of time; 1 to MEASURE_ROUNDS_MAX */
    struct side_row *rows;
    size_t row_count;
    uint64_t unfit; /* programs that make no calls, or hold too much */
};

/* False, with a message, when no process or memory could be had. */
bool side_by_side_add(struct side_by_side *side, const char *name, const struct load *load);
void side_by_side_print(const struct side_by_side *side, FILE *out);
/* The object is the caller's. */
cJSON *side_by_side_json(const struct side_by_side *side);
void side_by_side_free(struct side_by_side *side);

#endif
