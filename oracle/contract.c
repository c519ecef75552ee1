/* contract: see the header. */
#include "oracle/contract.h"

const struct fact_info fact_table[FACT_COUNT] = {
#define FACT_ROW(id, name, is_fixed, says, meaning) [FACT_##id] = {name, is_fixed, says, meaning},
    FACT_TABLE(FACT_ROW)
#undef FACT_ROW
};

static bool is_free(enum program_op op) {
    return op == OP_FREE || op == OP_FREE_MANY || op == OP_FREE_SIZED || op == OP_FREE_ALIGNED_SIZED;
}

enum fact fact_of_check(enum check check, enum program_op op) {
    switch (check) {
    case CHECK_DOUBLE_ALLOC:
    case CHECK_OVERLAP:
        return FACT_DISJOINT;
    case CHECK_MISALIGNED:
        return FACT_ALIGNMENT;
    case CHECK_CONTENT_CHANGED:
    case CHECK_REALLOC_HARMED:
        return FACT_CONTENT;
    case CHECK_CALLOC_NONZERO:
        return FACT_ZERO;
    case CHECK_REALLOC_PREFIX:
        return FACT_PREFIX;
    case CHECK_USABLE_SMALL:
    case CHECK_USABLE_OVERLAP:
        return FACT_USABLE;
    case CHECK_IMPOSSIBLE_SUCCESS:
        return FACT_IMPOSSIBLE;
    case CHECK_ERRNO_CONTRACT:
        return is_free(op) ? FACT_ERRNO_FREE : FACT_ERRNO_FAILURE;
    default:
        return FACT_END;
    }
}
