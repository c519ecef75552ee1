/* switch_map: a byte a pair, by hash. libFuzzer clears its section before each run and reads it after. */
#include "oracle/switch_map.h"

#include "oracle/site.h"

enum { PAIRS = 4096 };
__attribute__((section("__libfuzzer_extra_counters"), used)) static uint8_t counters[PAIRS];

/* The map of AFL++, where its runtime is linked. */
extern uint8_t *__afl_area_ptr __attribute__((weak));
extern uint32_t __afl_map_size __attribute__((weak));

static void bump(uint8_t *counter) {
    *counter = (uint8_t)(*counter + (*counter != UINT8_MAX));
}

void switch_map_note(const struct hak_site *from, const struct hak_site *to) {
    uint32_t pair = site_number(from) * SITES_MAX + (to == NULL ? SITES_MAX - 1 : site_number(to));
    uint32_t hash = pair * UINT32_C(0x9e3779b1);
    bump(&counters[hash >> 20]);
    if (&__afl_area_ptr != NULL && &__afl_map_size != NULL && __afl_area_ptr != NULL && __afl_map_size != 0) {
        bump(&__afl_area_ptr[hash % __afl_map_size]);
    }
}
