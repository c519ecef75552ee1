/* orders: the memory orders of the allocator, and one weakened at a time. `hakfuzz orders` prints what comes of it.
 *
 * Each trial is a process of its own, since a weak allocator may overwrite the tool. Single-threaded; the world is
 * open. */
#ifndef HAKMEM_TOOLS_ORDERS_H
#define HAKMEM_TOOLS_ORDERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oracle/input.h"
#include "oracle/shim_weak.h"
#include "oracle/site.h"
#include "oracle/target.h"

enum { ORDERS_ROWS_MAX = 3 * SITES_MAX, ORDERS_WORDS_BYTES = 64, ORDERS_MESSAGE_BYTES = 240 };

/* A site, and what is made of its order. */
struct orders_row {
    struct shim_mutant mutant;
    char site[ORDERS_WORDS_BYTES];
    const char *weakened;
    char order[ORDERS_WORDS_BYTES]; /* "release", "failing acquire" */
};

struct orders_program {
    struct input input;
    const struct target_info *target;
    char *path;
};

struct orders {
    unsigned row_count;
    struct orders_row rows[ORDERS_ROWS_MAX];
    size_t program_count;
    struct orders_program *programs;
};

struct orders_result {
    bool found;
    bool spoilt; /* what was found is there with no order weakened, too */
    uint64_t executions;
    char check[ORDERS_WORDS_BYTES];
    char message[ORDERS_MESSAGE_BYTES];
    char by[ORDERS_WORDS_BYTES]; /* the file's name without its directory, or "generated"; with the target */
};

/* Fill in the rows: all sites with `part` in their name; NULL is all. */
void orders_list(struct orders *orders, const char *part);
/* A file or directory; targets that have one thread only are left out. Prints why and returns false when it cannot be
 * read. */
bool orders_add_programs(struct orders *orders, const char *path);
void orders_free(struct orders *orders);

/* Run all programs, then `runs` generated ones, until one has a finding. It is written to the directory `save`, unless
 * that is NULL. Prints why and returns false when that cannot be tried. */
bool orders_try(const struct orders *orders, const struct orders_row *row, uint64_t runs, const char *save,
                struct orders_result *result);

#endif
