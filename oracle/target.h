/* target: what each fuzz target lets a program do. One table; fuzz_targets/, hakfuzz and the scripts are made from it.
 * Constant data, safe on any thread. */
#ifndef HAKMEM_ORACLE_TARGET_H
#define HAKMEM_ORACLE_TARGET_H

#include <stdbool.h>
#include <stdint.h>

/* enum suffix, name, threads, whether system requests may fail, planted fault ("" none), what it is for */
#define TARGET_TABLE(X)                                                                                                \
    X(THREADS, "threads", 4, false, "", "cross-thread frees, thread exit, adoption; the main target")                  \
    X(SEQUENCE, "sequence", 1, false, "", "one thread")                                                                \
    X(OOM, "oom", 4, true, "", "system requests that fail")                                                            \
    X(CANARY, "canary", 4, false, "carve-by-used", "a planted fault that must be found: the pipeline can fail")

enum target {
#define TARGET_ENUM(id, name, threads, failures, fault, purpose) TARGET_##id,
    TARGET_TABLE(TARGET_ENUM)
#undef TARGET_ENUM
        TARGET_COUNT
};

struct target_info {
    const char *name; /* without the "fuzz_" of the binary */
    uint8_t threads;  /* a power of two; records of thread t run on thread t modulo this */
    bool failures;    /* FAIL records and fail_every have effect */
    const char *planted_fault;
    const char *purpose;
};
extern const struct target_info target_table[TARGET_COUNT];

/* Accepts "threads" and "fuzz_threads". NULL when there is no such target. */
const struct target_info *target_find(const char *name);

#endif
