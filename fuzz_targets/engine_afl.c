/* engine_afl: main of a fuzz target under AFL++, in persistent mode with test cases in shared memory.
 *
 * The fork server starts after the world is open, so a child begins with the arena mapped. A finding aborts, which is
 * what afl-fuzz counts. With arguments it replays files and directories like the stand-alone,
 * and without any and outside of afl-fuzz standard input. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "fuzz_targets/fuzz.h"
#include "fuzz_targets/replay.h"
#include "oracle/feedback.h"

enum { EXECUTIONS_A_CHILD = 100000 };

__AFL_FUZZ_INIT();

static int replay(int argc, char **argv, const char *fault) {
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        printf("fuzz_%s: %s\n\n"
               "  fuzz_%s INPUT...    replay files and directories, '-' is standard input;\n"
               "                      exit code 0 clean, 1 finding, 2 wrong usage\n"
               "\nTo fuzz, from build/afl:\n"
               "  AFL_CUSTOM_MUTATOR_LIBRARY=$PWD/libhakmem_mutator.so AFL_CUSTOM_MUTATOR_ONLY=1 \\\n"
               "  afl-fuzz -i corpus/%s/seed -o findings -- ./fuzz_%s\n",
               fuzz_target->name, fuzz_target->purpose, fuzz_target->name, fuzz_target->name, fuzz_target->name);
        return EXIT_CLEAN;
    }
    struct files list = {0};
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] == '-' && argv[i][1] != '\0') {
            fprintf(stderr, "fuzz_%s: unknown option '%s' (see --help; a file of that name: ./%s)\n", fuzz_target->name,
                    argv[i], argv[i]);
            return EXIT_UNABLE;
        }
        if (!files_add(&list, argv[i])) {
            return EXIT_UNABLE;
        }
    }
    struct replay_command command = {argv[0], fault};
    int code = replay_files(&command, &list);
    files_free(&list);
    return code;
}

int main(int argc, char **argv) {
    const char *fault = getenv(FUZZ_FAULT_VARIABLE);
    fuzz_open(fault, FUZZ_FAULT_VARIABLE);
    feedback_open();
    if (argc > 1) {
        return replay(argc, argv, fault);
    }
    /* Without a fuzzer there is no test case in shared memory; it is then a person who feeds it. */
    if (getenv("__AFL_SHM_ID") == NULL) {
        char *standard_input[] = {argv[0], (char[]){"-"}, NULL};
        return replay(2, standard_input, fault);
    }
    __AFL_INIT();
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a fuzzer that is killed leaves its stopped target behind else */
    const uint8_t *bytes = __AFL_FUZZ_TESTCASE_BUF;
    while (__AFL_LOOP(EXECUTIONS_A_CHILD)) {
        size_t size_bytes = (size_t)__AFL_FUZZ_TESTCASE_LEN;
        if (size_bytes <= PROGRAM_BYTES_MAX) {
            fuzz_one(bytes, size_bytes);
        }
    }
    return EXIT_CLEAN;
}
