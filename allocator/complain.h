/* complain: what is said of a pointer that no block of ours can have.
 *
 * With HAKMEM_FAIL_FAST=1: one line on standard error, then abort. Without: the line, for the first few (then that
 * others are left out), and the call does nothing, so nothing is corrupted. In the simulated world it is always a
 * finding. Keeps errno. Any thread. */
#ifndef HAKMEM_ALLOCATOR_COMPLAIN_H
#define HAKMEM_ALLOCATOR_COMPLAIN_H

/* call: "free()"; why: "the pointer was freed already". */
void hak_complain(const char *call, const void *address, const char *why);

#endif
