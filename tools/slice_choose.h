/* slice_choose: windows of a recording that are different from each other. */
#ifndef HAKMEM_TOOLS_SLICE_CHOOSE_H
#define HAKMEM_TOOLS_SLICE_CHOOSE_H

#include <stdint.h>

#include "tools/slice_cut.h"

/* Fill `firsts` with the first operations of at most `count` windows of `length` operations; returns how many. The
 * first is the most usual one, each other the one least like those before it. */
unsigned slice_choose(struct slice_source *source, unsigned length, unsigned count, uint64_t *firsts);

#endif
