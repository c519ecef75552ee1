/* shim: the oracle's side of allocator/shim.h: an access is a point of the scheduler, then it happens. Where memory is
 * weak the model carries it out instead (shim_weak.c). */
#include "allocator/shim.h"

#include "oracle/run.h"
#include "oracle/scheduler.h"
#include "oracle/shim_weak.h"

struct hak_shim hak_shim;

static uint64_t read_value(const volatile void *address, uint32_t size_bytes) {
    switch (size_bytes) {
    case 1:
        return *(const volatile uint8_t *)address;
    case 2:
        return *(const volatile uint16_t *)address;
    case 4:
        return *(const volatile uint32_t *)address;
    default:
        return *(const volatile uint64_t *)address;
    }
}

static void write_value(volatile void *address, uint32_t size_bytes, uint64_t value) {
    switch (size_bytes) {
    case 1:
        *(volatile uint8_t *)address = (uint8_t)value;
        break;
    case 2:
        *(volatile uint16_t *)address = (uint16_t)value;
        break;
    case 4:
        *(volatile uint32_t *)address = (uint32_t)value;
        break;
    default:
        *(volatile uint64_t *)address = value;
        break;
    }
}

static bool is_weak(void) {
    return HAK_UNLIKELY(hak_shim.level == LEVEL_WEAK);
}

static inline void watched(enum world_event_kind kind, const volatile void *address, const struct hak_site *site) {
    if (HAK_UNLIKELY(run.observer != NULL)) {
        run_observe_access(kind, address, site);
    }
}

static void change(volatile void *address, uint32_t size_bytes, uint64_t before, uint64_t after,
                   const struct hak_site *site) {
    if (is_weak()) {
        shim_weak_rmw(address, size_bytes, before, after, site);
    } else {
        write_value(address, size_bytes, after);
    }
}

static void lock_taken(const volatile void *word, const struct hak_site *site) {
    scheduler_lock(word, true);
    if (is_weak()) {
        shim_weak_lock(word, site);
    }
}

/* A load, or a plain access. */
void *hak_shim_access(const volatile void *address, uint32_t size_bytes, const struct hak_site *site) {
    struct scheduler_twist twist = scheduler_point(site);
    if (is_weak()) {
        return shim_weak_access(address, size_bytes, site, twist.stale != 0 ? twist.stale : scheduler_age());
    }
    return (void *)(uintptr_t)address;
}

void hak_shim_tell(const volatile void *address, uint32_t size_bytes, const struct hak_site *site) {
    if (is_weak()) {
        (void)shim_weak_access(address, size_bytes, site, 0);
    }
}

void hak_shim_store(volatile void *address, uint32_t size_bytes, uint64_t value, const struct hak_site *site) {
    (void)scheduler_point(site);
    if (is_weak()) {
        shim_weak_store(address, size_bytes, value, site);
    } else {
        write_value(address, size_bytes, value);
    }
}

uint64_t hak_shim_exchange(volatile void *address, uint32_t size_bytes, uint64_t value, const struct hak_site *site) {
    (void)scheduler_point(site);
    uint64_t before = read_value(address, size_bytes);
    if (site->kind == HAK_SITE_UNLOCK) {
        scheduler_lock(address, false);
        if (is_weak()) {
            shim_weak_lock(address, site);
        }
    }
    change(address, size_bytes, before, value, site);
    watched(WORLD_CHANGES, address, site);
    if (site->kind == HAK_SITE_LOCK && before == 0) {
        lock_taken(address, site);
    } else if (site->kind == HAK_SITE_LOCK) {
        watched(WORLD_FAILS, address, site);
    }
    return before;
}

uint64_t hak_shim_add(volatile void *address, uint32_t size_bytes, uint64_t value, const struct hak_site *site) {
    (void)scheduler_point(site);
    uint64_t before = read_value(address, size_bytes);
    change(address, size_bytes, before, before + value, site);
    watched(WORLD_CHANGES, address, site);
    return before;
}

uint64_t hak_shim_cas(volatile void *address, uint32_t size_bytes, uint64_t expected, uint64_t desired, bool *took,
                      const struct hak_site *site) {
    struct scheduler_twist twist = scheduler_point(site);
    uint64_t before = read_value(address, size_bytes);
    *took = before == expected && !(twist.fails && site->kind == HAK_SITE_WEAK_CAS);
    if (*took) {
        change(address, size_bytes, before, desired, site);
        watched(WORLD_CHANGES, address, site);
        if (site->kind == HAK_SITE_LOCK) {
            lock_taken(address, site);
        }
        return before;
    }
    if (is_weak()) {
        shim_weak_failed(address, size_bytes, site);
    }
    watched(WORLD_FAILS, address, site);
    return before;
}
