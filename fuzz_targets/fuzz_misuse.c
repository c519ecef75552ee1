/* fuzz_misuse: programs that break the rules, on all of the allocator; oracle/component_misuse.c says what records
 * mean. */
#include "fuzz_targets/fuzz.h"

const struct target_info *const fuzz_target = &target_table[TARGET_MISUSE];
