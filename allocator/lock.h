/* lock: a mutex of one word, zero when free, that sleeps in the system when contended.
 *
 * States: 0 free, 1 held, 2 held with perhaps a sleeper. The three-state scheme is Drepper's ("Futexes are tricky").
 * Not recursive. Lock order of the allocator: heaps, heap (of one heap; of two only while heaps is held), pool, runs,
 * shard (of one shard), big, map, meta; a thread that holds one may take only those to its right. Works before any
 * initialisation. */
#ifndef HAKMEM_ALLOCATOR_LOCK_H
#define HAKMEM_ALLOCATOR_LOCK_H

#include "allocator/atomic.h"
#include "allocator/os.h"

struct hak_lock {
    _Atomic uint32_t word;
};

#if HAK_SIM

/* One look at level and word together, since most programs run with nobody looking. Who takes a lock is a site, not
 * this file. lock.c has what is left. */
void hak_lock_acquire_slow(struct hak_lock *lock, const struct hak_site *site);
bool hak_lock_try_slow(struct hak_lock *lock, const struct hak_site *site);
void hak_lock_release_slow(struct hak_lock *lock, const struct hak_site *site);

static inline bool hak_lock_is_plain(const struct hak_lock *lock, uint32_t word) {
    return HAK_LIKELY((hak_shim.level | (*HAK_BARE(&lock->word) ^ word)) == 0);
}

static inline void hak_lock_acquire_at(struct hak_lock *lock, const struct hak_site *site) {
    if (hak_lock_is_plain(lock, 0)) {
        *HAK_BARE(&lock->word) = 1;
    } else {
        hak_lock_acquire_slow(lock, site);
    }
}

static inline bool hak_lock_try_at(struct hak_lock *lock, const struct hak_site *site) {
    bool is_free = hak_lock_is_plain(lock, 0);
    if (is_free) {
        *HAK_BARE(&lock->word) = 1;
    }
    return is_free || hak_lock_try_slow(lock, site);
}

static inline void hak_lock_release_at(struct hak_lock *lock, const struct hak_site *site) {
    if (hak_lock_is_plain(lock, 1)) {
        *HAK_BARE(&lock->word) = 0;
    } else {
        hak_lock_release_slow(lock, site);
    }
}

#define hak_lock_acquire(lock) hak_lock_acquire_at((lock), HAK_SITE(LOCK, acquire, acquire))
#define hak_lock_try(lock) hak_lock_try_at((lock), HAK_SITE(LOCK, acquire, relaxed))
#define hak_lock_release(lock) hak_lock_release_at((lock), HAK_SITE(UNLOCK, release, release))
/* For faults that let others in between. Relaxed, so that nobody looks for what these orders are needed for. */
#define hak_lock_anew(lock)                                                                                            \
    (hak_lock_release_at((lock), HAK_SITE(UNLOCK, relaxed, relaxed)),                                                  \
     hak_lock_acquire_at((lock), HAK_SITE(LOCK, relaxed, relaxed)))

#else

/* lock.c: what is left to do when the lock was not free. */
void hak_lock_acquire_slow(struct hak_lock *lock);

static inline void hak_lock_acquire(struct hak_lock *lock) {
    uint32_t seen = 0;
    if (HAK_UNLIKELY(!hak_cas_strong(&lock->word, &seen, 1, acquire, relaxed))) {
        hak_lock_acquire_slow(lock);
    }
}

/* False when somebody else holds it. */
static inline bool hak_lock_try(struct hak_lock *lock) {
    uint32_t seen = 0;
    return hak_cas_strong(&lock->word, &seen, 1, acquire, relaxed);
}

static inline void hak_lock_release(struct hak_lock *lock) {
    if (HAK_UNLIKELY(hak_exchange(&lock->word, 0, release) == 2)) {
        os_wake(&lock->word);
    }
}

#define hak_lock_anew(lock) (hak_lock_release(lock), hak_lock_acquire(lock))

#endif

/* For the child of a fork, where the holder does not exist any more. */
static inline void hak_lock_reset(struct hak_lock *lock) {
    hak_store(&lock->word, 0, relaxed);
}

#endif
