/* detect_mutants: the way to tools/mutants, which needs the sources and compilers, and so is a script among the
 * sources. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/detect.h"
#include "tools/verb.h"

#define SCRIPT "tools/mutants/mutants"

bool detect_mutants(int argc, char **argv, int *code) {
    int at = 1;
    while (at < argc && strcmp(argv[at], "--mutants") != 0) {
        at++;
    }
    if (at >= argc) {
        return false;
    }
    *code = EXIT_USAGE;
    char **words = calloc((size_t)argc + 1, sizeof *words);
    if (words == NULL) {
        perror("hakfuzz detect");
        return true;
    }
    char script[] = SCRIPT;
    int count = 0;
    words[count++] = script;
    for (int i = 1; i < argc; i++) {
        if (i != at) {
            words[count++] = argv[i];
        }
    }
    execv(SCRIPT, words);
    fprintf(stderr, "hakfuzz detect: --mutants: %s: %s; it works in the root of the sources\n", SCRIPT,
            strerror(errno));
    free(words);
    return true;
}
