/* feedback: a byte a thing seen, by hash. libFuzzer clears its section before each run and reads it after.
 *
 * A state is a few small numbers, each of them one that some path of the allocator asks about: what is full or empty,
 * there or not, one or many. How many there are exactly is nobody's business: every state that is new keeps an input,
 * and too many inputs are as bad as none. Only what is at hand is read: the slab, run or mapping of the block that the
 * operation was about, its heap, and the heads of the lists. Nothing of the world's own edges is counted, so that what
 * the engine knows is of the allocator. */
#include "oracle/feedback.h"

#include "allocator/root.h"
#include "allocator/superslab.h"
#include "oracle/guide.h"
#include "oracle/run.h"
#include "oracle/site.h"

enum { PAIRS = 4096, STATES = 2048, LISTS = 3 };
__attribute__((section("__libfuzzer_extra_counters"), used)) static uint8_t counters[PAIRS + STATES];

/* The map of AFL++, where its runtime is linked. */
extern uint8_t *__afl_area_ptr __attribute__((weak));
extern uint32_t __afl_map_size __attribute__((weak));

static bool counts_pairs, counts_states, has_afl;
static uint8_t kinds[OP_COUNT]; /* what each operation does to blocks */
static uint32_t lists_before;   /* the states of the lists behind the operation before */

static void bump(uint8_t *counter) {
    *counter = (uint8_t)(*counter + (*counter != UINT8_MAX));
}

static uint32_t hashed(uint32_t value) {
    return value * UINT32_C(0x9e3779b1);
}

static void afl_bump(uint32_t hash) {
    if (HAK_UNLIKELY(has_afl) && __afl_area_ptr != NULL && __afl_map_size != 0) {
        bump(&__afl_area_ptr[hash % __afl_map_size]);
    }
}

void feedback_switch(const struct hak_site *from, const struct hak_site *to) {
    if (counts_pairs) {
        uint32_t pair = site_number(from) * SITES_MAX + (to == NULL ? SITES_MAX - 1 : site_number(to));
        uint32_t hash = hashed(pair);
        bump(&counters[hash >> 20]);
        afl_bump(hash);
    }
}

/* --- states --- */

/* Seen or not: how often is not a state. */
static void note(uint32_t state) {
    uint32_t hash = hashed(state);
    counters[PAIRS + (hash >> 21)] = 1;
    afl_bump(hash);
}

/* None, one, more. */
static uint32_t few(size_t count) {
    return (uint32_t)(count < 2 ? count : 2);
}

/* What an operation does to blocks: takes, takes and gives, gives, neither. */
static uint8_t kind_of(enum program_op op) {
    switch (op) {
    case OP_FREE:
    case OP_FREE_SIZED:
    case OP_FREE_ALIGNED_SIZED:
    case OP_FREE_MANY:
        return 2;
    case OP_REALLOC:
    case OP_REALLOCARRAY:
        return 1;
    default:
        return (program_op_info[op].fields & FIELD_SIZE) != 0 ? 0 : 3;
    }
}

void feedback_open(void) {
    counts_pairs = guide_is_there(GUIDE_SWITCH_PAIRS);
    counts_states = guide_is_there(GUIDE_STATES);
    has_afl = &__afl_area_ptr != NULL && &__afl_map_size != NULL;
    for (uint32_t op = 0; op < OP_COUNT; op++) {
        kinds[op] = kind_of((enum program_op)op);
    }
}

void feedback_begin(void) {
    lists_before = 0;
}

/* Open and empty, closed and empty, with blocks. */
static uint32_t queue_state(struct hak_heap *heap) {
    uintptr_t head = (uintptr_t)hak_note_load(&heap->remote.head);
    return head == 0 ? 0 : (head & 1) != 0 ? 1 : 2;
}

/* Where the operation has just worked: the slab of its block, whose it is, and what waits in the owner's queue. */
static uint32_t place_state(void) {
    const void *address = (const void *)run.now->subject;
    if (address == NULL) {
        return 0;
    }
    uintptr_t entry = hak_map_entry(address);
    if (!hak_map_is_superslab(entry)) {
        return 1 + (uint32_t)(entry & HAK_MAP_TAG_MASK);
    }
    const struct hak_slab *slab = hak_slab_at(entry, address);
    struct hak_heap *owner = hak_slab_owner(slab);
    uint32_t fill = slab->used == 0 ? 0 : slab->used < slab->capacity ? 1 : 2;
    uint32_t state = 1U << 10 | (uint32_t)(slab->block_bytes > HAK_TINY_MAX_BYTES) << 9 | fill << 7 |
                     (uint32_t)(slab->free != NULL) << 6;
    if (owner != NULL) {
        state |= (owner == hak_thread.heap ? 1 : 2 + owner->state) << 2 | queue_state(owner);
    }
    return state;
}

/* The lists that memory comes from and goes to, each a few bits of a part of the word. */
enum { LIST_BITS = 8 };

static uint32_t pool_state(void) {
    const struct hak_pool *pool = &hak_root.pool;
    return few(pool->superslab_count) << 5 | few(pool->lazy.count) << 3 |
           (uint32_t)(pool->available[HAK_POOL_TINY] != NULL) << 2 |
           (uint32_t)(pool->available[HAK_POOL_POOL] != NULL) << 1 | (uint32_t)(pool->dirty_oldest != NULL);
}

static uint32_t big_state(void) {
    const struct hak_bigcache *cache = &hak_root.bigs.cache;
    return few(cache->count) << 1 | (uint32_t)(cache->dirty_bytes != 0);
}

static uint32_t heaps_state(void) {
    const struct hak_heap *orphan = hak_note_load(&hak_root.heaps.orphans);
    uint32_t orphans = orphan == NULL ? 0 : orphan->next_unowned == NULL ? 1 : 2;
    return orphans << 1 | (uint32_t)(hak_note_load(&hak_root.heaps.spares) != NULL);
}

HAK_NOINLINE static void note_changes(uint32_t before, uint32_t now, uint32_t kind) {
    for (uint32_t i = 0; i < LISTS; i++, before >>= LIST_BITS, now >>= LIST_BITS) {
        uint32_t was = before & ((1U << LIST_BITS) - 1), is = now & ((1U << LIST_BITS) - 1);
        if (is != was) {
            note(UINT32_C(1) << 31 | i << 20 | was << 11 | is << 2 | kind);
        }
    }
}

void feedback_operation(void) {
    if (!counts_states) {
        return;
    }
    uint32_t kind = kinds[run.now->record.op];
    uint32_t now = pool_state() | big_state() << LIST_BITS | heaps_state() << 2 * LIST_BITS;
    note(place_state() << 2 | kind);
    if (now != lists_before) {
        note_changes(lists_before, now, kind);
        lists_before = now;
    }
}
