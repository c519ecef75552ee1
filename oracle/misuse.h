/* misuse: what a malloc does when a program breaks its rules: frees a block twice, frees what is no block, writes where
 * it must not. No standard says what happens then, so nothing of it is a fault; but it is what a malloc is chosen for.
 *
 * Each misuse is committed in a process of its own, in a heap with some blocks in use. Afterwards the process takes as
 * many blocks of the size again as it had freed and more, writes each of them, and looks whether one was given twice or
 * lies where no block can be; then it frees them. So what a malloc lets pass shows its consequence, where it has one.
 *
 * One OS thread calls, which has no other threads: it forks. */
#ifndef HAKMEM_ORACLE_MISUSE_H
#define HAKMEM_ORACLE_MISUSE_H

#include "oracle/backend.h"

/* enum suffix, id, what the program does */
#define MISUSE_TABLE(X)                                                                                                \
    X(DOUBLE_FREE, "double-free", "frees a block twice in a row")                                                      \
    X(DOUBLE_FREE_LATER, "double-free-later", "frees a block, then others of its size, then the first one again")      \
    X(DOUBLE_FREE_REMOTE, "double-free-remote", "frees a block, and another thread frees it again")                    \
    X(DOUBLE_FREE_RACE, "double-free-race", "frees a block on two threads at the same time")                           \
    X(DOUBLE_FREE_LARGE, "double-free-large", "frees a block of 1 MiB twice in a row")                                 \
    X(REALLOC_FREED, "realloc-freed", "frees a block and resizes it")                                                  \
    X(FREE_MIDDLE, "free-middle", "frees the address 16 bytes into a block")                                           \
    X(FREE_STACK, "free-stack", "frees an address of the stack")                                                       \
    X(FREE_STATIC, "free-static", "frees an address of static data")                                                   \
    X(FREE_MAPPED, "free-mapped", "frees a page that it mapped itself")                                                \
    X(SIZED_WRONG, "sized-wrong", "calls free_sized with a size eight times too large")                                \
    X(WRITE_FREED, "write-freed", "writes an address into the first two words of a freed block")                       \
    X(WRITE_BEHIND, "write-behind", "writes the 16 bytes behind a block's usable size, then frees it")                 \
    X(WRITE_BEFORE, "write-before", "writes the 16 bytes before a block, then frees it")

enum misuse {
#define MISUSE_ENUM(id, name, meaning) MISUSE_##id,
    MISUSE_TABLE(MISUSE_ENUM)
#undef MISUSE_ENUM
        MISUSE_COUNT
};

/* enum suffix, word, what was seen. In the order in which one goes before another. */
#define MISUSE_ANSWER_TABLE(X)                                                                                         \
    X(MISSING, "-", "the malloc has no such function")                                                                 \
    X(TWICE, "twice", "it gave the same memory to two blocks afterwards")                                              \
    X(OUTSIDE, "outside", "it gave memory afterwards that the program had named, and that is no heap's")               \
    X(STOPS, "stops", "it ended the process itself: abort, a trap, or an exit")                                        \
    X(CRASHES, "crashes", "the process ended by an access to where no memory is")                                      \
    X(HANGS, "hangs", "a call did not come back")                                                                      \
    X(SAYS, "says", "it wrote a message, and went on")                                                                 \
    X(QUIET, "quiet", "it did nothing that the program could see")

enum misuse_answer {
#define MISUSE_ANSWER_ENUM(id, word, meaning) MISUSE_ANSWER_##id,
    MISUSE_ANSWER_TABLE(MISUSE_ANSWER_ENUM)
#undef MISUSE_ANSWER_ENUM
        MISUSE_ANSWER_COUNT
};

struct misuse_info {
    const char *name;
    const char *meaning;
};
extern const struct misuse_info misuse_table[MISUSE_COUNT];
extern const struct misuse_info misuse_answer_table[MISUSE_ANSWER_COUNT];

enum { MISUSE_SAID_BYTES_MAX = 256 };

struct misuse_outcome {
    enum misuse_answer answer;
    char said[MISUSE_SAID_BYTES_MAX]; /* the first line on standard output or error; ends in '\0' */
};

/* Fill *outcome. False with one line in `why` when the system refuses a process, a thread or memory. */
bool misuse_commit(const struct backend *backend, enum misuse misuse, struct misuse_outcome *outcome, char *why,
                   size_t why_bytes);

#endif
