/* reference: what must be, call by call. What contract.h calls open is passed over. */
#include "oracle/reference.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool is_power_of_two(size_t number) {
    return number != 0 && (number & (number - 1)) == 0;
}

/* An alignment that nobody has to serve. */
static bool is_invalid(const struct reference_call *call) {
    return call->align_bytes != 0 && (!is_power_of_two(call->align_bytes) ||
                                      (call->op == OP_POSIX_MEMALIGN && call->align_bytes % sizeof(void *) != 0));
}

static bool is_impossible(const struct reference_call *call) {
    return call->overflows || call->size_bytes > PTRDIFF_MAX;
}

bool reference_is_hopeless(const struct reference_call *call) {
    return is_invalid(call) || is_impossible(call);
}

static const char *errno_words(int error) {
    return error == 0 ? "left alone" : strerror(error);
}

static bool is_resize(enum program_op op) {
    return op == OP_REALLOC || op == OP_REALLOCARRAY;
}

/* What any object of that size needs that fits, and what was asked for. */
static size_t align_of(const struct reference_call *call) {
    size_t natural_bytes = call->size_bytes >= 16 ? 16 : 8;
    return !is_invalid(call) && call->align_bytes > natural_bytes ? call->align_bytes : natural_bytes;
}

static enum fact judge_block(const struct reference_call *call, const struct reference_answer *answer, char *words,
                             size_t words_bytes) {
    if (is_invalid(call) && call->op != OP_MEMALIGN) {
        snprintf(words, words_bytes, "a block for alignment %zu", call->align_bytes);
        return call->op == OP_POSIX_MEMALIGN ? FACT_POSIX_ALIGN : FACT_ALIGNED_BAD;
    }
    if (is_impossible(call)) {
        snprintf(words, words_bytes, "a block of more bytes than any object has");
        return FACT_IMPOSSIBLE;
    }
    if (answer->start % align_of(call) != 0) {
        snprintf(words, words_bytes, "the address is no multiple of %zu", align_of(call));
        return FACT_ALIGNMENT;
    }
    if (call->op == OP_CALLOC && answer->nonzero >= 0) {
        snprintf(words, words_bytes, "byte %td of %zu is not zero", answer->nonzero, call->size_bytes);
        return FACT_ZERO;
    }
    if (call->has_block && answer->lost >= 0) {
        snprintf(words, words_bytes, "byte %td that both sizes share was lost", answer->lost);
        return FACT_PREFIX;
    }
    return FACT_COUNT;
}

static enum fact judge_null(const struct reference_call *call, const struct reference_answer *answer, char *words,
                            size_t words_bytes) {
    bool is_open = (call->size_bytes == 0 && !call->overflows && !is_invalid(call)) || call->op == OP_MEMALIGN;
    if (is_open) {
        return FACT_COUNT;
    }
    if (call->has_block && answer->lost >= 0) {
        snprintf(words, words_bytes, "byte %td of the old block changed in a realloc that failed", answer->lost);
        return FACT_CONTENT;
    }
    if (is_invalid(call)) {
        bool is_right = call->op != OP_POSIX_MEMALIGN || answer->error == EINVAL;
        snprintf(words, words_bytes, "%s for alignment %zu", errno_words(answer->error), call->align_bytes);
        return is_right ? FACT_COUNT : FACT_POSIX_ALIGN;
    }
    if (!is_impossible(call) && !answer->was_refused) {
        snprintf(words, words_bytes, "NULL, though the system refused nothing");
        return FACT_SUCCESS;
    }
    snprintf(words, words_bytes, "NULL, with errno %s", errno_words(answer->error));
    return answer->error == ENOMEM ? FACT_COUNT : FACT_ERRNO_FAILURE;
}

static enum fact judge_free(const struct reference_call *call, const struct reference_answer *answer, char *words,
                            size_t words_bytes) {
    if (call->has_block && answer->lost >= 0) {
        snprintf(words, words_bytes, "byte %td of %zu changed while nobody wrote to it", answer->lost,
                 call->block_bytes);
        return FACT_CONTENT;
    }
    if (answer->error != 0) {
        snprintf(words, words_bytes, "errno is %s after %s", errno_words(answer->error),
                 call->has_block ? "it" : "it was called with NULL");
        return FACT_ERRNO_FREE;
    }
    return FACT_COUNT;
}

static enum fact judge_usable(const struct reference_call *call, const struct reference_answer *answer, char *words,
                              size_t words_bytes) {
    size_t least_bytes = call->told_bytes > call->block_bytes ? call->told_bytes : call->block_bytes;
    if (call->has_block ? answer->usable_bytes >= least_bytes : answer->usable_bytes == 0) {
        return FACT_COUNT;
    }
    snprintf(words, words_bytes, "%zu bytes of %s%zu", answer->usable_bytes,
             !call->has_block        ? "NULL, which has "
             : call->told_bytes != 0 ? "a block that was told to have "
                                     : "a block of ",
             call->has_block ? least_bytes : 0);
    return FACT_USABLE;
}

enum fact reference_judge(const struct reference_call *call, const struct reference_answer *answer, char *words,
                          size_t words_bytes) {
    switch (call->op) {
    case OP_FREE:
    case OP_FREE_SIZED:
    case OP_FREE_ALIGNED_SIZED:
    case OP_FREE_MANY:
        return judge_free(call, answer, words, words_bytes);
    case OP_USABLE:
        return judge_usable(call, answer, words, words_bytes);
    default:
        break;
    }
    if (answer->start != 0) {
        return judge_block(call, answer, words, words_bytes);
    }
    bool has_freed = is_resize(call->op) && call->has_block && call->size_bytes == 0 && !call->overflows;
    return has_freed ? FACT_COUNT : judge_null(call, answer, words, words_bytes);
}
