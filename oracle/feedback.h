/* feedback: what the engines are told of a run beside the edges it covered, as counters of the user's own.
 *
 * Two maps, each a guide that can be taken away (guide.h). Pairs of sites: which access was interrupted in favour of
 * which. States: what the allocator looks like where an operation has just worked, and as a whole. Where no engine
 * reads the counters, nothing is counted. Called by the world only, outside of the allocator; nothing here has an
 * effect on a run. */
#ifndef HAKMEM_ORACLE_FEEDBACK_H
#define HAKMEM_ORACLE_FEEDBACK_H

#include "allocator/shim.h"

/* An engine reads the counters. Guides that are taken away later stay. */
void feedback_open(void);

/* A run begins. */
void feedback_begin(void);
/* `to` is NULL when the other thread begins an operation. */
void feedback_switch(const struct hak_site *from, const struct hak_site *to);
/* The operation of the running thread ended, and did something. */
void feedback_operation(void);

#endif
