#include "tools/verb.h"
int verb_replay(int argc, char **argv) {
    (void)argc;
    (void)argv;
    return EXIT_USAGE;
}
