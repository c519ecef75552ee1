/* root: the one object all mutable state hangs off, besides the thread root.
 *
 * All zero is its state before the first allocation. A test over the object files proves that nothing else is writable;
 * the simulated world clears it to start over. */
#ifndef HAKMEM_ALLOCATOR_ROOT_H
#define HAKMEM_ALLOCATOR_ROOT_H

#include "allocator/ace.h"
#include "allocator/big.h"
#include "allocator/decay.h"
#include "allocator/geometry.h"
#include "allocator/heap.h"
#include "allocator/map.h"
#include "allocator/meta.h"
#include "allocator/option.h"
#include "allocator/pool.h"
#include "allocator/ring.h"
#include "allocator/run.h"

struct hak_root {
#if HAK_TRIAL
    const struct hak_geometry *geometry; /* chosen by the oracle before the first allocation */
#endif
    uintptr_t link_key;          /* links.h; set before the process counts as started */
    _Atomic uint32_t started;    /* process.h */
    _Atomic uint32_t attached;   /* process.h */
    _Atomic uint32_t complaints; /* bad pointers so far */
    struct hak_os os;
    struct hak_options options;
    struct hak_ace ace;
    struct hak_decay decay;
    struct hak_heaps heaps;
    struct hak_pool pool;
    struct hak_runs runs;
    struct hak_bigs bigs;
    struct hak_meta meta;
    struct hak_map map;
    struct hak_ring ring;
};

/* Not to be reached by way of a table of the linker: the fast paths look here. */
extern HAK_HIDDEN struct hak_root hak_root;

#endif
