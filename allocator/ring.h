/* ring: the last few events of the allocator's slow paths, for crash reports.
 *
 * Writers take a number and fill its place; a reader may see a place half written, and reports are made when nobody
 * else runs or when it does not matter. Any thread. HAKMEM_RING=0 switches it off. */
#ifndef HAKMEM_ALLOCATOR_RING_H
#define HAKMEM_ALLOCATOR_RING_H

#include <stddef.h>
#include <stdint.h>

#include "allocator/atomic.h"
#include "allocator/config.h"

struct hak_print;

/* id, text: what happened, to what address or with what number */
#define HAK_EVENT_TABLE(X)                                                                                             \
    X(SUPERSLAB_CREATED, "SuperSlab created")                                                                          \
    X(SUPERSLAB_RELEASED, "SuperSlab released")                                                                        \
    X(SUPERSLAB_CACHED, "SuperSlab to the lazy cache")                                                                 \
    X(SUPERSLAB_REUSED, "SuperSlab from the lazy cache")                                                               \
    X(SLAB_BOUND, "slab bound")                                                                                        \
    X(SLAB_UNBOUND, "slab unbound")                                                                                    \
    X(PURGED, "purged")                                                                                                \
    X(REGION_CREATED, "region created")                                                                                \
    X(REGION_RELEASED, "region released")                                                                              \
    X(BIG_MAPPED, "mapping created")                                                                                   \
    X(BIG_RELEASED, "mapping released")                                                                                \
    X(HEAP_CLAIMED, "heap claimed")                                                                                    \
    X(HEAP_RELEASED, "heap released")                                                                                  \
    X(HEAP_ADOPTED, "heap adopted")                                                                                    \
    X(BAD_POINTER, "bad pointer")                                                                                      \
    X(REFUSED, "the system refused")

enum hak_event {
    HAK_EVENT_NONE,
#define HAK_EVENT_ENUM(id, text) HAK_EVENT_##id,
    HAK_EVENT_TABLE(HAK_EVENT_ENUM)
#undef HAK_EVENT_ENUM
        HAK_EVENT_COUNT
};

enum { HAK_RING_ENTRIES = HAK_TRIAL ? 16 : 256 };

struct hak_ring_entry {
    _Atomic uint32_t event;
    _Atomic uint32_t heap_id; /* of the thread it happened on, 0 none */
    _Atomic uintptr_t what;   /* address or number */
};

struct hak_ring {
    _Atomic uint32_t count; /* ever; entry n is at n % HAK_RING_ENTRIES */
    struct hak_ring_entry entries[HAK_RING_ENTRIES];
};

void hak_ring_note(enum hak_event event, uintptr_t what);
/* Oldest first, one line each. */
void hak_ring_print(struct hak_print *print);

#endif
