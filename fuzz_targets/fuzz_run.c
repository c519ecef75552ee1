/* fuzz_run: the run tier beside an array of page owners; oracle/component_run.c says what records mean. */
#include "fuzz_targets/fuzz.h"

const struct target_info *const fuzz_target = &target_table[TARGET_RUN];
