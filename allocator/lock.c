/* lock: the ways that are not taken when the lock is free and nobody looks. */
#include "allocator/lock.h"

#if HAK_SIM

static uint32_t word_exchange(struct hak_lock *lock, uint32_t value, const struct hak_site *site) {
    if (hak_shim.level != 0) {
        return (uint32_t)hak_shim_exchange(&lock->word, sizeof lock->word, value, site);
    }
    uint32_t before = *HAK_BARE(&lock->word);
    *HAK_BARE(&lock->word) = value;
    return before;
}

bool hak_lock_try_slow(struct hak_lock *lock, const struct hak_site *site) {
    bool took = false; /* with nobody looking, it was not free */
    if (hak_shim.level != 0) {
        (void)hak_shim_cas(&lock->word, sizeof lock->word, 0, 1, &took, site);
    }
    return took;
}

void hak_lock_acquire_slow(struct hak_lock *lock, const struct hak_site *site) {
    if (hak_lock_try_slow(lock, site)) {
        return;
    }
    while (word_exchange(lock, 2, site) != 0) {
        os_wait(&lock->word, 2);
    }
}

void hak_lock_release_slow(struct hak_lock *lock, const struct hak_site *site) {
    if (word_exchange(lock, 0, site) == 2) {
        os_wake(&lock->word);
    }
}

#else

void hak_lock_acquire_slow(struct hak_lock *lock) {
    while (hak_exchange(&lock->word, 2, acquire) != 0) {
        os_wait(&lock->word, 2);
    }
}

#endif
