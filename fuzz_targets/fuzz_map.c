/* fuzz_map: the region map beside an array of all pages; oracle/component_map.c says what records mean. */
#include "fuzz_targets/fuzz.h"

const struct target_info *const fuzz_target = &target_table[TARGET_MAP];
