/* shim: where the simulated world steps between the allocator and shared memory.
 *
 * In the world every access of atomic.h asks hak_shim.level first: 0, nobody looks, and the access is what it says;
 * else the oracle (oracle/shim.c) is told address, size, value and *site*, and may run other threads before it lets the
 * access happen. A site is one access in the source. All of them stand in one section of the program, so that they can
 * be listed. hak_shim belongs to the oracle, not to the state root. One OS thread.
 *
 * Levels: 1 accesses are places to switch threads; 2 loads may also show older values. */
#ifndef HAKMEM_ALLOCATOR_SHIM_H
#define HAKMEM_ALLOCATOR_SHIM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "allocator/config.h"

/* enum suffix, what it is called. LOCK and UNLOCK are accesses to the word of a lock. READ and
 * WRITE only tell of plain accesses, once: no thread is switched there. */
#define HAK_SITE_KIND_TABLE(X)                                                                                         \
    X(LOAD, "load")                                                                                                    \
    X(STORE, "store")                                                                                                  \
    X(RMW, "rmw")                                                                                                      \
    X(CAS, "cas")                                                                                                      \
    X(WEAK_CAS, "weak cas")                                                                                            \
    X(PLAIN_LOAD, "plain load")                                                                                        \
    X(PLAIN_STORE, "plain store")                                                                                      \
    X(LOCK, "lock")                                                                                                    \
    X(UNLOCK, "unlock")                                                                                                \
    X(READ, "read")                                                                                                    \
    X(WRITE, "write")

enum hak_site_kind {
#define HAK_SITE_KIND_ENUM(id, name) HAK_SITE_##id,
    HAK_SITE_KIND_TABLE(HAK_SITE_KIND_ENUM)
#undef HAK_SITE_KIND_ENUM
        HAK_SITE_KIND_COUNT
};

#if HAK_SIM

struct hak_site {
    const char *file;
    uint32_t line;
    uint8_t kind;    /* enum hak_site_kind */
    uint8_t order;   /* memory_order; of a plain access relaxed */
    uint8_t failure; /* memory_order of a compare-exchange that fails, else that of `order` */
};

struct hak_shim {
    uint32_t level;
};
extern struct hak_shim hak_shim;

/* Tell of an access that comes now. Returns where to read or write instead, as a rule `address`. */
HAK_NOINLINE void *hak_shim_access(const volatile void *address, uint32_t size_bytes, const struct hak_site *site);
/* Tell of a plain access that others must be ordered with. */
HAK_NOINLINE void hak_shim_tell(const volatile void *address, uint32_t size_bytes, const struct hak_site *site);
/* Carry out an access of 1 to 8 bytes; values are widened. */
HAK_NOINLINE void hak_shim_store(volatile void *address, uint32_t size_bytes, uint64_t value,
                                 const struct hak_site *site);
HAK_NOINLINE uint64_t hak_shim_exchange(volatile void *address, uint32_t size_bytes, uint64_t value,
                                        const struct hak_site *site);
HAK_NOINLINE uint64_t hak_shim_add(volatile void *address, uint32_t size_bytes, uint64_t value,
                                   const struct hak_site *site);
/* Returns what was there: the exchange took place when *took. */
HAK_NOINLINE uint64_t hak_shim_cas(volatile void *address, uint32_t size_bytes, uint64_t expected, uint64_t desired,
                                   bool *took, const struct hak_site *site);

/* Aligned and 16 bytes, so that the section is an array. */
#define HAK_SITE(kind, success, on_failure)                                                                            \
    __extension__({                                                                                                    \
        static const struct hak_site hak_site __attribute__((section("hak_sites"), used, aligned(8))) = {              \
            __FILE__, __LINE__, HAK_SITE_##kind, memory_order_##success, memory_order_##on_failure};                   \
        &hak_site;                                                                                                     \
    })
_Static_assert(sizeof(struct hak_site) == 16, "sites are an array");

static inline void *hak_shim_at(const volatile void *address, uint32_t size_bytes, const struct hak_site *site) {
    return HAK_UNLIKELY(hak_shim.level != 0) ? hak_shim_access(address, size_bytes, site) : (void *)(uintptr_t)address;
}

/* A condition whose accesses nobody is told of: what looks on must not be seen, nor be stopped. */
#define HAK_QUIETLY(condition)                                                                                         \
    __extension__({                                                                                                    \
        uint32_t hak_level = hak_shim.level;                                                                           \
        hak_shim.level = 0;                                                                                            \
        bool hak_holds = (condition);                                                                                  \
        hak_shim.level = hak_level;                                                                                    \
        hak_holds;                                                                                                     \
    })

#else

#define HAK_QUIETLY(condition) (condition)

#endif

#endif
