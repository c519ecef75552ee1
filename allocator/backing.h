/* backing: what stands behind the address of a live block, whichever tier it is of. Any thread that has the block. */
#ifndef HAKMEM_ALLOCATOR_BACKING_H
#define HAKMEM_ALLOCATOR_BACKING_H

#include <stdbool.h>
#include <stddef.h>

struct hak_big;
struct hak_region;
struct hak_slab;

/* One of slab, region and big is not NULL. */
struct hak_backing {
    struct hak_slab *slab;
    struct hak_region *region;
    struct hak_big *big;
    size_t usable_bytes;
};

/* False when no live block begins there, as far as the tables tell. */
bool hak_backing_of(const void *address, struct hak_backing *backing);

/* Whether a place in a slab looks as if its block were free: a header that says so, or a first word that decodes to
 * what a link can be: the end of a list, or the start of a block, of any class, since a queue has blocks of all. */
bool hak_is_free_already(const struct hak_slab *slab, const void *address);

#endif
