/* foreign_counters: where the edges of another malloc are counted, in the library that it is built into. */
#ifndef HAKMEM_FUZZ_TARGETS_FOREIGN_COUNTERS_H
#define HAKMEM_FUZZ_TARGETS_FOREIGN_COUNTERS_H

#include <stddef.h>

struct foreign_counters {
    unsigned char *start;
    size_t bytes; /* 0: none, in builds without libFuzzer */
};
typedef struct foreign_counters foreign_counters_of(void);

/* The name to look it up by. */
#define FOREIGN_COUNTERS "hakfuzz_target_counters"
foreign_counters_of hakfuzz_target_counters;

#endif
