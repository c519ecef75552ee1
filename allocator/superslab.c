/* superslab: birth and death of SuperSlabs. */
#include "allocator/superslab.h"

#include "allocator/annotate.h"
#include "allocator/assert.h"
#include "allocator/map.h"
#include "allocator/root.h"

static size_t superslab_bytes(void) {
    return (size_t)1 << HAK_GEO->superslab_shift;
}

struct hak_superslab *hak_superslab_create(void) {
    size_t slab_bytes = (size_t)1 << HAK_GEO->slab_shift;
    uint32_t slab_count = (uint32_t)(superslab_bytes() / slab_bytes) - 1;
    size_t header_bytes = sizeof(struct hak_superslab) + (slab_count + 1) * sizeof(struct hak_slab);
    hak_assert(header_bytes <= slab_bytes);
    struct hak_superslab *superslab = os_reserve(superslab_bytes(), superslab_bytes());
    if (superslab == NULL) {
        return NULL;
    }
    if (!os_commit(superslab, slab_bytes)) {
        os_release(superslab, superslab_bytes());
        return NULL;
    }
    os_announce(superslab, header_bytes);
    hak_mark_open(superslab, header_bytes);
    superslab->slab_count = slab_count;
    superslab->free_count = slab_count;
    for (uint32_t i = slab_count; i > 0; i--) { /* so that the lowest is first in the list */
        struct hak_slab *slab = &superslab->slabs[i];
        slab->start = (char *)superslab + i * slab_bytes;
        slab->next = superslab->free;
        superslab->free = slab;
    }
    if (!hak_map_enter_superslab(superslab)) {
        hak_mark_returned(superslab, slab_bytes);
        os_release(superslab, superslab_bytes());
        return NULL;
    }
    return superslab;
}

void hak_superslab_destroy(struct hak_superslab *superslab) {
    hak_assert(superslab->free_count == superslab->slab_count || HAK_FAULT(RELEASE_LIVE));
    hak_map_remove_superslab(superslab);
    if (HAK_SIM) {
        hak_mark_closed(superslab, (size_t)1 << HAK_GEO->slab_shift); /* the header: all blocks are closed already */
    } else {
        hak_mark_returned(superslab, superslab_bytes());
    }
    os_release(superslab, superslab_bytes());
}
