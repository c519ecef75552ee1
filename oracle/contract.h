/* contract: what C and POSIX fix of what a malloc answers, and what they leave open. One table, which
 * docs/differential.md repeats. Constant data, safe on any thread.
 *
 * What is fixed is judged wherever it shows: most of it by a check of the oracle, in any run on real threads; the rest
 * when answers of several mallocs are compared (tools/diff.h). What is open is never a fault, and such a request is
 * made only where answers are to be compared. */
#ifndef HAKMEM_ORACLE_CONTRACT_H
#define HAKMEM_ORACLE_CONTRACT_H

#include <stdbool.h>

#include "oracle/check.h"
#include "oracle/program.h"

/* enum suffix, id, whether it is fixed, who says so, what */
#define FACT_TABLE(X)                                                                                                  \
    X(SUCCESS, "success", 1, "C11 7.22.3", "memory that another malloc finds is found: NULL says that there is none")  \
    X(IMPOSSIBLE, "impossible", 1, "C11 7.22.3",                                                                       \
      "what no object can be as large as fails: an overflowing product, more than PTRDIFF_MAX")                        \
    X(ERRNO_FAILURE, "errno-failure", 1, "POSIX.1-2008",                                                               \
      "a failure sets errno to ENOMEM; of posix_memalign it is what is returned")                                      \
    X(ERRNO_FREE, "errno-free", 1, "POSIX.1-2024", "free leaves errno alone")                                          \
    X(POSIX_ALIGN, "posix-memalign-einval", 1, "POSIX.1-2001",                                                         \
      "posix_memalign fails with EINVAL unless the alignment is a power of two and a multiple of a pointer's size")    \
    X(ALIGNED_BAD, "aligned-alloc-invalid", 1, "C17 7.22.3.1", "aligned_alloc fails for what is no valid alignment")   \
    X(ALIGNMENT, "alignment", 1, "C11 7.22.3",                                                                         \
      "a block is aligned for any object that fits, or as it was asked to be")                                         \
    X(DISJOINT, "disjoint", 1, "C11 7.22.3", "no two live blocks share a byte")                                        \
    X(CONTENT, "content", 1, "C11 6.2.4", "what a program wrote stays, also after a realloc that fails")               \
    X(ZERO, "zero", 1, "C11 7.22.3.2", "calloc's memory is zero")                                                      \
    X(PREFIX, "prefix", 1, "C11 7.22.3.5", "realloc keeps the bytes that both sizes share")                            \
    X(USABLE, "usable", 1, "glibc's manual", "malloc_usable_size is not less than what was asked for, and usable")     \
    X(END, "end", 1, "C11 7.22.3", "a call comes back, and the process lives")                                         \
    X(ZERO_SIZE, "zero-size", 0, "C11 7.22.3", "a request of 0 bytes: NULL, or a block")                               \
    X(REALLOC_ZERO, "realloc-zero", 0, "C23 7.24.3.7", "realloc of a block to 0 bytes: NULL, or a block")              \
    X(ALIGNED_SIZE, "aligned-alloc-size", 0, "C17 7.22.3.1",                                                           \
      "aligned_alloc of a size that is no multiple of the alignment: a block, or NULL")                                \
    X(MEMALIGN_BAD, "memalign-invalid", 0, "no standard", "memalign to what is no power of two: a block, or NULL")     \
    X(ERRNO_SUCCESS, "errno-success", 0, "C11 7.5", "whether a call that succeeds changes errno")                      \
    X(USABLE_SIZE, "usable-size", 0, "no standard", "whether a block may be used beyond what was asked for")           \
    X(OWN_WORDS, "own-words", 0, "C11 7.22.3.4", "whether a new block shows addresses that the malloc left in it")

enum fact {
#define FACT_ENUM(id, name, is_fixed, says, meaning) FACT_##id,
    FACT_TABLE(FACT_ENUM)
#undef FACT_ENUM
        FACT_COUNT
};

struct fact_info {
    const char *name;
    bool is_fixed;
    const char *says;
    const char *meaning;
};
extern const struct fact_info fact_table[FACT_COUNT];

/* The fact that a finding of a run on real threads is about; `op` is the operation that ran. */
enum fact fact_of_check(enum check check, enum program_op op);

#endif
