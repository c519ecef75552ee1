/* meta: bump allocation of records, with one list of returned records per kind. */
#include "allocator/meta.h"

#include <string.h>

#include "allocator/annotate.h"
#include "allocator/assert.h"
#include "allocator/root.h"

/* Pre: meta.lock is held. What is left of the old chunk is wasted: less than one record. */
static bool chunk_refill(struct hak_meta *meta, size_t size_bytes) {
    size_t chunk_bytes = HAK_GEO->meta_chunk_bytes;
    if (chunk_bytes < size_bytes) {
        chunk_bytes = (size_bytes + HAK_PAGE_BYTES - 1) & ~(size_t)(HAK_PAGE_BYTES - 1);
    }
    char *chunk = os_reserve(chunk_bytes, HAK_PAGE_BYTES);
    if (chunk == NULL) {
        return false;
    }
    if (!os_commit(chunk, chunk_bytes)) {
        os_release(chunk, chunk_bytes);
        return false;
    }
    meta->cursor = chunk;
    meta->limit = chunk + chunk_bytes;
    meta->reserved_bytes += chunk_bytes;
    return true;
}

static void *record_cut(struct hak_meta *meta, size_t size_bytes) {
    size_t rounded_bytes = (size_bytes + HAK_META_ALIGN_BYTES - 1) & ~(size_t)(HAK_META_ALIGN_BYTES - 1);
    if ((size_t)(meta->limit - meta->cursor) < rounded_bytes && !chunk_refill(meta, rounded_bytes)) {
        return NULL;
    }
    void *record = meta->cursor;
    os_announce(record, rounded_bytes);
    hak_mark_open(record, rounded_bytes);
    meta->cursor += rounded_bytes;
    return record;
}

void *hak_meta_take(enum hak_meta_kind kind, size_t size_bytes) {
    struct hak_meta *meta = &hak_root.meta;
    hak_lock_acquire(&meta->lock);
    struct hak_meta_free *reused = meta->free[kind];
    void *record = reused;
    if (reused != NULL) {
        meta->free[kind] = reused->next;
        meta->free_count[kind]--;
    } else {
        record = record_cut(meta, size_bytes);
    }
    meta->live[kind] += record != NULL;
    hak_lock_release(&meta->lock);
    if (reused != NULL) {
        memset(record, 0, size_bytes);
    }
    return record;
}

static void list_push(struct hak_meta *meta, enum hak_meta_kind kind, void *record) {
    struct hak_meta_free *node = record;
    node->next = meta->free[kind];
    meta->free[kind] = node;
    meta->free_count[kind]++;
}

bool hak_meta_stock(enum hak_meta_kind kind, size_t size_bytes, size_t count) {
    struct hak_meta *meta = &hak_root.meta;
    bool given = true;
    hak_lock_acquire(&meta->lock);
    while (given && meta->free_count[kind] < count) {
        void *record = record_cut(meta, size_bytes);
        given = record != NULL;
        if (given) {
            list_push(meta, kind, record);
        }
    }
    hak_lock_release(&meta->lock);
    return given;
}

void hak_meta_give(enum hak_meta_kind kind, void *record) {
    struct hak_meta *meta = &hak_root.meta;
    hak_debug_assert(record != NULL);
    hak_lock_acquire(&meta->lock);
    list_push(meta, kind, record);
    meta->live[kind]--;
    hak_lock_release(&meta->lock);
}
