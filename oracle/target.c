/* target: the table of fuzz targets as data, and its look-up by name. */
#include "oracle/target.h"

#include <stddef.h>
#include <string.h>

const struct target_info target_table[TARGET_COUNT] = {
#define TARGET_ROW(id, ...) [TARGET_##id] = {__VA_ARGS__},
    TARGET_TABLE(TARGET_ROW)
#undef TARGET_ROW
};

const struct target_info *target_find(const char *name) {
    static const char prefix[] = "fuzz_";
    if (strncmp(name, prefix, sizeof prefix - 1) == 0)
        name += sizeof prefix - 1;
    for (size_t i = 0; i < TARGET_COUNT; i++)
        if (strcmp(target_table[i].name, name) == 0)
            return &target_table[i];
    return NULL;
}
