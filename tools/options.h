/* options: command lines of verbs, over libpopt. Owns --help (synopsis, options, examples) and the wording of errors.
 * Strings of options and arguments live until options_free. */
#ifndef HAKMEM_TOOLS_OPTIONS_H
#define HAKMEM_TOOLS_OPTIONS_H

#include <popt.h>

struct verb_help {
    const char *name;     /* "run" */
    const char *synopsis; /* "[OPTION...] FILE|DIR..." */
    const char *meaning;  /* a paragraph, newline at the end */
    const char *examples; /* lines, newline at the end */
};

/* Options that several verbs have, and what is left after all options. */
struct options {
    char *target;
    char *fault;
    char *malloc_name, *prefix, *order; /* malloc_choice.h */
    int json;
    int argument_count;
    const char **arguments; /* NULL when there are none */
    poptContext context;
};

#define OPTION_TARGET(options)                                                                                         \
    { "target", 't', POPT_ARG_STRING, &(options).target, 0, "what programs may do (see hakfuzz --help)", "TARGET" }
#define OPTION_FAULT(options)                                                                                          \
    { "fault", 'f', POPT_ARG_STRING, &(options).fault, 0, "put this historical bug back; 'none' for none", "FAULT" }
#define OPTION_MALLOC(options)                                                                                         \
    {                                                                                                                  \
        "malloc", 'm', POPT_ARG_STRING, &(options).malloc_name, 0,                                                     \
            "hakmem (default), libc, target, or a shared object", "LIB"                                                \
    }
#define OPTION_PREFIX(options)                                                                                         \
    { "prefix", 'p', POPT_ARG_STRING, &(options).prefix, 0, "what the names of its functions begin with", "PREFIX" }
/* Where runs on real threads need not be equal. */
#define OPTION_ORDER(options, free_or_virtual)                                                                         \
    {                                                                                                                  \
        "order", '\0', POPT_ARG_STRING, &(options).order, 0,                                                           \
            "of operations on real threads: free, or virtual, one after another (" free_or_virtual ")", "ORDER"        \
    }
#define OPTION_JSON(options)                                                                                           \
    { "json", '\0', POPT_ARG_NONE, &(options).json, 0, "one JSON object on standard output", NULL }

enum options_outcome { OPTIONS_GO, OPTIONS_HELPED, OPTIONS_WRONG };

/* Parse. `table` ends in POPT_TABLEEND and stays alive until options_free. OPTIONS_HELPED: --help was printed, exit 0.
 * OPTIONS_WRONG: a message was printed, exit 2. In every case options_free is due. */
enum options_outcome options_parse(const struct verb_help *help, struct poptOption *table, int argc, char **argv,
                                   struct options *options);
void options_free(struct options *options);

/* Have every options_parse that follows hand its texts and table to `reader`, and go no further: OPTIONS_HELPED. NULL
 * ends that. This is how manual pages and completions are made from what --help is made from. */
typedef void options_reader(void *context, const struct verb_help *help, const struct poptOption *table);
void options_describe(options_reader *reader, void *context);

/* The exit code of an outcome that is not OPTIONS_GO. */
int options_exit(enum options_outcome outcome);

/* Print "hakfuzz NAME: <message>; see 'hakfuzz NAME --help'" and return EXIT_USAGE. */
int options_complain(const struct verb_help *help, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Whether low <= value <= high; complains about `option` otherwise. */
int options_in_range(const struct verb_help *help, const char *option, long value, long low, long high);

#endif
