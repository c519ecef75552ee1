/* raw_live: see the header. At most half of the places are taken; what is taken out has those behind it move up. */
#include "tools/raw_live.h"

#include <stdlib.h>

static size_t home(const struct raw_live *live, uint64_t address) {
    return (size_t)(address * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (live->capacity - 1);
}

static void put(struct raw_live *live, const struct raw_block *block) {
    size_t at = home(live, block->address);
    while (live->places[at].address != 0) {
        at = (at + 1) & (live->capacity - 1);
    }
    live->places[at] = *block;
    live->count++;
}

bool raw_live_put(struct raw_live *live, const struct raw_block *block) {
    if (2 * (live->count + 1) > live->capacity) {
        struct raw_live grown = {.capacity = live->capacity == 0 ? 1024 : 2 * live->capacity};
        grown.places = calloc(grown.capacity, sizeof *grown.places);
        if (grown.places == NULL) {
            return false;
        }
        for (size_t i = 0; i < live->capacity; i++) {
            if (live->places[i].address != 0) {
                put(&grown, &live->places[i]);
            }
        }
        free(live->places);
        *live = grown;
    }
    put(live, block);
    return true;
}

bool raw_live_take(struct raw_live *live, uint64_t address, struct raw_block *block) {
    if (live->capacity == 0) {
        return false;
    }
    size_t mask = live->capacity - 1, hole = home(live, address);
    while (live->places[hole].address != address) {
        if (live->places[hole].address == 0) {
            return false;
        }
        hole = (hole + 1) & mask;
    }
    *block = live->places[hole];
    for (size_t at = (hole + 1) & mask; live->places[at].address != 0; at = (at + 1) & mask) {
        size_t wanted = home(live, live->places[at].address);
        if (((at - wanted) & mask) >= ((at - hole) & mask)) {
            live->places[hole] = live->places[at];
            hole = at;
        }
    }
    live->places[hole].address = 0;
    live->count--;
    return true;
}

static int compare_objects(const void *a, const void *b) {
    uint32_t x = ((const struct raw_block *)a)->object, y = ((const struct raw_block *)b)->object;
    return (x > y) - (x < y);
}

struct raw_block *raw_live_list(const struct raw_live *live) {
    struct raw_block *list = live->count > 0 ? malloc(live->count * sizeof *list) : NULL;
    size_t count = 0;
    for (size_t i = 0; list != NULL && i < live->capacity; i++) {
        if (live->places[i].address != 0) {
            list[count++] = live->places[i];
        }
    }
    if (list != NULL) {
        qsort(list, count, sizeof *list, compare_objects);
    }
    return list;
}

void raw_live_free(struct raw_live *live) {
    free(live->places);
    *live = (struct raw_live){0};
}
