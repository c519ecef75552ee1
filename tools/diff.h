/* diff: the same programs on several mallocs, and where their answers are not what C and POSIX fix (contract.h).
 *
 * Each malloc runs a program in a process of its own, in virtual order, so that record by record they are asked the
 * same. A run that the oracle stops has broken a fact by itself. The others are compared entry by entry as long as
 * they are in step: who answers with a block where others answer NULL has other blocks from there on, and leaves.
 *
 * In free order threads run beside each other, so no two runs are asked the same: each malloc is judged alone, by what
 * the oracle stops it for, and nothing is compared.
 *
 * A *divergence* is a fact that is fixed, on one malloc, by one operation: however many programs show it, it is one,
 * and the first program stands for it. A *difference* is a fact that is open, with what each malloc was seen to do.
 * Single-threaded. */
#ifndef HAKMEM_TOOLS_DIFF_H
#define HAKMEM_TOOLS_DIFF_H

#include "oracle/contract.h"
#include "oracle/reduce.h"
#include "tools/malloc_choice.h"

enum {
    DIFF_MALLOCS_MAX = 16,
    DIFF_WORDS_MAX = 4,
    DIFF_WORD_BYTES = 24,
    DIFF_MESSAGE_BYTES = VERDICT_MESSAGE_BYTES_MAX
};

struct diff_malloc {
    struct malloc_choice malloc;
    struct backend backend; /* that of the choice, but held to C and POSIX and no more */
    struct journal *journal;
    struct real_outcome outcome;
    bool in_step;
};

struct divergence {
    unsigned malloc;
    enum fact fact;
    enum program_op op;    /* OP_NOP: nobody knows, of several that ran at once */
    uint64_t programs;     /* that show it ... */
    uint64_t last_program; /* ... up to the one with this number */
    char *name;            /* of the first one */
    const struct target_info *target;
    uint8_t *bytes; /* of it; once it is reduced, of the smallest */
    size_t size_bytes;
    uint32_t record;
    char message[DIFF_MESSAGE_BYTES];
    struct reduce_counts after; /* records 0: not reduced */
};

/* What each malloc answered in a corner that is open, in words; none: it was not asked. */
struct difference {
    enum fact fact;
    enum program_op op;
    char words[DIFF_MALLOCS_MAX][DIFF_WORDS_MAX][DIFF_WORD_BYTES];
};

struct diff {
    struct diff_malloc *mallocs;
    unsigned malloc_count;
    struct divergence *divergences;
    size_t divergence_count;
    struct difference differences[FACT_COUNT * OP_COUNT];
    size_t difference_count;
    uint64_t programs, runs, compared; /* entries of programs */
    uint64_t times;                    /* a run goes through its program; 1 in virtual order */
    bool (*goes_on)(void);             /* asked before each run of a reduction */
};

/* One program on all of them; `name` for people. False, with a message, when no process or memory could be had. */
bool diff_program(struct diff *diff, const char *name, const struct target_info *target, const struct program *program);

/* Whether threads run beside each other: all mallocs have the same order. */
bool diff_is_free(const struct diff *diff);

/* By malloc, fact and operation. */
void diff_sort(struct diff *diff);

/* diff_reduce.c: the smallest program that shows the divergence, in its place. False as above. */
bool diff_reduce(struct diff *diff, struct divergence *divergence);

/* For both: run on the mallocs that `wanted` has bits for, and call `see` for each divergence. */
typedef void diff_see(void *context, unsigned malloc, enum fact fact, enum program_op op, uint32_t record,
                      const char *message);
bool diff_run(struct diff *diff, uint32_t wanted, const struct target_info *target, const struct program *program,
              bool with_differences, diff_see *see, void *context);

#endif
