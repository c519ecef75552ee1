/* fuzz_differential: the operations of fuzz_sequence, and each answer beside that of a plain model and that of libc in
 * this process; oracle/beside.h says what is compared. */
#include "fuzz_targets/fuzz.h"

const struct target_info *const fuzz_target = &target_table[TARGET_DIFFERENTIAL];
