/* fault: the catalogue of historical bugs that can be put back, one at a time, at the allocator's fault points.
 * The ids come from allocator/fault.h; this adds name, origin, what the bug was, its class, what it needs, and which
 * checks see it. Constant data, safe on any thread. The tables of docs/faults.md and docs/checks.md are made from it.
 *
 * A check that no fault of the catalogue trips does not compile (fault.c), nor does a class without a fault. */
#ifndef HAKMEM_ORACLE_FAULT_H
#define HAKMEM_ORACLE_FAULT_H

#include <stdint.h>

#include "allocator/fault.h"
#include "oracle/check.h"
#include "oracle/target.h"

#define FAULT_CLASS_TABLE(X)                                                                                           \
    X(CARVING, "carving")                                                                                              \
    X(LINKS, "links")                                                                                                  \
    X(SENTINELS, "sentinels")                                                                                          \
    X(OWNERSHIP, "ownership")                                                                                          \
    X(PUBLICATION, "publication order")                                                                                \
    X(ABA, "ABA")                                                                                                      \
    X(MEMORY_ORDER, "memory order")                                                                                    \
    X(DUPLICATES, "cyclic or duplicate insertion")                                                                     \
    X(METADATA, "stale bitmap or metadata")                                                                            \
    X(FAILURE, "failure path")                                                                                         \
    X(THREAD_EXIT, "thread exit")                                                                                      \
    X(START, "start-up")                                                                                               \
    X(FORK, "fork")                                                                                                    \
    X(SIZES, "size or alignment overflow")                                                                             \
    X(OFFSETS, "offset confusion")                                                                                     \
    X(ZERO, "lost zero flag")                                                                                          \
    X(COPY, "wrong copy length")                                                                                       \
    X(GROWTH, "table growth")                                                                                          \
    X(AGE, "age limit")                                                                                                \
    X(ACCOUNTING, "accounting")                                                                                        \
    X(MISUSE, "misuse not detected")

enum fault_class {
#define FAULT_CLASS_ENUM(id, name) FAULT_CLASS_##id,
    FAULT_CLASS_TABLE(FAULT_CLASS_ENUM)
#undef FAULT_CLASS_ENUM
        FAULT_CLASS_COUNT
};
extern const char *const fault_class_names[FAULT_CLASS_COUNT];

struct fault_info {
    const char *name;   /* as on the command line: "carve-by-used" */
    const char *origin; /* whose bug it was: a project, with the commit, issue or release where that is known */
    const char *title;  /* what was wrong, in our terms */
    enum fault_class class;
    const char *needs;  /* sequence, threads, system failure */
    uint64_t checks;    /* bit CHECK_x: x may be the first to see it, depending on what comes next; `check` is one */
    enum check check;   /* the one that sees it in corpus/TARGET/regress/NAME.hak */
    enum target target; /* the target that reaches it soonest */
};
extern const struct fault_info fault_table[HAK_FAULT_COUNT]; /* entry 0 is "none" */

/* Index into the table, 0 for "" and "none", -1 when unknown. */
int fault_find(const char *name);

/* Whether a finding by this check is one that the catalogue expects of the fault. Where whole heaps are proven in front
 * of each change, an assertion may be sooner than any. */
static inline bool fault_expects(const struct fault_info *fault, enum check check) {
    return (fault->checks >> (unsigned)check & 1) != 0 || (HAK_CHECK >= 2 && check == CHECK_INVARIANT);
}

#endif
