/* fuzz_sequence: the same operations on one thread, so that a finding has no schedule to understand. */
#include "fuzz_targets/fuzz.h"

const struct target_info *const fuzz_target = &target_table[TARGET_SEQUENCE];
