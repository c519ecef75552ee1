/* shim: the oracle's side of allocator/shim.h: an access is a point of the scheduler, then it happens.
 *
 * Level 2 belongs between the two: scheduler_point says which older value a load is to show, and each access is told to
 * the model of weak memory, which may say another address to read from. */
#include "allocator/shim.h"

#include "oracle/scheduler.h"

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

/* A load, or a plain access. */
void *hak_shim_access(const volatile void *address, uint32_t size_bytes, const struct hak_site *site) {
    (void)size_bytes;
    (void)scheduler_point(site);
    return (void *)(uintptr_t)address;
}

void hak_shim_store(volatile void *address, uint32_t size_bytes, uint64_t value, const struct hak_site *site) {
    (void)scheduler_point(site);
    write_value(address, size_bytes, value);
}

uint64_t hak_shim_exchange(volatile void *address, uint32_t size_bytes, uint64_t value, const struct hak_site *site) {
    (void)scheduler_point(site);
    uint64_t before = read_value(address, size_bytes);
    write_value(address, size_bytes, value);
    if (site->kind == HAK_SITE_UNLOCK || (site->kind == HAK_SITE_LOCK && before == 0)) {
        scheduler_lock(address, site->kind == HAK_SITE_LOCK);
    }
    return before;
}

uint64_t hak_shim_add(volatile void *address, uint32_t size_bytes, uint64_t value, const struct hak_site *site) {
    (void)scheduler_point(site);
    uint64_t before = read_value(address, size_bytes);
    write_value(address, size_bytes, before + value);
    return before;
}

uint64_t hak_shim_cas(volatile void *address, uint32_t size_bytes, uint64_t expected, uint64_t desired, bool *took,
                      const struct hak_site *site) {
    struct scheduler_twist twist = scheduler_point(site);
    uint64_t before = read_value(address, size_bytes);
    *took = before == expected && !(twist.fails && site->kind == HAK_SITE_WEAK_CAS);
    if (*took) {
        write_value(address, size_bytes, desired);
        if (site->kind == HAK_SITE_LOCK) {
            scheduler_lock(address, true);
        }
    }
    return before;
}
