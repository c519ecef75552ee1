/* decay: the sums, the budget, the look after age. */
#include "allocator/decay.h"

#include "allocator/big.h"
#include "allocator/os.h"
#include "allocator/root.h"

static size_t resident(const struct hak_decay *decay) {
    return hak_load(&decay->live_bytes, relaxed) + hak_load(&decay->dirty_bytes, relaxed) -
           hak_load(&decay->spare_bytes, relaxed);
}

static void change(_Atomic size_t *sum_bytes, size_t change_bytes) {
    struct hak_decay *decay = &hak_root.decay;
    (void)hak_fetch_add(sum_bytes, change_bytes, relaxed);
    size_t resident_bytes = resident(decay);
    if (resident_bytes > hak_load(&decay->peak_bytes, relaxed)) {
        hak_store(&decay->peak_bytes, resident_bytes, relaxed); /* of two at once one may be lost */
    }
}

void hak_decay_dirty(size_t change_bytes) {
    if (change_bytes != 0) {
        change(&hak_root.decay.dirty_bytes, change_bytes);
    }
}

void hak_decay_spare(size_t change_bytes) {
    if (change_bytes != 0) {
        (void)hak_fetch_add(&hak_root.decay.spare_bytes, change_bytes, relaxed);
        change(&hak_root.decay.dirty_bytes, change_bytes);
    }
}

void hak_decay_live(size_t change_bytes) {
    change(&hak_root.decay.live_bytes, change_bytes);
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

static size_t budget(void) {
    return (size_t)hak_option(DIRTY_MAX_MB) << 20;
}

size_t hak_decay_excess(void) {
    size_t dirty_bytes = hak_load(&hak_root.decay.dirty_bytes, relaxed);
    size_t most_bytes = budget();
    if (dirty_bytes <= most_bytes) {
        return 0;
    }
    size_t live_bytes = hak_load(&hak_root.decay.live_bytes, relaxed);
    size_t turns_bytes = hak_load(&hak_root.decay.turns_bytes, relaxed);
    size_t used_bytes = live_bytes - hak_load(&hak_root.decay.spare_bytes, relaxed);
    size_t rest_bytes = turns_bytes > used_bytes ? turns_bytes - used_bytes : 0;
    most_bytes += live_bytes > rest_bytes ? live_bytes : rest_bytes;
    return dirty_bytes <= most_bytes || hak_decay_is_silent() ? 0 : dirty_bytes - most_bytes;
}

bool hak_decay_is_due(uint32_t since_ms, uint32_t now_ms) {
    bool is_old = hak_decay_age_ms(since_ms, now_ms) >= hak_ace_value(&hak_root.ace, HAK_ACE_PURGE_DELAY);
    return (is_old && !hak_decay_is_silent()) || hak_decay_excess() > 0;
}

static void turns_set(struct hak_decay *decay, uint32_t now_ms, size_t turns_bytes) {
    hak_store(&decay->turns_bytes, turns_bytes, relaxed);
    hak_store(&decay->window_ms, now_ms, relaxed);
    hak_store(&decay->before_bytes, hak_load(&decay->purged_bytes, relaxed), relaxed);
    hak_store(&decay->peak_bytes, resident(decay), relaxed);
}

/* Two at once may both begin a window: one of them is a little younger. */
static void turns_look(struct hak_decay *decay, uint32_t now_ms) {
    size_t purged_bytes = hak_load(&decay->purged_bytes, relaxed) - hak_load(&decay->before_bytes, relaxed);
    size_t peak_bytes = hak_load(&decay->peak_bytes, relaxed), most_bytes = budget() * HAK_DECAY_TURNS;
    if (HAK_UNLIKELY(hak_decay_age_ms(hak_load(&decay->window_ms, relaxed), now_ms) >= HAK_DECAY_WINDOW_MS)) {
        turns_set(decay, now_ms, 0);
    } else if (HAK_UNLIKELY(purged_bytes > peak_bytes)) {
        turns_set(decay, now_ms, peak_bytes <= most_bytes ? peak_bytes : 0);
    }
}

/* An eighth of the delay is close enough. Whoever frees purges what is its own first; when live memory fell and there
 * is still too much, what others have goes too. */
void hak_decay_tick(void) {
    struct hak_decay *decay = &hak_root.decay;
    uint32_t now_ms = os_clock_ms();
    turns_look(decay, now_ms);
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
    hak_store(&hak_root.decay.turns_bytes, (size_t)0, relaxed);
    hak_pool_trim();
    bool runs = hak_run_trim();
    bool mappings = hak_big_trim();
    return runs || mappings;
}
