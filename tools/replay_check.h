/* replay_check: what is checked while a recording is run with the oracle: that blocks do not overlap, are aligned, are
 * zero where calloc made them, keep what is written into them, and are as usable as they say.
 *
 * Any thread; a block is only checked by the thread that uses it just then. All of it lives in mappings of its own,
 * never in the malloc under test. The first finding is printed, and ends the process with EXIT_FINDING. */
#ifndef HAKMEM_TOOLS_REPLAY_CHECK_H
#define HAKMEM_TOOLS_REPLAY_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is known of a live block. */
struct replay_block {
    uint64_t size_bytes;
    uint64_t pattern;
    uint64_t align_bytes;
};

/* What runs, for messages: thread, and the number of the operation among its own. */
struct replay_place {
    uint32_t thread;
    uint64_t operation;
};

bool replay_check_open(void);
/* A block was given out: it is registered and filled. */
void replay_check_made(struct replay_place place, unsigned char *block, uint64_t size_bytes, uint64_t align_bytes,
                       bool zeroed, size_t usable_bytes, struct replay_block *about);
/* It is about to be freed: verified, and no longer known. */
void replay_check_freed(struct replay_place place, const unsigned char *block, const struct replay_block *about);
/* It was reallocated, after replay_check_freed: what both sizes share must be there. Then it is as if made. */
void replay_check_moved(struct replay_place place, unsigned char *block, uint64_t size_bytes, size_t usable_bytes,
                        struct replay_block *about);
/* It is live and not used: verified. */
void replay_check_live(struct replay_place place, const unsigned char *block, const struct replay_block *about);

#endif
