/* fuzz_remote: the queues through which blocks come back to their heaps, with four threads, beside the set of blocks
 * that are out; oracle/component_remote.c says what records mean. */
#include "fuzz_targets/fuzz.h"

const struct target_info *const fuzz_target = &target_table[TARGET_REMOTE];
