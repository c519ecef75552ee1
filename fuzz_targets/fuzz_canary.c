/* fuzz_canary: an allocator with a fault planted, which must be found: proof that the pipeline can fail. */
#include "fuzz_targets/fuzz.h"

const struct target_info *const fuzz_target = &target_table[TARGET_CANARY];
