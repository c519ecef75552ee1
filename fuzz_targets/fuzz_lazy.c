/* fuzz_lazy: the lazy cache of SuperSlabs beside an array by age; oracle/component_lazy.c says what records mean. */
#include "fuzz_targets/fuzz.h"

const struct target_info *const fuzz_target = &target_table[TARGET_LAZY];
