/* fuzz_start: the first allocations of a process, by four threads at once, with forks; oracle/component_start.c says
 * what records mean. */
#include "fuzz_targets/fuzz.h"

const struct target_info *const fuzz_target = &target_table[TARGET_START];
