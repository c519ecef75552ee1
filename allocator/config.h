/* config: every toggle of the build, always defined to a number and tested with `if` where the language allows it.
 * No state. */
#ifndef HAKMEM_ALLOCATOR_CONFIG_H
#define HAKMEM_ALLOCATOR_CONFIG_H

/* 1: built for the simulated world: the thread root is a plain object that a scheduler swaps, os.h is filled by the
 * oracle, and it steps in at every access of shared memory. */
#ifndef HAK_SIM
#define HAK_SIM 0
#endif

/* 1: built to be tried, not to be used: geometry is chosen at run time and bounds are small, so that short programs
 * reach them. The simulated world always is; so is the copy for real threads (oracle/trial.h). */
#ifndef HAK_TRIAL
#define HAK_TRIAL HAK_SIM
#endif

/* 1: HAK_FAULT(name) asks which fault of the catalogue is armed. 0: it is constant false. */
#ifndef HAK_FAULTS
#define HAK_FAULTS 0
#endif

/* Assertion level: 0 always, 1 debug, 2 whole heap. See assert.h. */
#ifndef HAK_CHECK
#define HAK_CHECK HAK_SIM
#endif

/* 1: the library also defines the libc names (override.c). */
#ifndef HAK_OVERRIDE
#define HAK_OVERRIDE 0
#endif

/* 1: a byte in front of each small block holds its class and state (header.h). 0: nothing stands in blocks. */
#ifndef HAK_HEADER
#define HAK_HEADER 0
#endif

/* 1: the process runs under AddressSanitizer; the build may say so for sources that are not instrumented themselves. */
#ifndef HAK_ASAN
#if defined(__SANITIZE_ADDRESS__)
#define HAK_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAK_ASAN 1
#endif
#endif
#endif
#ifndef HAK_ASAN
#define HAK_ASAN 0
#endif

_Static_assert(HAK_SIM == 0 || HAK_SIM == 1, "HAK_SIM is 0 or 1");
_Static_assert(HAK_TRIAL == 0 || HAK_TRIAL == 1, "HAK_TRIAL is 0 or 1");
_Static_assert(HAK_FAULTS == 0 || HAK_FAULTS == 1, "HAK_FAULTS is 0 or 1");
_Static_assert(HAK_CHECK >= 0 && HAK_CHECK <= 2, "HAK_CHECK is 0, 1 or 2");
_Static_assert(HAK_HEADER == 0 || HAK_HEADER == 1, "HAK_HEADER is 0 or 1");
_Static_assert(HAK_OVERRIDE == 0 || HAK_OVERRIDE == 1, "HAK_OVERRIDE is 0 or 1");
_Static_assert(!(HAK_SIM && !HAK_TRIAL), "the simulated world is there to be tried");
_Static_assert(!(HAK_FAULTS && !HAK_TRIAL), "faults exist where the allocator is only tried");
_Static_assert(!(HAK_OVERRIDE && HAK_TRIAL), "what is only tried never takes the libc names");

#define HAK_LIKELY(x) __builtin_expect(!!(x), 1)
#define HAK_UNLIKELY(x) __builtin_expect(!!(x), 0)
/* The address will be read and written soon. It need not be one: NULL does no harm. */
#define HAK_PREFETCH(address) __builtin_prefetch((address), 1)
#define HAK_NOINLINE __attribute__((noinline))
#define HAK_EXPORT __attribute__((visibility("default")))
/* Where code may count on nobody outside the library. Nothing, where the build takes the library apart
 * (HAKMEM_EXCHANGE). */
#ifndef HAK_HIDDEN
#define HAK_HIDDEN __attribute__((visibility("hidden")))
#endif

#endif
