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
/* describe_completion.c */
void describe_bash(FILE *out);
void describe_fish(FILE *out);

#endif
