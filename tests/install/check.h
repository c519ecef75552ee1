/* check: what the programs of the install test have in common. C and C++. */
#ifndef HAKMEM_TESTS_INSTALL_CHECK_H
#define HAKMEM_TESTS_INSTALL_CHECK_H

#include <stdio.h>

static int failures;

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                                    \
            failures++;                                                                                                \
        }                                                                                                              \
    } while (0)

/* A program that ends early without a word must not pass. */
static inline int checks_end(const char *name) {
    if (failures == 0) {
        printf("%s: good\n", name);
    }
    return failures != 0;
}

#endif
