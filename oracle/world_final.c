/* world_final: the proof of the whole heap, and what every program ends with.
 *
 * The proof joins two views. The allocator walks its lists and names every carved block that is not live; the shadow
 * knows every block that is. Each carved block must be in exactly one of them. */
#include <string.h>

#include "allocator/hakmem.h"
#include "allocator/root.h"
#include "allocator/shard.h"
#include "allocator/shards.h"
#include "allocator/stats.h"
#include "oracle/finding.h"
#include "oracle/run.h"
#include "oracle/sim.h"

/* Blocks the current walk has named, to see one named twice. Entries of older walks have another stamp, so nothing is
 * ever cleared. A walk begins with a small part of the table, which stays in the cache; one that fills half of it is
 * begun again with more. Beyond the largest, only counts are compared. */
enum { SEEN_ENTRIES_MIN = 1 << 9, SEEN_ENTRIES_MAX = 1 << 17 };
struct seen {
    uint32_t stamp;
    uint32_t key : 24;
    uint32_t holder : 8;
};
_Static_assert(HAK_ADDRESS_BITS - 3 <= 24, "a key is a block's offset in units of 8 bytes");
static struct seen seen[SEEN_ENTRIES_MAX];
static struct {
    uint32_t stamp;
    uint32_t count;
    uint32_t entries; /* in use, a power of two */
} seen_walk;

static const char *const state_names[] = {"a slab's free list", "a thread's cache", "a remote queue"};

/* Whether the block was named before in this walk, and by whom: a slot below PROGRAM_SLOTS_MAX, else a list. */
static bool seen_before(const void *block, uint8_t holder, uint8_t *earlier) {
    uint32_t key = (uint32_t)(sim_offset(block) >> 3);
    uint32_t at = (key * UINT32_C(0x9e3779b1) >> 12) & (seen_walk.entries - 1);
    if (seen_walk.count >= seen_walk.entries / 2) {
        return false;
    }
    while (seen[at].stamp == seen_walk.stamp) {
        if (seen[at].key == key) {
            *earlier = seen[at].holder;
            return true;
        }
        at = (at + 1) & (seen_walk.entries - 1);
    }
    seen[at] = (struct seen){seen_walk.stamp, key & 0xffffff, holder};
    seen_walk.count++;
    return false;
}

static void visit(void *context, const void *block, size_t block_bytes, enum hak_block_state state) {
    (void)context;
    (void)block_bytes;
    uint8_t earlier;
    if (!seen_before(block, (uint8_t)(PROGRAM_SLOTS_MAX + state), &earlier)) {
        return;
    }
    if (earlier < PROGRAM_SLOTS_MAX) {
        finding_raise(CHECK_ACCOUNTING, block, "the live block of slot s%u is also in %s", earlier, state_names[state]);
    }
    finding_raise(CHECK_ACCOUNTING, block, "the block at offset 0x%llx is in %s and also in %s",
                  (unsigned long long)sim_offset(block), state_names[earlier - PROGRAM_SLOTS_MAX], state_names[state]);
}

static const char *walk(struct hak_heap_counts *counts) {
    const char *broken;
    seen_walk.entries = SEEN_ENTRIES_MIN / 4;
    do {
        seen_walk.entries *= 4;
        seen_walk.stamp++;
        seen_walk.count = 0;
        uint8_t unused;
        for (uint32_t i = 0; i < run.shadow.count; i++) {
            (void)seen_before((const void *)run.shadow.starts[i], run.shadow.slots[i], &unused);
        }
        broken = hak_check_heap(counts, visit, NULL);
    } while (seen_walk.count >= seen_walk.entries / 2 && seen_walk.entries < SEEN_ENTRIES_MAX);
    return broken;
}

struct live {
    size_t small;
    size_t runs;
    size_t bigs;
};

static struct live count_live(void) {
    struct live live = {0, 0, 0};
    for (uint32_t i = 0; i < run.shadow.count; i++) {
        const void *block = (const void *)run.shadow.starts[i];
        struct hak_place place = hak_place_of(block);
        bool is_small = place.kind == HAK_PLACE_TINY || place.kind == HAK_PLACE_POOL;
        bool is_block = is_small || place.kind == HAK_PLACE_RUN || place.kind == HAK_PLACE_BIG;
        if (!is_block || place.block != block) {
            finding_raise(CHECK_ACCOUNTING, block, "the live block of slot s%u is no block of the allocator's any more",
                          run.shadow.slots[i]);
        }
        live.small += is_small;
        live.runs += place.kind == HAK_PLACE_RUN;
        live.bigs += place.kind == HAK_PLACE_BIG;
    }
    return live;
}

static void compare(const char *what, size_t allocator_has, size_t shadow_has) {
    if (allocator_has > shadow_has) {
        finding_raise(CHECK_BLOCK_LOST, NULL, "%s blocks that are neither live nor in any list: %zu", what,
                      allocator_has - shadow_has);
    }
    if (allocator_has < shadow_has) {
        finding_raise(CHECK_ACCOUNTING, NULL, "live %s blocks that are not counted as used: %zu", what,
                      shadow_has - allocator_has);
    }
}

/* What the allocator says of itself, for records that ask: blocks in the caches of other threads count as live there.
 */
static void prove_statistics(const struct live *live) {
    struct hak_stats stats;
    struct hak_totals totals;
    hak_stats_take(&stats);
    hak_stats_totals(&totals);
    size_t small = stats.value[HAK_STAT_TINY_live_blocks] + stats.value[HAK_STAT_POOL_live_blocks];
    if (small < live->small || stats.value[HAK_STAT_RUN_live_blocks] != live->runs ||
        stats.value[HAK_STAT_BIG_live_blocks] != live->bigs || totals.mapped_count != live->bigs) {
        finding_raise(CHECK_ACCOUNTING, NULL,
                      "statistics name %zu small blocks, %llu runs and %llu mappings, where %zu, %zu and %zu are live",
                      small, (unsigned long long)stats.value[HAK_STAT_RUN_live_blocks],
                      (unsigned long long)stats.value[HAK_STAT_BIG_live_blocks], live->small, live->runs, live->bigs);
    }
    if (totals.reserved_bytes != totals.live_bytes + totals.free_bytes) {
        finding_raise(CHECK_ACCOUNTING, NULL, "%zu bytes are held, but %zu live and %zu free", totals.reserved_bytes,
                      totals.live_bytes, totals.free_bytes);
    }
}

static bool controller_is_valid(void) {
    bool valid = hak_ace_is_valid(&hak_root.ace);
    for (uint32_t i = 0; i < hak_shards_end(); i++) {
        const struct hak_shard *shard = hak_shards_at(i);
        valid = valid && (shard == NULL || hak_ace_window_is_valid(&shard->window));
    }
    return valid;
}

void run_prove_heap(void) {
    struct hak_heap_counts counts;
    const char *broken = walk(&counts);
    if (broken != NULL) {
        bool sentinel = broken[0] == 'I' && broken[1] == '3' && broken[2] == ':';
        finding_raise(sentinel ? CHECK_SENTINEL_IN_LIST : CHECK_ACCOUNTING, NULL, "does not hold: %s", broken);
    }
    if (!controller_is_valid() || !hak_options_is_valid(&hak_root.options)) {
        finding_raise(CHECK_ACCOUNTING, NULL, "a number of the controller, or an option, is out of its bounds");
    }
    struct live live = count_live();
    size_t listed = counts.free_blocks + counts.cached_blocks + counts.remote_blocks;
    compare("small", counts.carved_blocks - listed, live.small);
    compare("run", counts.runs, live.runs);
    compare("big", counts.bigs, live.bigs);
    run_thrift_prove(&counts);
    if (run.now->index < run.program->record_count) { /* somebody asked for it: not the end that every program has */
        prove_statistics(&live);
    }
    run_trace(counts.carved_blocks << 32 | counts.cached_blocks);
}

void run_final_free(void) {
    sim_fail_stop();
    while (run.shadow.count > 0) {
        run_free_slot(run.shadow.slots[run.shadow.count - 1], OP_FREE);
    }
    run_forget_subject();
    (void)hak_malloc_trim(0);
    const struct hak_meta *meta = &hak_root.meta;
    if (sim_reserved_bytes() != meta->reserved_bytes || hak_root.pool.superslab_count != 0) {
        run_prove_heap(); /* a broken list is the better explanation, if there is one */
        finding_raise(CHECK_NOT_RETURNED, NULL,
                      "after everything was freed and trimmed %zu SuperSlabs and %zu bytes beside metadata remain",
                      hak_root.pool.superslab_count, sim_reserved_bytes() - meta->reserved_bytes);
    }
    if ((meta->live[HAK_META_BIG] | meta->live[HAK_META_PAGES] | meta->live[HAK_META_REGION]) != 0) {
        finding_raise(CHECK_NOT_RETURNED, NULL,
                      "after everything was freed %u records of mappings, %u of regions and %u page tables remain",
                      meta->live[HAK_META_BIG], meta->live[HAK_META_REGION], meta->live[HAK_META_PAGES]);
    }
    if (hak_root.heaps.count > run.alive_most) {
        finding_raise(CHECK_NOT_RETURNED, NULL, "%u heaps were made for %u threads at once", hak_root.heaps.count,
                      run.alive_most);
    }
}
