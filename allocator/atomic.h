/* atomic: the only door to memory that two threads may touch. Each access names its C11 order; plain accesses to shared
 * memory go through hak_plain_load and hak_plain_store, so that a scheduler can see them too.
 *
 * HAK_YIELD() stands in front of every access: nothing in the real builds, and the one place where the simulated world
 * may come to switch threads inside an operation. No state, any thread. */
#ifndef HAKMEM_ALLOCATOR_ATOMIC_H
#define HAKMEM_ALLOCATOR_ATOMIC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "allocator/config.h"

#define HAK_YIELD() ((void)0)

#define hak_load(object, order) (HAK_YIELD(), atomic_load_explicit((object), memory_order_##order))
#define hak_store(object, value, order) (HAK_YIELD(), atomic_store_explicit((object), (value), memory_order_##order))
#if HAK_SIM
/* One OS thread runs all virtual threads, and switches only at HAK_YIELD: load and store together are indivisible
 * without the bus lock, which would cost more than the rest of the operation. */
#define hak_exchange(object, value, order)                                                                             \
    __extension__({                                                                                                    \
        __auto_type hak_old = hak_load((object), relaxed);                                                             \
        atomic_store_explicit((object), (value), memory_order_relaxed);                                                \
        hak_old;                                                                                                       \
    })
#define hak_cas_strong(object, expected, desired, success, failure)                                                    \
    __extension__({                                                                                                    \
        __auto_type hak_seen = hak_load((object), relaxed);                                                            \
        bool hak_equal = hak_seen == *(expected);                                                                      \
        if (hak_equal) {                                                                                               \
            atomic_store_explicit((object), (desired), memory_order_relaxed);                                          \
        } else {                                                                                                       \
            *(expected) = hak_seen;                                                                                    \
        }                                                                                                              \
        hak_equal;                                                                                                     \
    })
#define hak_cas_weak hak_cas_strong
#define hak_fetch_add(object, value, order)                                                                            \
    __extension__({                                                                                                    \
        __auto_type hak_before = hak_load((object), relaxed);                                                          \
        atomic_store_explicit((object), hak_before + (value), memory_order_relaxed);                                   \
        hak_before;                                                                                                    \
    })
#else
#define hak_fetch_add(object, value, order)                                                                            \
    (HAK_YIELD(), atomic_fetch_add_explicit((object), (value), memory_order_##order))
#define hak_exchange(object, value, order)                                                                             \
    (HAK_YIELD(), atomic_exchange_explicit((object), (value), memory_order_##order))
#define hak_cas_weak(object, expected, desired, success, failure)                                                      \
    (HAK_YIELD(), atomic_compare_exchange_weak_explicit((object), (expected), (desired), memory_order_##success,       \
                                                        memory_order_##failure))
#define hak_cas_strong(object, expected, desired, success, failure)                                                    \
    (HAK_YIELD(), atomic_compare_exchange_strong_explicit((object), (expected), (desired), memory_order_##success,     \
                                                          memory_order_##failure))
#endif

/* Counters that one thread writes and anybody may read: no read-modify-write. */
#define hak_count(object, value) hak_store((object), hak_load((object), relaxed) + (value), relaxed)

/* Plain accesses to memory that another thread may have written, ordered by an atomic elsewhere. */
#define hak_plain_load(lvalue) (HAK_YIELD(), (lvalue))
#define hak_plain_store(lvalue, value) (HAK_YIELD(), (void)((lvalue) = (value)))

#endif
