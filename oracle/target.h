/* target: what each fuzz target lets a program do. One table; fuzz_targets/, hakfuzz and the scripts are made from it.
 * Constant data, safe on any thread. */
#ifndef HAKMEM_ORACLE_TARGET_H
#define HAKMEM_ORACLE_TARGET_H

#include <stdbool.h>
#include <stdint.h>

/* enum suffix, name, threads, whether system requests may fail, planted fault ("" none), what it is for, the component
 * that records are carried out on (component.h; "" is the whole allocator) */
#define TARGET_TABLE(X)                                                                                                \
    X(THREADS, "threads", 4, false, "", "cross-thread frees, thread exit, adoption; the main target", "")              \
    X(SEQUENCE, "sequence", 1, false, "", "one thread", "")                                                            \
    X(OOM, "oom", 4, true, "", "system requests that fail", "")                                                        \
    X(CANARY, "canary", 4, false, "carve-by-used", "a planted fault that must be found: the pipeline can fail", "")    \
    X(CLASS, "class", 1, false, "", "component: the size classes beside a search through their table", "class")        \
    X(MAP, "map", 1, true, "", "component: the region map beside an array of all pages", "map")                        \
    X(RUN, "run", 1, true, "", "component: the run tier beside an array of page owners", "run")                        \
    X(BIGCACHE, "bigcache", 1, true, "", "component: the BigCache beside a list by age", "bigcache")                   \
    X(POOL, "pool", 4, true, "", "component: the shared pool beside the set of slabs in use", "pool")                  \
    X(LAZY, "lazy", 4, true, "", "component: the lazy cache beside an array by age", "lazy")                           \
    X(REMOTE, "remote", 4, false, "", "component: queues of remote frees beside the set of blocks out", "remote")      \
    X(ADOPT, "adopt", 4, false, "", "component: heaps that lose their owners beside the set of blocks out", "adopt")   \
    X(START, "start", 4, true, "", "component: first allocations at once, and forks, beside what was read", "start")   \
    X(OPTION, "option", 1, false, "", "component: the options parser beside a plain one", "option")                    \
    X(MISUSE, "misuse", 4, false, "", "component: programs that break the rules, beside what is refused", "misuse")    \
    X(DIFFERENTIAL, "differential", 1, false, "", "one thread, its answers beside a plain model's and libc's", "")

enum target {
#define TARGET_ENUM(id, ...) TARGET_##id,
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
    const char *component; /* "" for the whole allocator */
};
extern const struct target_info target_table[TARGET_COUNT];

/* Accepts "threads" and "fuzz_threads". NULL when there is no such target. */
const struct target_info *target_find(const char *name);

#endif
