/* fuzz_adopt: heaps that lose their owners and are adopted, with four threads, beside the set of blocks that are out;
 * oracle/component_adopt.c says what records mean. */
#include "fuzz_targets/fuzz.h"

const struct target_info *const fuzz_target = &target_table[TARGET_ADOPT];
