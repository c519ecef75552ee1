/* recording_rules: what reader and writer of recordings keep alike: which objects live, which threads, and the totals.
 */
#ifndef HAKMEM_TOOLS_RECORDING_RULES_H
#define HAKMEM_TOOLS_RECORDING_RULES_H

#include <stddef.h>

#include "tools/recording.h"

struct recording_object {
    uint64_t size_bytes : 63;
    uint64_t live : 1;
    uint32_t owner; /* the thread that gave it out last */
};

struct recording_rules {
    struct recording_totals totals;
    struct recording_object *objects;
    uint64_t capacity;
    uint8_t *ended; /* by thread: its end was there */
    uint64_t ended_capacity;
};

/* Make room for `wanted` items in the list that `list` points to; what is new is zero. False: no memory, as it was. */
bool recording_grow(void *list, uint64_t *capacity, uint64_t wanted, size_t item_bytes);

/* Take one operation into account and complete it. NULL, or what is wrong with it. */
const char *recording_apply(struct recording_rules *rules, struct recording_op *op);
void recording_rules_free(struct recording_rules *rules);

#endif
