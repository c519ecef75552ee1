/* verb_completion: what a shell needs to complete words of this tool. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/describe.h"

static const struct verb_help help = {
    "completion",
    "[OPTION...] SHELL",
    "Prints completions of verbs, options and their values for a shell (bash, fish or zsh), made from the tables of\n"
    "this very binary.\n"
    "`cmake --install` puts them where the shells look.\n",
    "  eval \"$(hakfuzz completion bash)\"\n"
    "  hakfuzz completion fish >~/.config/fish/completions/hakfuzz.fish\n"
    "  hakfuzz completion zsh >~/.zfunc/_hakfuzz   # with ~/.zfunc in $fpath\n",
};

static int write_shell(const char *shell, const char *path) {
    const struct describe_shell *found = describe_shells;
    while (found->name != NULL && strcmp(found->name, shell) != 0) {
        found++;
    }
    if (found->name == NULL) {
        return options_complain(&help, "one shell wanted, bash, fish or zsh");
    }
    FILE *out = path != NULL ? fopen(path, "w") : stdout;
    if (out != NULL) {
        found->print(out);
    }
    bool good = out != NULL && !ferror(out);
    good = out != NULL && (path == NULL || fclose(out) == 0) && good;
    if (!good) {
        return options_complain(&help, "'%s' cannot be written: %s", path != NULL ? path : "standard output",
                                strerror(errno));
    }
    return EXIT_CLEAN;
}

int verb_completion(int argc, char **argv) {
    struct options options = {0};
    char *path = NULL;
    struct poptOption table[] = {
        {"output", 'o', POPT_ARG_STRING, &path, 0, "write here instead of standard output", "OUT"},
        POPT_TABLEEND,
    };
    enum options_outcome outcome = options_parse(&help, table, argc, argv, &options);
    int code = outcome != OPTIONS_GO ? options_exit(outcome)
                                     : write_shell(options.argument_count == 1 ? options.arguments[0] : "", path);
    free(path);
    options_free(&options);
    return code;
}
