/* decay: the sums, the budget, the look after age. */
#include "allocator/decay.h"

#include "allocator/big.h"
#include "allocator/os.h"
#include "allocator/root.h"

void hak_decay_dirty(size_t change_bytes) {
    if (change_bytes != 0) {
        (void)hak_fetch_add(&hak_root.decay.dirty_bytes, change_bytes, relaxed);
    }
}

void hak_decay_live(size_t change_bytes) {
    (void)hak_fetch_add(&hak_root.decay.live_bytes, change_bytes, relaxed);
}

void hak_decay_purged(size_t purged_bytes) {
    (void)hak_fetch_add(&hak_root.decay.purged_bytes, purged_bytes, relaxed);
}

bool hak_decay_purge(void *address, size_t size_bytes) {
    bool purged = os_purge(address, size_bytes);
    if (HAK_UNLIKELY(!purged)) {
        hak_store(&hak_root.decay.refused_ms_plus_one, os_clock_ms() + UINT64_C(1), relaxed);
    }
    return purged;
}

bool hak_decay_is_silent(void) {
    uint64_t refused_ms_plus_one = hak_load(&hak_root.decay.refused_ms_plus_one, relaxed);
    return HAK_UNLIKELY(refused_ms_plus_one != 0) &&
           hak_decay_age_ms((uint32_t)(refused_ms_plus_one - 1), os_clock_ms()) < HAK_DECAY_SILENCE_MS;
}

size_t hak_decay_excess(void) {
    size_t dirty_bytes = hak_load(&hak_root.decay.dirty_bytes, relaxed);
    size_t budget_bytes = (size_t)hak_option(DIRTY_MAX_MB) << 20;
    if (dirty_bytes <= budget_bytes) {
        return 0;
    }
    budget_bytes += hak_load(&hak_root.decay.live_bytes, relaxed);
    return dirty_bytes <= budget_bytes || hak_decay_is_silent() ? 0 : dirty_bytes - budget_bytes;
}

bool hak_decay_is_due(uint32_t since_ms, uint32_t now_ms) {
    bool is_old = hak_decay_age_ms(since_ms, now_ms) >= hak_ace_value(&hak_root.ace, HAK_ACE_PURGE_DELAY);
    return (is_old && !hak_decay_is_silent()) || hak_decay_excess() > 0;
}

/* An eighth of the delay is close enough. Whoever frees purges what is its own first; when live memory fell and there
 * is still too much, what others have goes too. */
void hak_decay_tick(void) {
    struct hak_decay *decay = &hak_root.decay;
    uint32_t now_ms = os_clock_ms();
    uint32_t looked_ms = hak_load(&decay->looked_ms, relaxed);
    if (HAK_LIKELY(now_ms - looked_ms < hak_ace_value(&hak_root.ace, HAK_ACE_PURGE_DELAY) / 8 &&
                   hak_decay_excess() == 0) ||
        !hak_cas_strong(&decay->looked_ms, &looked_ms, now_ms, relaxed, relaxed)) {
        return;
    }
    hak_heaps_help(now_ms);
    hak_pool_age(now_ms);
    hak_run_age(now_ms);
    hak_big_age(now_ms);
}

bool hak_decay_trim(void) {
    hak_pool_trim();
    bool runs = hak_run_trim();
    bool mappings = hak_big_trim();
    return runs || mappings;
}
