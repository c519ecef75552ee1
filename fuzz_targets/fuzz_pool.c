/* fuzz_pool: the shared pool of slabs beside the set of slabs that are out; oracle/component_pool.c says what records
 * mean. */
#include "fuzz_targets/fuzz.h"

const struct target_info *const fuzz_target = &target_table[TARGET_POOL];
