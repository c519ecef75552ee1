/* shim_weak: sites to orders, orders to the model. */
#include "oracle/shim_weak.h"

#include <string.h>

#include "allocator/root.h"
#include "oracle/run.h"
#include "oracle/sim.h"
#include "oracle/site.h"
#include "oracle/transcript.h"
#include "oracle/weak.h"

_Static_assert((int)WEAK_THREADS_MAX >= (int)PROGRAM_THREADS_MAX, "each virtual thread has a clock");
_Static_assert((int)WEAK_RELAXED == (int)memory_order_relaxed && (int)WEAK_ACQUIRE == (int)memory_order_acquire &&
                   (int)WEAK_RELEASE == (int)memory_order_release && (int)WEAK_ACQ_REL == (int)memory_order_acq_rel &&
                   (int)WEAK_SEQ_CST == (int)memory_order_seq_cst,
               "orders of a site are those of the model");
_Static_assert((int)SITES_MAX <= (int)SITE_USER, "no site has that number");

static struct shim_mutant mutant = {.site = SITE_USER};

/* What an address of memory never has, or has where no memory is that the allocator could touch. */
static const uintptr_t ghost_bit = (uintptr_t)1 << 47;

static enum weak_order order_of(const struct hak_site *site, uint32_t number) {
    return (enum weak_order)(HAK_UNLIKELY(number == mutant.site) ? mutant.order : site->order);
}

static uint64_t value_of(uint64_t wide, uint32_t size_bytes) {
    return size_bytes == 8 ? wide : wide & ((UINT64_C(1) << 8 * size_bytes) - 1);
}

/* An older value stands where only the access that asked for it looks, at once. */
static void *load(const volatile void *address, uint32_t size_bytes, const struct hak_site *site, uint32_t age) {
    static _Alignas(8) unsigned char shown[8];
    uint32_t number = site_number(site), choices;
    uint64_t value = weak_load(run.thread, address, size_bytes, order_of(site, number), age, &choices, number);
    age = age < choices ? age : choices - 1;
    if (age == 0) {
        return (void *)(uintptr_t)address;
    }
    run_note_stale(site, age);
    if (HAK_UNLIKELY(transcript_is_noting())) {
        transcript_note_stale(age);
    }
    memcpy(shown, &value, sizeof shown); /* little endian: its low bytes come first */
    return shown;
}

void *shim_weak_access(const volatile void *address, uint32_t size_bytes, const struct hak_site *site, uint32_t age) {
    if (site->kind == HAK_SITE_LOAD) {
        return load(address, size_bytes, site, age);
    }
    bool is_write = site->kind == HAK_SITE_PLAIN_STORE || site->kind == HAK_SITE_WRITE;
    weak_plain(run.thread, address, size_bytes, is_write, site_number(site));
    return (void *)(uintptr_t)address;
}

void shim_weak_store(volatile void *address, uint32_t size_bytes, uint64_t value, const struct hak_site *site) {
    uint32_t number = site_number(site);
    weak_store(run.thread, address, size_bytes, value_of(value, size_bytes), order_of(site, number), number);
}

void shim_weak_rmw(volatile void *address, uint32_t size_bytes, uint64_t before, uint64_t after,
                   const struct hak_site *site) {
    uint32_t number = site_number(site);
    weak_rmw(run.thread, address, size_bytes, before, value_of(after, size_bytes), order_of(site, number), number);
}

void shim_weak_failed(const volatile void *address, uint32_t size_bytes, const struct hak_site *site) {
    uint32_t number = site_number(site), choices;
    uint8_t failure = HAK_UNLIKELY(number == mutant.site) ? mutant.failure : site->failure;
    (void)weak_load(run.thread, address, size_bytes, (enum weak_order)failure, 0, &choices, number);
}

void shim_weak_lock(const volatile void *word, const struct hak_site *site) {
    const volatile void *ghost = (const volatile void *)((uintptr_t)word ^ ghost_bit);
    weak_plain(run.thread, ghost, sizeof(uint32_t), true, site_number(site));
}

const volatile void *shim_weak_ghost_of(const volatile void *address) {
    const volatile void *word = (const volatile void *)((uintptr_t)address ^ ghost_bit);
    bool is_real = sim_in_arena((uintptr_t)address) || (uintptr_t)address - (uintptr_t)&hak_root < sizeof hak_root;
    bool is_ghost = sim_in_arena((uintptr_t)word) || (uintptr_t)word - (uintptr_t)&hak_root < sizeof hak_root;
    return is_ghost && !is_real ? word : NULL;
}

void shim_weak_mutate(const struct shim_mutant *new_mutant) {
    mutant = *new_mutant;
}

const struct shim_mutant *shim_weak_mutant(void) {
    return &mutant;
}
