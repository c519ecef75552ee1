/* verb_manual: manual pages, one of the tool and one of each verb. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/describe.h"

static const struct verb_help help = {
    "manual",
    "[OPTION...]",
    "Writes hakfuzz.1, and hakfuzz-VERB.1 for each verb, made from what --help shows. `cmake --install` puts them\n"
    "where man looks.\n",
    "  hakfuzz manual -o man1\n"
    "  man -l man1/hakfuzz-min.1\n",
};

/* The tool's page where `verb` is NULL. */
static bool write_page(const char *directory, const struct verb_info *verb) {
    char *path = NULL;
    int length =
        asprintf(&path, "%s/hakfuzz%s%s.1", directory, verb != NULL ? "-" : "", verb != NULL ? verb->name : "");
    FILE *out = length > 0 ? fopen(path, "w") : NULL;
    if (out != NULL && verb != NULL) {
        describe_verb_page(verb, out);
    } else if (out != NULL) {
        describe_tool_page(out);
    }
    bool good = out != NULL && !ferror(out);
    good = out != NULL && (fclose(out) == 0) & good;
    if (!good) {
        fprintf(stderr, "hakfuzz manual: '%s' cannot be written: %s; give another directory with -o\n",
                length > 0 ? path : directory, strerror(errno));
    }
    free(path);
    return good;
}

static int write_pages(const char *directory) {
    bool good = mkdir(directory, 0777) == 0 || errno == EEXIST;
    if (!good) {
        fprintf(stderr, "hakfuzz manual: '%s' cannot be made: %s; give another directory with -o\n", directory,
                strerror(errno));
    }
    good = good && write_page(directory, NULL);
    for (unsigned i = 0; i < verb_count && good; i++) {
        good = write_page(directory, &verb_table[i]);
    }
    return good ? EXIT_CLEAN : EXIT_USAGE;
}

int verb_manual(int argc, char **argv) {
    struct options options = {0};
    char *directory = NULL;
    struct poptOption table[] = {
        {"output", 'o', POPT_ARG_STRING, &directory, 0, "where the pages go (.)", "DIR"},
        POPT_TABLEEND,
    };
    enum options_outcome outcome = options_parse(&help, table, argc, argv, &options);
    int code = options_exit(outcome);
    if (outcome == OPTIONS_GO && options.argument_count > 0) {
        code = options_complain(&help, "'%s' is no option", options.arguments[0]);
    } else if (outcome == OPTIONS_GO) {
        code = write_pages(directory != NULL ? directory : ".");
    }
    free(directory);
    options_free(&options);
    return code;
}
