/* fuzz_bigcache: the BigCache beside a plain list by age; oracle/component_bigcache.c says what records mean. */
#include "fuzz_targets/fuzz.h"

const struct target_info *const fuzz_target = &target_table[TARGET_BIGCACHE];
