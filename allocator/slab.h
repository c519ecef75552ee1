/* slab: a run of pages cut into blocks of one class, and its metadata, one cache line.
 *
 * Invariants of a bound slab, in terms of its two counters:
 *   used    blocks that left the slab and are not back in its free list: live, cached by a thread, or on their way back
 *   carved  how far the slab was ever cut; it only grows until the slab is reset
 *   carved - used == length of the free list + blocks that are withdrawn;  used <= carved <= capacity
 * Blocks are cut by `carved`, never by `used`.
 *
 * The free list is a row of chains as they came back. The first block of each has a label behind its link, if there is
 * room: how many blocks the chain has, and which is the last. So chains are taken as they are, without a look at each
 * block, which is out of the processor's caches as a rule.
 *
 * Pages inside it may be clean: they read as zero and take no memory, because they were not written since the system
 * gave them, or were purged (slab_pages.c). A carved block that touches a clean page is withdrawn: free, but in no
 * list, since a link would need the page. No other carved block touches one. When the free list is empty, withdrawn
 * blocks come back a page at a time, the lowest first, and before the slab is cut further: so it is cut no further than
 * its use asks for, and what is not cut is behind all that is withdrawn.
 *
 * A bound slab is touched under the lock of the owning heap. Without it anybody who holds a live block of the slab may
 * read `owner`, `clean_pages` (whose bits of that block's pages are 0 as long as it is live), and what does not change
 * while it is bound: class, start, capacity. A free slab belongs to the pool, under its lock. */
#ifndef HAKMEM_ALLOCATOR_SLAB_H
#define HAKMEM_ALLOCATOR_SLAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "allocator/atomic.h"
#include "allocator/class.h"
#include "allocator/os.h"

struct hak_block;
struct hak_heap;

enum { HAK_LABEL_END_BYTES = 16 }; /* a label (links.h) is the second word of a block */

/* Blocks of one slab, linked from head to tail; the tail's link belongs to whoever has the chain. */
struct hak_chain {
    struct hak_block *head;
    struct hak_block *tail;
    uint32_t count;
};

enum hak_slab_state { HAK_SLAB_FREE, HAK_SLAB_BOUND };

struct hak_slab {
    _Alignas(64) _Atomic(uintptr_t) owner_word; /* the full heap pointer, never a truncated id; and HAK_OWNER_CAREFUL */
    struct hak_block *free;                     /* blocks that came back */
    char *start;                                /* first block */
    char *carved_end;                           /* behind the last block that was cut */
    struct hak_slab *next;                      /* in a list of its heap */
    struct hak_slab *previous;
    uint32_t block_bytes;
    uint16_t used;
    uint16_t carved;
    uint16_t capacity; /* blocks */
    uint8_t class_id;
    uint8_t state;                /* enum hak_slab_state */
    _Atomic uint32_t clean_pages; /* bit i: page i of the slab is clean */
};
_Static_assert(sizeof(struct hak_slab) == 64, "a slab's metadata is one cache line");

/* Set in owner_word where frees must take the careful path: it compares equal to no heap. With HAKMEM_FAIL_FAST=1, and
 * as long as blocks are withdrawn: their pages read as zero, so a second free of one is not seen by its first word. */
enum { HAK_OWNER_CAREFUL = 1 };

/* The owning heap, or NULL. It may be an older one than the block's slab has now: see remote.h. */
static inline struct hak_heap *hak_slab_owner(const struct hak_slab *slab) {
    uintptr_t word = hak_load(&((struct hak_slab *)(uintptr_t)slab)->owner_word, relaxed);
    return (struct hak_heap *)(word & ~(uintptr_t)HAK_OWNER_CAREFUL);
}

void hak_slab_set_owner(struct hak_slab *slab, struct hak_heap *owner);

static inline uint32_t hak_slab_clean_pages(const struct hak_slab *slab) {
    return hak_load(&((struct hak_slab *)(uintptr_t)slab)->clean_pages, relaxed);
}

/* Those that withdrawn blocks touch. */
uint32_t hak_slab_withdrawn_pages(const struct hak_slab *slab);

/* Whether some of the carved blocks are withdrawn. Pre: the slab has an owner. */
static inline bool hak_slab_has_withdrawn(const struct hak_slab *slab) {
    uintptr_t word = hak_load(&((struct hak_slab *)(uintptr_t)slab)->owner_word, relaxed);
    return (word & HAK_OWNER_CAREFUL) != 0 && hak_slab_withdrawn_pages(slab) != 0;
}

static inline bool hak_slab_is_full(const struct hak_slab *slab) {
    return slab->free == NULL && slab->carved == slab->capacity && !hak_slab_has_withdrawn(slab);
}

static inline struct hak_block *hak_slab_block(const struct hak_slab *slab, uint32_t index) {
    return (struct hak_block *)(void *)(slab->start + (size_t)index * slab->block_bytes);
}

/* Bind a free slab to a class and an owner: all counters start anew. Pre: clean_pages says which pages are clean. */
void hak_slab_bind(struct hak_slab *slab, uint32_t class_id, struct hak_heap *owner);

/* Take `wanted` blocks or a little more or less, at least one and at most `most`, as a list that ends in NULL: what
 * came back, in chains as it came, or newly cut ones, in the order of their addresses. *taken says how many. Pre: not
 * full, 0 < wanted <= most. */
struct hak_block *hak_slab_take(struct hak_slab *slab, uint32_t wanted, uint32_t most, uint32_t *taken);
/* Give blocks back to the free list. Touches head and tail. */
void hak_slab_give(struct hak_slab *slab, struct hak_chain chain);

/* Purge the pages that no block in use touches, if they are at least so many; their blocks are withdrawn. Returns how
 * much was purged: 0 when there was too little, or the system refused. */
size_t hak_slab_purge(struct hak_slab *slab, uint32_t pages_min);
/* Make blocks that are withdrawn free ones again: those of the lowest clean pages, until there is one. Pre: some are.
 */
void hak_slab_restore(struct hak_slab *slab);
/* The blocks from `first` to `last` were cut: their pages are clean no longer. */
void hak_slab_use_pages(struct hak_slab *slab, const struct hak_block *first, const struct hak_block *last);
/* Whether a clean page is among those of a block that the slab could hold, so that it is not in use. Any thread. */
bool hak_slab_touches_clean(const struct hak_slab *slab, const struct hak_block *block);
/* All pages of the slab, as bits. */
uint32_t hak_slab_all_pages(const struct hak_slab *slab);
/* Wipe links and labels of all carved blocks; clean pages hold none, and stay so. */
void hak_slab_wipe_links(struct hak_slab *slab);

/* Wipe what free blocks still hold of links, and leave the slab unbound. Pre: used == 0. */
void hak_slab_unbind(struct hak_slab *slab);

/* Whether blocks of the slab have room for a label. */
static inline bool hak_slab_has_labels(const struct hak_slab *slab) {
    return slab->block_bytes >= HAK_LABEL_END_BYTES + HAK_HEADER;
}
/* The block may be free from now on, in a list: header, link and label will be written to it. */
static inline void hak_slab_announce(const struct hak_slab *slab, struct hak_block *block) {
    size_t inside_bytes = hak_slab_has_labels(slab) ? HAK_LABEL_END_BYTES : sizeof(struct hak_block *);
    os_announce((char *)block - HAK_HEADER_BYTES, HAK_HEADER_BYTES + inside_bytes);
}
/* Put a chain of blocks that are free in front of the free list. */
void hak_slab_relist(struct hak_slab *slab, struct hak_chain chain);
/* Whether the labels in the free list say where its chains end. Pre: its links are sound. */
bool hak_slab_chains_hold(const struct hak_slab *slab);

static inline bool hak_slab_starts_below(const struct hak_slab *slab, const void *address, uint32_t blocks) {
    uintptr_t offset = (uintptr_t)address - (uintptr_t)slab->start;
    return offset < (uintptr_t)blocks * slab->block_bytes && (uint32_t)offset % slab->block_bytes == 0;
}

/* Whether `address` is the start of a block of the slab that was carved. Under the owner's lock, or by the owner:
 * others must not read `carved`. */
static inline bool hak_slab_holds(const struct hak_slab *slab, const void *address) {
    return hak_slab_starts_below(slab, address, slab->carved);
}

/* Whether `address` is where a block of the slab starts or could. Any thread that holds a live block of the slab. */
static inline bool hak_slab_could_hold(const struct hak_slab *slab, const void *address) {
    return hak_slab_starts_below(slab, address, slab->capacity);
}

/* Counters within their bounds, free list of the right length and in chains, every link inside the slab. Walks the
 * list.
 */
bool hak_slab_is_valid(const struct hak_slab *slab);
/* Number of withdrawn blocks. Looks at each. */
uint32_t hak_slab_withdrawn(const struct hak_slab *slab);

#endif
