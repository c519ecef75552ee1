/* fuzz_option: the options parser beside one that is written another way; oracle/component_option.c says what records
 * mean. */
#include "fuzz_targets/fuzz.h"

const struct target_info *const fuzz_target = &target_table[TARGET_OPTION];
