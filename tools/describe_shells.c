/* describe_shells: the table of shells. */
#include "tools/describe.h"

const struct describe_shell describe_shells[] = {
    {"bash", describe_bash}, {"fish", describe_fish}, {"zsh", describe_zsh}, {NULL, NULL}};
