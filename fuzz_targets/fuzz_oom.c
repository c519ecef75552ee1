/* fuzz_oom: system requests that fail, at places the input picks. */
#include "fuzz_targets/fuzz.h"

const struct target_info *const fuzz_target = &target_table[TARGET_OOM];
