/* atomic: the only door to memory that two threads may touch. Each access names its C11 order; plain accesses to shared
 * memory go through hak_plain_load and hak_plain_store, so that a scheduler can see them too.
 *
 * In the real builds these are the functions of <stdatomic.h>. In the simulated world each access is a site where the
 * oracle may step in (shim.h); operands are evaluated before that, the access itself is indivisible. No state, any
 * thread. */
#ifndef HAKMEM_ALLOCATOR_ATOMIC_H
#define HAKMEM_ALLOCATOR_ATOMIC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "allocator/config.h"
#include "allocator/shim.h"

#if HAK_SIM

/* One OS thread runs all virtual threads, and switches only in the shim: load and store together are indivisible
 * without the bus lock, which would cost more than the rest of the operation. Nor need they be atomic for the compiler,
 * which may then join what it finds between two calls of the shim. */
#define HAK_BARE(object) ((HAK_VALUE_OF(object) *)(uintptr_t)(object))
#define HAK_VALUE_OF(object) __typeof__((void)0, *(object))

#define hak_load(object, order)                                                                                        \
    (*(HAK_VALUE_OF(object) *)hak_shim_at((object), (uint32_t)sizeof *(object), HAK_SITE(LOAD, order, order)))
#define hak_store(object, value, order)                                                                                \
    __extension__({                                                                                                    \
        __auto_type hak_to = (object);                                                                                 \
        HAK_VALUE_OF(hak_to) hak_new = (value);                                                                        \
        if (HAK_UNLIKELY(hak_shim.level != 0)) {                                                                       \
            hak_shim_store(hak_to, (uint32_t)sizeof *hak_to, (uintptr_t)hak_new, HAK_SITE(STORE, order, order));       \
        } else {                                                                                                       \
            *HAK_BARE(hak_to) = (hak_new);                                                                             \
        }                                                                                                              \
    })
#define HAK_EXCHANGE_AS(kind, object, value, order)                                                                    \
    __extension__({                                                                                                    \
        __auto_type hak_in = (object);                                                                                 \
        HAK_VALUE_OF(hak_in) hak_put = (value), hak_old;                                                               \
        if (HAK_UNLIKELY(hak_shim.level != 0)) {                                                                       \
            hak_old = (HAK_VALUE_OF(hak_in))(uintptr_t)hak_shim_exchange(                                              \
                hak_in, (uint32_t)sizeof *hak_in, (uintptr_t)hak_put, HAK_SITE(kind, order, order));                   \
        } else {                                                                                                       \
            hak_old = *HAK_BARE(hak_in);                                                                               \
            *HAK_BARE(hak_in) = (hak_put);                                                                             \
        }                                                                                                              \
        hak_old;                                                                                                       \
    })
#define hak_fetch_add(object, value, order)                                                                            \
    __extension__({                                                                                                    \
        __auto_type hak_sum = (object);                                                                                \
        HAK_VALUE_OF(hak_sum) hak_more = (value), hak_before;                                                          \
        if (HAK_UNLIKELY(hak_shim.level != 0)) {                                                                       \
            hak_before = (HAK_VALUE_OF(hak_sum))hak_shim_add(hak_sum, (uint32_t)sizeof *hak_sum, (uint64_t)hak_more,   \
                                                             HAK_SITE(RMW, order, order));                             \
        } else {                                                                                                       \
            hak_before = *HAK_BARE(hak_sum);                                                                           \
            *HAK_BARE(hak_sum) = (hak_before + hak_more);                                                              \
        }                                                                                                              \
        hak_before;                                                                                                    \
    })
#define HAK_CAS_AS(kind, object, expected, desired, success, on_failure)                                               \
    __extension__({                                                                                                    \
        __auto_type hak_in = (object);                                                                                 \
        __auto_type hak_expected = (expected);                                                                         \
        HAK_VALUE_OF(hak_in) hak_put = (desired), hak_seen;                                                            \
        bool hak_equal;                                                                                                \
        if (HAK_UNLIKELY(hak_shim.level != 0)) {                                                                       \
            hak_seen = (HAK_VALUE_OF(hak_in))(uintptr_t)hak_shim_cas(hak_in, (uint32_t)sizeof *hak_in,                 \
                                                                     (uintptr_t)*hak_expected, (uintptr_t)hak_put,     \
                                                                     &hak_equal, HAK_SITE(kind, success, on_failure)); \
        } else {                                                                                                       \
            hak_seen = *HAK_BARE(hak_in);                                                                              \
            hak_equal = hak_seen == *hak_expected;                                                                     \
            if (hak_equal) {                                                                                           \
                *HAK_BARE(hak_in) = (hak_put);                                                                         \
            }                                                                                                          \
        }                                                                                                              \
        if (!hak_equal) {                                                                                              \
            *hak_expected = hak_seen;                                                                                  \
        }                                                                                                              \
        hak_equal;                                                                                                     \
    })
#define hak_cas_weak(object, expected, desired, success, on_failure)                                                   \
    HAK_CAS_AS(WEAK_CAS, object, expected, desired, success, on_failure)
#define hak_plain_load(lvalue)                                                                                         \
    (*(__typeof__(&(lvalue)))hak_shim_at(&(lvalue), (uint32_t)sizeof(lvalue), HAK_SITE(PLAIN_LOAD, relaxed, relaxed)))
#define hak_plain_store(lvalue, value)                                                                                 \
    __extension__({                                                                                                    \
        __typeof__(lvalue) hak_plain = (value);                                                                        \
        *(__typeof__(&(lvalue)))hak_shim_at(&(lvalue), (uint32_t)sizeof(lvalue),                                       \
                                            HAK_SITE(PLAIN_STORE, relaxed, relaxed)) = hak_plain;                      \
    })
#define HAK_TELL(kind, lvalue)                                                                                         \
    (HAK_UNLIKELY(hak_shim.level != 0)                                                                                 \
         ? hak_shim_tell(&(lvalue), (uint32_t)sizeof(lvalue), HAK_SITE(kind, relaxed, relaxed))                        \
         : (void)0)
#define hak_tell_read(lvalue) HAK_TELL(READ, lvalue)
#define hak_tell_write(lvalue) HAK_TELL(WRITE, lvalue)

#else

#define hak_load(object, order) atomic_load_explicit((object), memory_order_##order)
#define hak_store(object, value, order) atomic_store_explicit((object), (value), memory_order_##order)
#define hak_fetch_add(object, value, order) atomic_fetch_add_explicit((object), (value), memory_order_##order)
#define HAK_EXCHANGE_AS(kind, object, value, order) atomic_exchange_explicit((object), (value), memory_order_##order)
#define HAK_CAS_AS(kind, object, expected, desired, success, on_failure)                                               \
    atomic_compare_exchange_strong_explicit((object), (expected), (desired), memory_order_##success,                   \
                                            memory_order_##on_failure)
#define hak_cas_weak(object, expected, desired, success, on_failure)                                                   \
    atomic_compare_exchange_weak_explicit((object), (expected), (desired), memory_order_##success,                     \
                                          memory_order_##on_failure)

/* Plain accesses to memory that another thread may have written, ordered by an atomic elsewhere. */
#define hak_plain_load(lvalue) (lvalue)
#define hak_plain_store(lvalue, value) ((void)((lvalue) = (value)))
/* What stands there is read or written plainly, in many places: one of them says so. */
#define hak_tell_read(lvalue) ((void)0)
#define hak_tell_write(lvalue) ((void)0)

#endif

#define hak_exchange(object, value, order) HAK_EXCHANGE_AS(RMW, object, value, order)
#define hak_cas_strong(object, expected, desired, success, on_failure)                                                 \
    HAK_CAS_AS(CAS, object, expected, desired, success, on_failure)

/* Notes: what is counted and told for people, and first looks that decide nothing. The oracle is never told of them. */
#if HAK_SIM
#define hak_note_load(object) (*HAK_BARE(object))
#define hak_note_store(object, value) ((void)(*HAK_BARE(object) = (value)))
#define hak_note_add(object, value)                                                                                    \
    __extension__({                                                                                                    \
        __auto_type hak_noted = hak_note_load(object);                                                                 \
        hak_note_store((object), hak_noted + (value));                                                                 \
        hak_noted;                                                                                                     \
    })
#else
#define hak_note_load(object) atomic_load_explicit((object), memory_order_relaxed)
#define hak_note_store(object, value) atomic_store_explicit((object), (value), memory_order_relaxed)
#define hak_note_add(object, value) atomic_fetch_add_explicit((object), (value), memory_order_relaxed)
#endif
/* Counters that one thread writes and anybody may read: no read-modify-write. */
#define hak_count(object, value) hak_note_store((object), hak_note_load(object) + (value))

#endif
