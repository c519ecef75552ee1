/* trial: hakmem on real threads as it is in the simulated world: with fault points, the geometry and the options that a
 * program asks for, and the proof of the whole heap; but with the real system layer. It is a shared object of its own
 * (trial/trial.c), which stands beside hakfuzz in a build tree and is never installed: the simulated world's copy has
 * the same names inside hakfuzz, and the library has none of all this. */
#ifndef HAKMEM_ORACLE_TRIAL_H
#define HAKMEM_ORACLE_TRIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "allocator/fault.h"

#define TRIAL_FILE "hakmem_trial.so"

struct trial_counts {
    uint64_t reached;
    uint64_t triggered;
};

/* How the shared object is told and asked; its symbols are hak_trial_<field>. */
struct trial {
    /* Before the first allocation of the process: arm a fault, take the geometry and the preset with these numbers
     * (modulo how many there are). A geometry whose pages are smaller than the system's gives way to the real one. */
    void (*begin)(enum hak_fault fault, uint32_t geometry, uint32_t preset);
    /* While no thread is inside: does every invariant hold, and are exactly so many blocks live? NULL, or one line that
     * lives as long as the process; *broken_count tells a wrong number of blocks from a broken invariant. */
    const char *(*prove)(size_t live_blocks, bool *broken_count);
    struct trial_counts (*faults)(void);
};

#endif
