/* switch_map: which access was interrupted in favour of which, for the engines: pairs of sites are counted where
 * libFuzzer and AFL++ look for coverage of the user's own. Nobody reads them here. */
#ifndef HAKMEM_ORACLE_SWITCH_MAP_H
#define HAKMEM_ORACLE_SWITCH_MAP_H

#include "allocator/shim.h"

/* `to` is NULL when the other thread begins an operation. */
void switch_map_note(const struct hak_site *from, const struct hak_site *to);

#endif
