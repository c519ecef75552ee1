/* large: the choice between run and big. */
#include "allocator/large.h"

#include "allocator/thread.h"

void *hak_large_take(size_t size_bytes, size_t align_bytes, bool *zeroed) {
    struct hak_heap *heap = hak_thread_heap();
    if (heap == NULL) {
        return NULL;
    }
    void *block = hak_run_fits(size_bytes, align_bytes) ? hak_run_take(size_bytes, align_bytes, heap->id, zeroed)
                                                        : hak_big_take(size_bytes, align_bytes, zeroed);
    hak_decay_tick();
    hak_thread_done();
    return block;
}

bool hak_large_give(void *address, uintptr_t entry) {
    bool given;
    if ((entry & HAK_MAP_TAG_MASK) == HAK_MAP_REGION) {
        given = hak_run_give(hak_map_record(entry), address);
    } else {
        struct hak_big *big = hak_map_big(address);
        given = big != NULL && hak_big_give(big, address);
    }
    hak_decay_tick();
    return given;
}
