/* explore_state: the state of a run between two steps, as a hash. explore.h says what it is for.
 *
 * A thread that is inside an operation has what it knows on its stack, from the mark up that the scheduler left when it
 * stopped; one between operations knows nothing but which record is its next. */
#include <errno.h>
#include <stddef.h>

#include "allocator/root.h"
#include "oracle/component.h"
#include "oracle/explore.h"
#include "oracle/lane.h"
#include "oracle/run.h"
#include "oracle/sim.h"

/* As deep as the scheduler's frames go, and more. */
__attribute__((noinline)) void explore_scrub(void) {
    enum { SCRUBBED_WORDS = 512 };
    volatile uint64_t words[SCRUBBED_WORDS];
    for (uint32_t i = 0; i < SCRUBBED_WORDS; i++) {
        words[i] = 0;
    }
    (void)words;
}

static uint64_t joined(uint64_t hash, uint64_t value) {
    hash = (hash ^ value) * UINT64_C(0x9fb21c651e98df25);
    return hash ^ hash >> 29;
}

/* Stacks have places that are closed to everybody; and so has memory. Whole words. */
#if HAK_ASAN
__attribute__((no_sanitize_address, noinline))
#endif
static uint64_t
joined_words(uint64_t hash, const void *start, size_t size_bytes) {
    const volatile uint64_t *words = start;
    for (size_t i = 0; i < size_bytes / sizeof *words; i++) {
        hash = joined(hash, words[i]);
    }
    return hash;
}

static uint64_t thread_state(uint64_t hash, uint8_t number) {
    const struct virtual_thread *thread = &run.threads[number];
    const struct lane *lane = &scheduler.lanes[number];
    const struct hak_thread *root = number == run.thread ? &hak_thread : &thread->root;
    hash = joined(hash, (uint64_t)lane_rank(lane) << 32 | lane->hold << 2 | (unsigned)lane_is_running(lane) << 1 |
                            thread->alive);
    hash = joined(hash, (uintptr_t)lane->waits_for);
    hash = joined(hash, (uintptr_t)root->heap);
    hash = joined(hash, (uint64_t)root->frees << 1 | root->ended);
    if (!lane_is_running(lane)) {
        return hash;
    }
    const char *end = (const char *)thread->fiber.stack + thread->fiber.stack_bytes;
    hash = joined(hash, (uint64_t)lane->error);
    hash = joined_words(hash, &thread->operation, sizeof thread->operation);
    return joined_words(hash, lane->stack_mark, (size_t)(end - (const char *)lane->stack_mark));
}

static uint64_t shadow_state(uint64_t hash) {
    for (uint32_t i = 0; i < run.shadow.count; i++) {
        const struct shadow_block *block = &run.shadow.blocks[run.shadow.slots[i]];
        hash = joined(hash, run.shadow.slots[i]);
        hash = joined(hash, block->start);
        hash = joined(hash, block->requested_bytes);
        hash = joined(hash, block->claimed_bytes);
        hash = joined(hash, block->pattern);
        hash = joined(hash, (uint64_t)block->born << 8 | block->thread);
    }
    return hash;
}

uint64_t explore_state(void) {
    uint64_t hash = sim_state_hash();
    hash = joined_words(hash, &hak_root, offsetof(struct hak_root, ring));
    hash = shadow_state(hash);
    hash = joined(hash, run.claimed);
    hash = joined(hash, (uint64_t)run.inside << 32 | run.alive << 8 | run.alive_most);
    hash = joined(hash, run.writes);
    hash = joined(hash, run_thrift_state());
    for (uint8_t i = 0; i < scheduler.threads; i++) {
        hash = thread_state(hash, i);
    }
    if (run.component != NULL && run.begun) { /* before that its model is that of the run before */
        hash = joined_words(hash, run.component->state, run.component->state_bytes);
    }
    return hash;
}
