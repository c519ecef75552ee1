/* shim_weak: accesses of the allocator, and what orders them from outside, as the model of weak memory is told of them.
 *
 * Level 2 only. A lock also stands for the plain data it guards: whoever takes or leaves it writes to a *ghost*, an
 * address that no memory has, so that two critical sections which are not ordered race. One site can be weakened: its
 * order is then taken for a lower one, as if the source said so (`hakfuzz orders`). One OS thread. */
#ifndef HAKMEM_ORACLE_SHIM_WEAK_H
#define HAKMEM_ORACLE_SHIM_WEAK_H

#include <stdbool.h>
#include <stdint.h>

#include "allocator/shim.h"

enum { SITE_USER = UINT16_MAX }; /* what is no site: the program that uses the allocator */

/* A load or a plain access, of a value that is `age` stores old if C11 has one. Returns where to read or write. */
void *shim_weak_access(const volatile void *address, uint32_t size_bytes, const struct hak_site *site, uint32_t age);
/* A store, a read-modify-write and an exchange that fails; the first two write to memory too. */
void shim_weak_store(volatile void *address, uint32_t size_bytes, uint64_t value, const struct hak_site *site);
void shim_weak_rmw(volatile void *address, uint32_t size_bytes, uint64_t before, uint64_t after,
                   const struct hak_site *site);
void shim_weak_failed(const volatile void *address, uint32_t size_bytes, const struct hak_site *site);
/* The lock at `word` has just been taken, or is about to be left. */
void shim_weak_lock(const volatile void *word, const struct hak_site *site);
/* The word of the lock whose ghost that is; NULL when it is none. */
const volatile void *shim_weak_ghost_of(const volatile void *address);

/* For all runs from now on: the orders of the site of that number; none for SITE_USER. */
struct shim_mutant {
    uint32_t site;
    uint8_t order;   /* memory_order */
    uint8_t failure; /* memory_order of an exchange that fails */
};
void shim_weak_mutate(const struct shim_mutant *mutant);
const struct shim_mutant *shim_weak_mutant(void);

#endif
