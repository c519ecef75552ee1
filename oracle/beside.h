/* beside: what hakmem answered in the simulated world, beside a plain model (reference.h) and libc's malloc in this
 * process, for target differential. Called by the files world*.c only, after their own checks: what those see has a
 * name already, so a finding of here, check divergence, is what only the comparison shows.
 *
 * libc follows where it can. It is asked for what a slot of hakmem's asks for, up to BESIDE_BYTES_MAX; a slot whose
 * block it was not asked for, or has not got, stays empty on its side until the next allocation. What is open
 * (contract.h) it is not asked for, since it may choose; nor, where a sanitizer has put its own malloc in libc's place,
 * for what cannot be met, since that ends the process there. The model judges both mallocs by the same facts.
 *
 * Nothing of libc's answers gets into the trace: its addresses and its memory are of this process, and go on from run
 * to run. What it holds when a run ends, however it ends, is given back. */
#ifndef HAKMEM_ORACLE_BESIDE_H
#define HAKMEM_ORACLE_BESIDE_H

#include <errno.h>

#include "oracle/request.h"
#include "oracle/run.h"
#include "oracle/sim.h"

enum { BESIDE_BYTES_MAX = 1 << 18 };

/* What world_ops.c calls right after a call of the allocator, with errno as that left it: nothing, but in target
 * differential. `old`: the block that was to be resized, `block` the one that was freed; NULL for none. */
static inline void beside_tell_allocated(uint8_t slot, const struct request *request, const struct shadow_block *old,
                                         const void *address, uint64_t refused_before);
static inline void beside_tell_freed(uint8_t slot, enum program_op op, const struct shadow_block *block);
static inline void beside_tell_usable(uint8_t slot, const struct shadow_block *block, size_t usable_bytes);
/* The content was looked at, and is to be written anew if the record says so. */
static inline void beside_tell_verified(uint8_t slot);

/* The run is over: nothing of libc's is live any more. */
void beside_end(void);

/* --- only through the above; `error` is 0 where errno was left alone --- */

void beside_allocated(uint8_t slot, const struct request *request, const struct shadow_block *old, const void *address,
                      int error, bool was_refused);
void beside_freed(uint8_t slot, enum program_op op, const struct shadow_block *block, int error);
void beside_usable(uint8_t slot, const struct shadow_block *block, size_t usable_bytes);
void beside_verified(uint8_t slot);

static inline int beside_error(void) {
    return errno == ERRNO_BEFORE ? 0 : errno;
}

static inline void beside_tell_allocated(uint8_t slot, const struct request *request, const struct shadow_block *old,
                                         const void *address, uint64_t refused_before) {
    if (HAK_UNLIKELY(run.is_beside)) {
        bool was_refused = request->size_bytes >> HAK_ADDRESS_BITS != 0 || sim_refused() != refused_before;
        beside_allocated(slot, request, old, address, beside_error(), was_refused);
    }
}

static inline void beside_tell_freed(uint8_t slot, enum program_op op, const struct shadow_block *block) {
    if (HAK_UNLIKELY(run.is_beside)) {
        beside_freed(slot, op, block, beside_error());
    }
}

static inline void beside_tell_usable(uint8_t slot, const struct shadow_block *block, size_t usable_bytes) {
    if (HAK_UNLIKELY(run.is_beside)) {
        beside_usable(slot, block, usable_bytes);
    }
}

static inline void beside_tell_verified(uint8_t slot) {
    if (HAK_UNLIKELY(run.is_beside)) {
        beside_verified(slot);
    }
}

#endif
