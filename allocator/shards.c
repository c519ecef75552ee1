/* shards: the table, the locks, and what goes over all of them: sums, proof, fork. */
#include "allocator/shards.h"

#include "allocator/shard.h"

static struct hak_shard *shard_make(uint32_t index) {
    hak_lock_acquire(&hak_root.runs.lock);
    struct hak_shard *shard = hak_shards_at(index);
    if (shard == NULL) {
        shard = hak_meta_take(HAK_META_SHARD, sizeof *shard);
        if (shard != NULL) {
            hak_tell_write(shard->lock.word); /* its zero */
        }
        hak_store(&hak_root.runs.shards[index], shard, release); /* its zeroes before its address */
        if (shard != NULL && index >= hak_shards_end()) {
            hak_store(&hak_root.runs.shards_end, index + 1, relaxed);
        }
    }
    hak_lock_release(&hak_root.runs.lock);
    return shard;
}

struct hak_shard *hak_shards_of(uint32_t home) {
    uint32_t index = home % hak_ace_value(&hak_root.ace, HAK_ACE_SHARDS);
    struct hak_shard *shard = hak_shards_at(index);
    if (HAK_UNLIKELY(shard == NULL)) {
        shard = shard_make(index);
    }
    for (uint32_t i = 0; shard == NULL && i < hak_shards_end(); i++) {
        shard = hak_shards_at(i);
    }
    return shard;
}

void hak_shards_lock(struct hak_shard *shard) {
    bool contended = !hak_lock_try(&shard->lock);
    if (HAK_UNLIKELY(contended)) {
        hak_lock_acquire(&shard->lock);
        shard->contended++;
    }
    hak_ace_contention(&hak_root.ace, &shard->window, contended);
}

void hak_shards_unlock(struct hak_shard *shard) {
    hak_shard_settle(shard);
    hak_lock_release(&shard->lock);
}

/* ---- observation ---- */

void hak_run_totals(struct hak_run_totals *totals) {
    *totals = (struct hak_run_totals){0};
    for (uint32_t i = 0; i < hak_shards_end(); i++) {
        struct hak_shard *shard = hak_shards_at(i);
        if (shard == NULL) {
            continue;
        }
        hak_lock_acquire(&shard->lock);
        totals->shards++;
        totals->regions += shard->region_count;
        totals->empty_regions += shard->empty_count;
        totals->live_bytes += shard->live_pages << HAK_PAGE_SHIFT;
        totals->dirty_bytes += shard->dirty_pages << HAK_PAGE_SHIFT;
        totals->taken += shard->taken;
        totals->given += shard->given;
        totals->resized += shard->resized;
        totals->lent += shard->lent;
        totals->contended += shard->contended;
        totals->created += shard->created;
        totals->released += shard->released;
        totals->purged_bytes += shard->purged_bytes;
        hak_lock_release(&shard->lock);
    }
    totals->live = (size_t)(totals->taken - totals->given);
    totals->free_bytes = totals->regions * hak_region_bytes() - totals->live_bytes;
}

const char *hak_run_check(const struct hak_run_counts *counts) {
    struct hak_run_counts listed = {0};
    for (uint32_t i = 0; i < hak_shards_end(); i++) {
        const struct hak_shard *shard = hak_shards_at(i);
        const char *broken = shard == NULL ? NULL : hak_shard_check(shard, &listed);
        if (broken != NULL) {
            return broken;
        }
    }
    if (listed.free_runs != counts->free_runs || listed.free_bytes != counts->free_bytes) {
        return "I22: every free run is in the bin of its length, once";
    }
    if (listed.dirty_runs != counts->dirty_runs || listed.dirty_bytes != counts->dirty_bytes) {
        return "I24: the list by age holds the free runs with dirty pages, oldest first";
    }
    if (listed.regions != counts->regions || listed.empty_regions != counts->empty_regions ||
        listed.live != counts->live || listed.live_bytes != counts->live_bytes) {
        return "I26: shards count their regions, empty ones, live runs and live pages right";
    }
    return NULL;
}

/* ---- fork ---- */

void hak_run_lock_all(void) {
    hak_lock_acquire(&hak_root.runs.lock);
    for (uint32_t i = 0; i < hak_shards_end(); i++) {
        if (hak_shards_at(i) != NULL) {
            hak_lock_acquire(&hak_shards_at(i)->lock);
        }
    }
}

void hak_run_unlock_all(void) {
    for (uint32_t i = 0; i < hak_shards_end(); i++) {
        if (hak_shards_at(i) != NULL) {
            hak_lock_release(&hak_shards_at(i)->lock);
        }
    }
    hak_lock_release(&hak_root.runs.lock);
}

void hak_run_reset_all(void) {
    for (uint32_t i = 0; i < hak_shards_end(); i++) {
        if (hak_shards_at(i) != NULL) {
            hak_lock_reset(&hak_shards_at(i)->lock);
        }
    }
    hak_lock_reset(&hak_root.runs.lock);
}
