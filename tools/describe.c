/* describe: a verb is called as if for help, and options_parse hands over what it was given. */
#include "tools/describe.h"

#include <stdlib.h>
#include <string.h>

void describe_verb(const struct verb_info *verb, options_reader *reader, void *context) {
    char *name = strdup(verb->name);
    char *arguments[] = {name, NULL};
    options_describe(reader, context);
    (void)verb->function(1, arguments);
    options_describe(NULL, NULL);
    free(name);
}

bool describe_is_shown(const struct poptOption *option) {
    return (option->argInfo & POPT_ARGFLAG_DOC_HIDDEN) == 0;
}
