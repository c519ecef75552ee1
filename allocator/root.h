/* root: the one object all mutable state hangs off, besides the thread root.
 *
 * All zero is its state before the first allocation. A test over the object files proves that nothing else is writable;
 * the simulated world clears it to start over. */
#ifndef HAKMEM_ALLOCATOR_ROOT_H
#define HAKMEM_ALLOCATOR_ROOT_H

#include "allocator/geometry.h"
#include "allocator/heap.h"
#include "allocator/map.h"
#include "allocator/meta.h"
#include "allocator/pool.h"

struct hak_root {
#if HAK_SIM
    const struct hak_geometry *geometry; /* chosen by the simulated world before the first allocation */
#endif
    _Atomic uint32_t attached; /* os_process_attach was called */
    struct hak_os os;
    struct hak_heaps heaps;
    struct hak_pool pool;
    struct hak_meta meta;
    struct hak_map map;
};

extern struct hak_root hak_root;

#endif
