/* trial: the functions of hakmem_trial.so that hakmem itself does not have. Compiled with the allocator's sources, for
 * the real system layer. Single-threaded callers. */
#include "oracle/trial.h"

#include <stdio.h>
#include <unistd.h>

#include "allocator/check.h"
#include "allocator/config.h"
#include "allocator/root.h"
#include "oracle/preset.h"

struct hak_faults hak_faults;

HAK_EXPORT void hak_trial_begin(enum hak_fault fault, uint32_t geometry, uint32_t preset);
HAK_EXPORT const char *hak_trial_prove(size_t live_blocks, bool *broken_count);
HAK_EXPORT struct trial_counts hak_trial_faults(void);

void hak_trial_begin(enum hak_fault fault, uint32_t geometry, uint32_t preset) {
    const struct hak_geometry *chosen = &hak_geometries[geometry % HAK_GEOMETRY_COUNT];
    bool fits = sysconf(_SC_PAGESIZE) <= (long)1 << chosen->page_shift;
    hak_root.geometry = fits ? chosen : &hak_geometries[HAK_GEOMETRY_REAL];
    preset_apply(&hak_root.options, preset % PRESET_COUNT);
    hak_faults.armed = fault;
}

/* What is asked of it before that has an answer too. */
__attribute__((constructor(101))) static void trial_load(void) {
    hak_trial_begin(HAK_FAULT_NONE, HAK_GEOMETRY_REAL, PRESET_DEFAULT);
}

const char *hak_trial_prove(size_t live_blocks, bool *broken_count) {
    static char message[256];
    struct hak_heap_counts counts;
    const char *broken = hak_check_heap(&counts, NULL, NULL);
    *broken_count = false;
    if (broken != NULL) {
        snprintf(message, sizeof message, "does not hold: %s", broken);
        return message;
    }
    size_t listed = counts.free_blocks + counts.cached_blocks + counts.remote_blocks;
    size_t others = counts.runs + counts.bigs;
    if (counts.carved_blocks + others != listed + live_blocks) {
        *broken_count = true;
        snprintf(message, sizeof message, "%zu blocks are live, but of %zu that were cut %zu are listed as free",
                 live_blocks, counts.carved_blocks + others, listed);
        return message;
    }
    return NULL;
}

struct trial_counts hak_trial_faults(void) {
    return (struct trial_counts){hak_note_load(&hak_faults.reached), hak_note_load(&hak_faults.triggered)};
}
