/* foreign_counters: part of hakfuzz_target.so, and of nothing else. The linker knows where the counters of a library
 * begin and end, but tells that to the library alone. Not instrumented itself: the instrumentation has the same names.
 */
#include <stdint.h>

#include "fuzz_targets/foreign_counters.h"

#define COUNTERS __attribute__((weak, visibility("hidden")))
extern unsigned char counters_start[] __asm__("__start___sancov_cntrs") COUNTERS;
extern unsigned char counters_stop[] __asm__("__stop___sancov_cntrs") COUNTERS;

struct foreign_counters hakfuzz_target_counters(void) {
    return (struct foreign_counters){counters_start, (uintptr_t)counters_stop - (uintptr_t)counters_start};
}
