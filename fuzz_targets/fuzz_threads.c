/* fuzz_threads: cross-thread frees, thread exit and adoption on up to four threads; the main target. */
#include "fuzz_targets/fuzz.h"

const struct target_info *const fuzz_target = &target_table[TARGET_THREADS];
