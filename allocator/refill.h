/* refill: the one boundary between a thread's caches and everything behind them, in the order drain, bind, acquire. */
#ifndef HAKMEM_ALLOCATOR_REFILL_H
#define HAKMEM_ALLOCATOR_REFILL_H

#include <stdint.h>

struct hak_block;

/* A block of the class for this thread, whose cache of it must be empty and is refilled on the way. NULL when the
 * system refuses. */
struct hak_block *hak_refill(uint32_t class_id);

#endif
