/* fuzz_class: the size classes beside a search through their table; oracle/component_class.c says what records mean. */
#include "fuzz_targets/fuzz.h"

const struct target_info *const fuzz_target = &target_table[TARGET_CLASS];
