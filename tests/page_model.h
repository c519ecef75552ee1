/* page_model: a word for each page of the arena says which block it belongs to, and what blocks hold says it too. For
 * the tests that have a tier run beside a model. */
#ifndef HAKMEM_TESTS_PAGE_MODEL_H
#define HAKMEM_TESTS_PAGE_MODEL_H

#include "oracle/extents.h"
#include "oracle/mutate.h"
#include "tests/arena_fixture.h"

struct model_block {
    char *start; /* NULL: none */
    size_t size_bytes;
    uint32_t id; /* from 1 */
};

struct page_model {
    struct mutate_random random;
    uint32_t owners[ARENA_PAGES]; /* id of the block that has the page, or 0 */
    uint32_t next_id;
    size_t live_bytes;
};

static struct page_model model_pages;

static inline void pages_begin(uint64_t seed) {
    memset(&model_pages, 0, sizeof model_pages);
    mutate_seed(&model_pages.random, seed);
}

static inline uint32_t below(uint32_t bound) {
    return mutate_below(&model_pages.random, bound);
}

static inline void change_owner(const char *start, size_t size_bytes, uint32_t from, uint32_t to) {
    for (size_t offset = 0; offset < size_bytes; offset += SIM_PAGE_BYTES) {
        uint32_t *owner = &model_pages.owners[sim_offset(start + offset) / SIM_PAGE_BYTES];
        assert_int_equal(*owner, from);
        *owner = to;
    }
}

/* The first and the last word of each page of the arena, wherever the block is moved to. */
static inline uint64_t stamp(const struct model_block *block, size_t offset) {
    return ((uint64_t)block->id << 32 | offset) * UINT64_C(0x9e3779b97f4a7c15);
}

static inline void stamp_pages(const struct model_block *block, size_t from_bytes) {
    hak_mark_open(block->start + from_bytes, block->size_bytes - from_bytes);
    for (size_t offset = from_bytes; offset < block->size_bytes; offset += SIM_PAGE_BYTES) {
        char *page = block->start + offset;
        uint64_t word = stamp(block, offset);
        sim_touch(page, SIM_PAGE_BYTES);
        memcpy(page, &word, sizeof word);
        memcpy(page + SIM_PAGE_BYTES - sizeof word, &word, sizeof word);
    }
}

static inline void verify_pages(const struct model_block *block, size_t to_bytes) {
    for (size_t offset = 0; offset < to_bytes; offset += SIM_PAGE_BYTES) {
        const char *page = block->start + offset;
        uint64_t word = stamp(block, offset);
        assert_memory_equal(page, &word, sizeof word);
        assert_memory_equal(page + SIM_PAGE_BYTES - sizeof word, &word, sizeof word);
    }
}

#endif
