/* misuse_pointers: one function for every kind of pointer that is no live block, and the table of them with what is
 * said of each. They run in a child that allocates for the first time. */
#ifndef HAKMEM_TESTS_MISUSE_POINTERS_H
#define HAKMEM_TESTS_MISUSE_POINTERS_H

#include <pthread.h>
#include <sys/mman.h>

#include "allocator/root.h"
#include "allocator/superslab.h"
#include "tests/test_real.h"

#define NOT_OURS "the pointer was freed already, or no block of this allocator begins there"
#define NO_BLOCK "the pointer is not the start of a block"
#define NO_OWNER "the pointer was freed already, or it is no block's"
#define FREED "the pointer was freed already"
#define NOT_LIVE "the pointer is not a live block"

enum { TINY_BYTES = 100, POOL_BYTES = 5000, RUN_BYTES = 100000, BIG_BYTES = 8 << 20 };

static inline void *take(size_t size_bytes) {
    void *block = hak_malloc(size_bytes);
    require(block != NULL);
    return block;
}

/* What is done on another thread, and done with when this returns. */
static inline void on_thread(void *(*body)(void *), void *argument) {
    pthread_t thread;
    require(pthread_create(&thread, NULL, body, argument) == 0);
    require(pthread_join(thread, NULL) == 0);
}

/* ---- each function makes one of size_bytes, or of no size ---- */

static inline void *of_stack(size_t unused) {
    (void)unused;
    static char *volatile pointer;
    char here[64];
    pointer = here;
    return (void *)((uintptr_t)pointer + 16);
}

static inline void *of_static(size_t unused) {
    (void)unused;
    static _Alignas(16) char here[64];
    return here;
}

static inline void *of_foreign_mapping(size_t unused) {
    (void)unused;
    return mmap(NULL, HAK_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static inline void *of_small_number(size_t unused) {
    (void)unused;
    return (void *)(uintptr_t)16;
}

static inline void *of_no_canonical_address(size_t unused) {
    (void)unused;
    return (void *)(uintptr_t)UINT64_C(0xfffffffffffffff0);
}

static inline void *of_superslab_header(size_t size_bytes) {
    return (char *)hak_superslab_of(take(size_bytes)) + 64;
}

static inline void *of_slab_nobody_uses(size_t size_bytes) {
    struct hak_superslab *superslab = hak_superslab_of(take(size_bytes));
    return (char *)superslab + hak_superslab_bytes() - ((size_t)1 << superslab->slab_shift);
}

static inline void *freed(size_t size_bytes) {
    void *block = take(size_bytes);
    hak_free(block);
    return block;
}

static inline void *freed_among_others(size_t size_bytes) {
    void *blocks[9];
    for (size_t i = 0; i < 9; i++) {
        blocks[i] = take(size_bytes);
    }
    for (size_t i = 0; i < 9; i += 2) {
        hak_free(blocks[i]);
    }
    return blocks[4];
}

/* A neighbour is live, so the slab stays, and the block is in its list. */
static inline void *freed_and_back_in_its_slab(size_t size_bytes) {
    void *block = freed_among_others(size_bytes);
    (void)hak_malloc_trim(0);
    require(hak_slab_of(block)->state == HAK_SLAB_BOUND);
    return block;
}

/* The first block of the slab is live, and the page of the last one was purged: nothing stands in it any more. */
static inline void *freed_and_purged(size_t size_bytes) {
    enum { BLOCKS_MAX = 1 << 10 };
    static void *blocks[BLOCKS_MAX];
    size_t count = 0;
    do {
        require(count < BLOCKS_MAX);
        blocks[count] = take(size_bytes);
    } while (hak_slab_of(blocks[count]) == hak_slab_of(blocks[0]) && ++count < hak_slab_of(blocks[0])->capacity);
    for (size_t i = 1; i < count; i++) {
        hak_free(blocks[i]);
    }
    (void)hak_malloc_trim(0);
    const struct hak_slab *slab = hak_slab_of(blocks[0]);
    require(hak_slab_touches_clean(slab, blocks[count - 1]) || hak_slab_bytes(slab) == HAK_PAGE_BYTES);
    return blocks[count - 1];
}

static inline void *make_one_purged(void *result) {
    size_t size_bytes = *(size_t *)result;
    *(void **)result = freed_and_purged(size_bytes);
    return NULL;
}

static inline void *freed_and_purged_by_ended_thread(size_t size_bytes) {
    union {
        size_t size_bytes;
        void *block;
    } of = {size_bytes};
    on_thread(make_one_purged, &of);
    return of.block;
}

/* Something of another class is live in the SuperSlab, so that stays, and only the slab is empty. */
static inline void *freed_with_all_its_slab(size_t size_bytes) {
    void *block = take(size_bytes);
    void *other = take(size_bytes / 2);
    require(hak_superslab_of(other) == hak_superslab_of(block));
    hak_free(block);
    (void)hak_malloc_trim(0);
    require(hak_slab_of(block)->state == HAK_SLAB_FREE);
    return block;
}

/* Enough blocks for several SuperSlabs: what was freed first, all of it, is in the lazy cache. */
static inline void *freed_with_all_its_superslab(size_t size_bytes) {
    enum { BLOCKS_MAX = 1 << 17 };
    static void *blocks[BLOCKS_MAX];
    size_t count = (size_t)7 * hak_superslab_bytes() / 2 / size_bytes;
    require(count <= BLOCKS_MAX);
    for (size_t i = 0; i < count; i++) {
        blocks[i] = take(size_bytes);
    }
    for (size_t i = 0; i < count; i++) {
        hak_free(blocks[i]);
    }
    require(hak_map_superslab(blocks[count / 2]) != NULL && hak_superslab_of(blocks[count / 2])->cached);
    return blocks[count / 2];
}

static inline void *freed_and_given_to_the_system(size_t size_bytes) {
    void *block = freed(size_bytes);
    (void)hak_malloc_trim(0);
    return block;
}

static inline void *free_it(void *block) {
    hak_free(block);
    return NULL;
}

static inline void *freed_by_another_thread(size_t size_bytes) {
    void *block = take(size_bytes);
    on_thread(free_it, block);
    return block;
}

/* A thread with a heap keeps it for a while, since it gathers what goes to one owner. */
static inline void *free_all_with_heap(void *argument) {
    void **blocks = argument;
    void *own = take(64);
    for (size_t i = 0; blocks[i] != NULL; i++) {
        hak_free(blocks[i]);
    }
    hak_free(own);
    return NULL;
}

static inline void *freed_by_a_thread_with_a_heap(size_t size_bytes) {
    void *blocks[] = {take(size_bytes), take(size_bytes), NULL};
    on_thread(free_all_with_heap, blocks);
    return blocks[0];
}

static inline void *make_one(void *result) {
    size_t size_bytes = *(size_t *)result;
    *(void **)result = take(size_bytes);
    return NULL;
}

/* A live block of a heap whose thread has ended. */
static inline void *of_ended_thread(size_t size_bytes) {
    union {
        size_t size_bytes;
        void *block;
    } of = {size_bytes};
    on_thread(make_one, &of);
    return of.block;
}

/* This thread has a heap, and what it frees for another one waits in it: behind a block of another class. */
static inline void *freed_for_another_heap(size_t size_bytes) {
    void *own = take(64);
    void *first = of_ended_thread(size_bytes * 2), *block = of_ended_thread(size_bytes);
    hak_free(first);
    hak_free(block);
    hak_free(own);
    return block;
}

static inline void *last_place_of(const void *block) {
    const struct hak_slab *slab = hak_slab_of((struct hak_block *)(uintptr_t)block);
    require(slab->carved < slab->capacity);
    return slab->start + (size_t)(slab->capacity - 1) * slab->block_bytes;
}

static inline void *never_carved(size_t size_bytes) {
    return last_place_of(take(size_bytes));
}

static inline void *inside(size_t size_bytes) {
    return (char *)take(size_bytes) + 16;
}

static inline void *inside_of_ended_thread(size_t size_bytes) {
    return (char *)of_ended_thread(size_bytes) + 16;
}

static inline void *one_byte_in(size_t size_bytes) {
    return (char *)take(size_bytes) + 1;
}

static inline void *one_byte_before(size_t size_bytes) {
    return (char *)take(size_bytes) - 1;
}

/* Up from the middle: a run may be of two pages only. */
static inline size_t later_page_bytes(size_t size_bytes) {
    return (size_bytes / 2 + HAK_PAGE_BYTES - 1) & ~(HAK_PAGE_BYTES - 1);
}

static inline void *on_a_later_page(size_t size_bytes) {
    return (char *)take(size_bytes) + later_page_bytes(size_bytes);
}

static inline void *on_a_later_page_after_free(size_t size_bytes) {
    void *block = on_a_later_page(size_bytes);
    hak_free((char *)block - later_page_bytes(size_bytes));
    return block;
}

static inline void *part_that_realloc_gave_back(size_t size_bytes) {
    char *block = take(size_bytes);
    require(hak_realloc(block, size_bytes / 2) != NULL);
    return block + (size_bytes / 4 * 3 & ~(HAK_PAGE_BYTES - 1));
}

static inline void *last_page_of_a_region(size_t size_bytes) {
    uintptr_t region = (uintptr_t)take(size_bytes) & ~(((uintptr_t)1 << HAK_GEO->superslab_shift) - 1);
    return (void *)(region + ((uintptr_t)1 << HAK_GEO->superslab_shift) - HAK_PAGE_BYTES);
}

/* Where a block of the calling thread could not be looked at more closely without making every free slower, that is
 * only done with HAKMEM_FAIL_FAST=1. Nor does a thread know how far another one has cut its slabs. */
enum notice { ALWAYS, NOT_AT_FREE };

/* name, function, size, what free says, when it says so */
#define POINTERS(X)                                                                                                    \
    X("on the stack", of_stack, 0, NOT_OURS, ALWAYS)                                                                   \
    X("static", of_static, 0, NOT_OURS, ALWAYS)                                                                        \
    X("foreign mapping", of_foreign_mapping, 0, NOT_OURS, ALWAYS)                                                      \
    X("small number", of_small_number, 0, NOT_OURS, ALWAYS)                                                            \
    X("no canonical address", of_no_canonical_address, 0, NOT_OURS, ALWAYS)                                            \
    X("SuperSlab's header", of_superslab_header, TINY_BYTES, NO_OWNER, ALWAYS)                                         \
    X("pool SuperSlab's header", of_superslab_header, POOL_BYTES, NO_OWNER, ALWAYS)                                    \
    X("slab nobody uses", of_slab_nobody_uses, TINY_BYTES, NO_OWNER, ALWAYS)                                           \
    X("pool slab nobody uses", of_slab_nobody_uses, POOL_BYTES, NO_OWNER, ALWAYS)                                      \
    X("smallest block, freed", freed, 1, FREED, ALWAYS)                                                                \
    X("tiny block, freed", freed, TINY_BYTES, FREED, ALWAYS)                                                           \
    X("pool block, freed", freed, POOL_BYTES, FREED, ALWAYS)                                                           \
    X("largest pool block, freed", freed, 32000, FREED, ALWAYS)                                                        \
    X("run, freed", freed, RUN_BYTES, NOT_OURS, ALWAYS)                                                                \
    X("big block, freed", freed, BIG_BYTES, NOT_OURS, ALWAYS)                                                          \
    X("tiny block, freed among others", freed_among_others, TINY_BYTES, FREED, ALWAYS)                                 \
    X("pool block, freed among others", freed_among_others, POOL_BYTES, FREED, ALWAYS)                                 \
    X("run, freed among others", freed_among_others, RUN_BYTES, NOT_OURS, ALWAYS)                                      \
    X("big block, freed among others", freed_among_others, BIG_BYTES, NOT_OURS, ALWAYS)                                \
    X("tiny block, back in its slab", freed_and_back_in_its_slab, TINY_BYTES, FREED, ALWAYS)                           \
    X("pool block, back in its slab", freed_and_back_in_its_slab, POOL_BYTES, FREED, ALWAYS)                           \
    X("tiny block on a purged page", freed_and_purged, TINY_BYTES, FREED, ALWAYS)                                      \
    X("pool block on a purged page", freed_and_purged, POOL_BYTES, FREED, ALWAYS)                                      \
    X("tiny block on an orphan's purged page", freed_and_purged_by_ended_thread, TINY_BYTES, FREED, ALWAYS)            \
    X("pool block on an orphan's purged page", freed_and_purged_by_ended_thread, POOL_BYTES, FREED, ALWAYS)            \
    X("tiny block of an emptied slab", freed_with_all_its_slab, TINY_BYTES, NO_OWNER, ALWAYS)                          \
    X("pool block of an emptied slab", freed_with_all_its_slab, POOL_BYTES, NO_OWNER, ALWAYS)                          \
    X("tiny block of a cached SuperSlab", freed_with_all_its_superslab, TINY_BYTES, NO_OWNER, ALWAYS)                  \
    X("pool block of a cached SuperSlab", freed_with_all_its_superslab, POOL_BYTES, NO_OWNER, ALWAYS)                  \
    X("tiny block, gone", freed_and_given_to_the_system, TINY_BYTES, NOT_OURS, ALWAYS)                                 \
    X("pool block, gone", freed_and_given_to_the_system, POOL_BYTES, NOT_OURS, ALWAYS)                                 \
    X("run, gone", freed_and_given_to_the_system, RUN_BYTES, NOT_OURS, ALWAYS)                                         \
    X("big block, gone", freed_and_given_to_the_system, BIG_BYTES, NOT_OURS, ALWAYS)                                   \
    X("smallest block, freed by a thread", freed_by_another_thread, 1, FREED, ALWAYS)                                  \
    X("tiny block, freed by a thread", freed_by_another_thread, TINY_BYTES, FREED, ALWAYS)                             \
    X("pool block, freed by a thread", freed_by_another_thread, POOL_BYTES, FREED, ALWAYS)                             \
    X("run, freed by a thread", freed_by_another_thread, RUN_BYTES, NOT_OURS, ALWAYS)                                  \
    X("big block, freed by a thread", freed_by_another_thread, BIG_BYTES, NOT_OURS, ALWAYS)                            \
    X("tiny block, freed by a heap", freed_by_a_thread_with_a_heap, TINY_BYTES, FREED, ALWAYS)                         \
    X("pool block, freed by a heap", freed_by_a_thread_with_a_heap, POOL_BYTES, FREED, ALWAYS)                         \
    X("tiny block, freed for a heap", freed_for_another_heap, TINY_BYTES, FREED, ALWAYS)                               \
    X("pool block, freed for a heap", freed_for_another_heap, POOL_BYTES, FREED, ALWAYS)                               \
    X("inside a tiny block of an ended thread", inside_of_ended_thread, TINY_BYTES, NO_BLOCK, ALWAYS)                  \
    X("inside a pool block of an ended thread", inside_of_ended_thread, POOL_BYTES, NO_BLOCK, ALWAYS)                  \
    X("inside a run", inside, RUN_BYTES, NOT_OURS, ALWAYS)                                                             \
    X("inside a big block", inside, BIG_BYTES, NOT_OURS, ALWAYS)                                                       \
    X("one byte inside a run", one_byte_in, RUN_BYTES, NOT_OURS, ALWAYS)                                               \
    X("one byte inside a big block", one_byte_in, BIG_BYTES, NOT_OURS, ALWAYS)                                         \
    X("one byte before a run", one_byte_before, RUN_BYTES, NOT_OURS, ALWAYS)                                           \
    X("one byte before a big block", one_byte_before, BIG_BYTES, NOT_OURS, ALWAYS)                                     \
    X("later page of a run", on_a_later_page, RUN_BYTES, NOT_OURS, ALWAYS)                                             \
    X("later page of a big block", on_a_later_page, BIG_BYTES, NOT_OURS, ALWAYS)                                       \
    X("later page of a freed run", on_a_later_page_after_free, RUN_BYTES, NOT_OURS, ALWAYS)                            \
    X("later page of a freed big block", on_a_later_page_after_free, BIG_BYTES, NOT_OURS, ALWAYS)                      \
    X("part of a run that realloc gave back", part_that_realloc_gave_back, RUN_BYTES * 4, NOT_OURS, ALWAYS)            \
    X("part of a big block that realloc gave back", part_that_realloc_gave_back, BIG_BYTES, NOT_OURS, ALWAYS)          \
    X("last page of a region", last_page_of_a_region, RUN_BYTES, NOT_OURS, ALWAYS)                                     \
    X("inside a tiny block", inside, TINY_BYTES, NO_BLOCK, NOT_AT_FREE)                                                \
    X("inside a pool block", inside, POOL_BYTES, NO_BLOCK, NOT_AT_FREE)                                                \
    X("one byte inside a tiny block", one_byte_in, TINY_BYTES, NO_BLOCK, NOT_AT_FREE)                                  \
    X("one byte inside a pool block", one_byte_in, POOL_BYTES, NO_BLOCK, NOT_AT_FREE)                                  \
    X("tiny block never carved", never_carved, TINY_BYTES, NO_BLOCK, NOT_AT_FREE)                                      \
    X("pool block never carved", never_carved, POOL_BYTES, NO_BLOCK, NOT_AT_FREE)

#endif
