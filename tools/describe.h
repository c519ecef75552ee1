/* describe: what verbs and options there are, for manual pages and completions: the texts and tables that --help shows.
 * Single-threaded. */
#ifndef HAKMEM_TOOLS_DESCRIBE_H
#define HAKMEM_TOOLS_DESCRIBE_H

#include <stdbool.h>
#include <stdio.h>

#include "tools/options.h"
#include "tools/verb.h"

/* Call `reader` for a verb, with its texts and options. */
void describe_verb(const struct verb_info *verb, options_reader *reader, void *context);
/* Whether an option is shown at all: not where it is for the tool's own use. */
bool describe_is_shown(const struct poptOption *option);

/* describe_manual.c: the page of a verb (hakfuzz-VERB.1), and of the tool (hakfuzz.1), for man. */
void describe_verb_page(const struct verb_info *verb, FILE *out);
void describe_tool_page(FILE *out);
/* describe_words.c: what can stand in a place, for shells: words of a table, files, or both; `files` and `folders`
 * exclude each other. The kinds of values end with one without a name. */
struct describe_kind {
    const char *value;               /* as --help has it: "TARGET" */
    const char *name;                /* "targets" */
    const char *(*word)(unsigned i); /* NULL behind the last; NULL: there are no words */
    bool files, folders;
};
extern const struct describe_kind describe_kinds[];
/* Of an option's value; one without words and files where it can be anything. */
const struct describe_kind *describe_kind_of(const struct poptOption *option);
/* Of a verb's arguments, from its synopsis. */
const struct describe_kind *describe_arguments(const struct verb_help *help);
void describe_print_words(const struct describe_kind *kind, FILE *out); /* with blanks between */
/* In single quotes; `quote` is what a quote inside becomes: "'\\''" or "\\'". Where that is the latter, backslashes
 * double. */
void describe_print_quoted(const char *text, const char *quote, FILE *out);

/* describe_shells.c: the shells that there are completions for. */
struct describe_shell {
    const char *name;
    void (*print)(FILE *out);
};
extern const struct describe_shell describe_shells[]; /* ends with one without a name */
void describe_bash(FILE *out);                        /* describe_bash.c */
void describe_fish(FILE *out);                        /* describe_fish.c */
void describe_zsh(FILE *out);                         /* describe_zsh.c */

#endif
