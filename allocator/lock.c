/* lock: the ways that are not taken when the lock is free and nobody looks. */
#include "allocator/lock.h"

#if HAK_SIM

bool hak_lock_try_slow(struct hak_lock *lock) {
    uint32_t seen = 0;
    return HAK_CAS_AS(LOCK, &lock->word, &seen, 1, acquire, relaxed);
}

void hak_lock_release_slow(struct hak_lock *lock) {
    if (HAK_EXCHANGE_AS(UNLOCK, &lock->word, 0, release) == 2) {
        os_wake(&lock->word);
    }
}

void hak_lock_acquire_slow(struct hak_lock *lock) {
    if (hak_lock_try_slow(lock)) {
        return;
    }
    while (HAK_EXCHANGE_AS(LOCK, &lock->word, 2, acquire) != 0) {
        os_wait(&lock->word, 2);
    }
}

#else

void hak_lock_acquire_slow(struct hak_lock *lock) {
    while (hak_exchange(&lock->word, 2, acquire) != 0) {
        os_wait(&lock->word, 2);
    }
}

#endif
