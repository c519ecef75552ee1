/* raw_live: which blocks of a process are live, by address. A hash table with open addressing. Uses malloc. */
#ifndef HAKMEM_TOOLS_RAW_LIVE_H
#define HAKMEM_TOOLS_RAW_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct raw_block {
    uint64_t address; /* 0: an empty place */
    uint64_t size_bytes;
    uint32_t object;
    uint8_t kind; /* enum recording_kind of what it was made by */
    uint8_t align_shift;
};

struct raw_live {
    struct raw_block *places;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
};

/* False when there is no memory. The address is not there yet. */
bool raw_live_put(struct raw_live *live, const struct raw_block *block);
/* Take it out; false when it is not there. */
bool raw_live_take(struct raw_live *live, uint64_t address, struct raw_block *block);
/* All of it, in the order of objects, to be freed; NULL when there is none, or no memory. */
struct raw_block *raw_live_list(const struct raw_live *live);
void raw_live_free(struct raw_live *live);

#endif
