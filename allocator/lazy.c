/* lazy: the list, its bounds. */
#include "allocator/lazy.h"

#include "allocator/assert.h"
#include "allocator/superslab.h"

/* `next` leads to the older one, `previous` to the younger one. */
static void list_remove(struct hak_lazy *lazy, struct hak_superslab *superslab) {
    hak_debug_assert((superslab->cached && lazy->count > 0) || HAK_FAULT_ARMED(LAZY_CHOOSES_EARLY));
    *(superslab->previous == NULL ? &lazy->youngest : &superslab->previous->next) = superslab->next;
    *(superslab->next == NULL ? &lazy->oldest : &superslab->next->previous) = superslab->previous;
    superslab->next = superslab->previous = NULL;
    superslab->cached = false;
    lazy->count--;
}

static bool is_over(const struct hak_lazy *lazy) {
    if (HAK_FAULT_IF(LAZY_KEEPS_MORE, lazy->count == HAK_GEO->lazy_max + 1)) {
        return false;
    }
    uint64_t bytes = (uint64_t)lazy->count * hak_superslab_bytes();
    return hak_option(LAZY_CACHE) == 0 || lazy->count > hak_option(SUPERSLAB_MAX_CACHED) ||
           lazy->count > HAK_GEO->lazy_max || bytes > (uint64_t)hak_option(SUPERSLAB_MAX_MEMORY_MB) << 20;
}

struct hak_superslab *hak_lazy_put(struct hak_lazy *lazy, struct hak_superslab *superslab) {
    hak_debug_assert(!superslab->cached && (hak_superslab_is_empty(superslab) || HAK_FAULT_ARMED(RELEASE_LIVE)));
    superslab->cached = true;
    superslab->previous = NULL;
    superslab->next = lazy->youngest;
    *(lazy->youngest == NULL ? &lazy->oldest : &lazy->youngest->previous) = superslab;
    lazy->youngest = superslab;
    lazy->count++;
    if (!is_over(lazy)) {
        return NULL;
    }
    struct hak_superslab *oldest = lazy->oldest;
    list_remove(lazy, oldest);
    lazy->evictions++;
    return oldest;
}

struct hak_superslab *hak_lazy_take(struct hak_lazy *lazy, uint32_t slab_shift) {
    enum { LOOKED_AT = 4 };
    struct hak_superslab *superslab = lazy->youngest;
    for (unsigned i = 1; i < LOOKED_AT && superslab != NULL && superslab->slab_shift != slab_shift; i++) {
        superslab = superslab->next;
    }
    if (superslab == NULL || superslab->slab_shift != slab_shift) {
        superslab = lazy->youngest;
    }
    if (superslab != NULL) {
        if (HAK_FAULT(LAZY_CHOOSES_EARLY)) {
            hak_lock_anew(&hak_root.pool.lock); /* it is taken only now */
        }
        list_remove(lazy, superslab);
        lazy->hits++;
    }
    return superslab;
}

struct hak_superslab *hak_lazy_expired(struct hak_lazy *lazy, uint32_t now_ms, bool all) {
    struct hak_superslab *oldest = lazy->oldest;
    uint32_t limit_ms = hak_option(SUPERSLAB_TTL_SEC) * 1000;
    if (oldest == NULL || (!all && hak_decay_age_ms(oldest->freed_ms, now_ms) < limit_ms)) {
        return NULL;
    }
    list_remove(lazy, oldest);
    lazy->evictions += !all;
    return oldest;
}
