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

static inline void hak_lock_acquire(struct hak_lock *lock) {
    uint32_t seen = 0;
    if (HAK_LIKELY(hak_cas_strong(&lock->word, &seen, 1, acquire, relaxed))) {
        return;
    }
    while (hak_exchange(&lock->word, 2, acquire) != 0) {
        os_wait(&lock->word, 2);
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

/* For the child of a fork, where the holder does not exist any more. */
static inline void hak_lock_reset(struct hak_lock *lock) {
    hak_store(&lock->word, 0, relaxed);
}

#endif
