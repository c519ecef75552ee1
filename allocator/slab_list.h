/* slab_list: doubly linked lists of slabs, through the slabs themselves. Under the lock of the heap the list is in. */
#ifndef HAKMEM_ALLOCATOR_SLAB_LIST_H
#define HAKMEM_ALLOCATOR_SLAB_LIST_H

#include "allocator/assert.h"
#include "allocator/slab.h"

static inline void hak_slab_list_insert(struct hak_slab **list, struct hak_slab *slab) {
    slab->previous = NULL;
    slab->next = *list;
    if (slab->next != NULL) {
        slab->next->previous = slab;
    }
    *list = slab;
}

/* Behind `tail`, the last of a list that is not empty. */
static inline void hak_slab_list_append(struct hak_slab *tail, struct hak_slab *slab) {
    hak_debug_assert(tail->next == NULL);
    slab->previous = tail;
    slab->next = NULL;
    tail->next = slab;
}

static inline void hak_slab_list_remove(struct hak_slab **list, struct hak_slab *slab) {
    if (slab->previous != NULL) {
        slab->previous->next = slab->next;
    } else {
        hak_debug_assert(*list == slab);
        *list = slab->next;
    }
    if (slab->next != NULL) {
        slab->next->previous = slab->previous;
    }
    slab->next = slab->previous = NULL;
}

#endif
