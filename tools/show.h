/* show: one run, recorded, and the views of it.
 *
 * A showing is made by running a program once with a tape (oracle/tape.h); every view is made from that and from
 * nothing else. Sentences are made here once (show_words.c), so that all views say the same. Single-threaded. */
#ifndef HAKMEM_TOOLS_SHOW_H
#define HAKMEM_TOOLS_SHOW_H

#include <stdio.h>

#include "tools/choice.h"
#include "tools/execute.h"
#include "tools/json.h"

struct showing {
    const char *name; /* of the input, for people */
    const struct choice *choice;
    const struct input *input;
    const char *source_url;  /* link to a line, with {file} and {line} in it; NULL: no links */
    const char *source_tree; /* where allocator/ is; NULL: looked for */
    struct program program;
    struct tape tape;
    struct execution execution;
};

/* Run. The fields above `program` are set, the others zero; the choice is prepared. Prints why and returns false when
 * there is no memory or no process. show_free is due in every case. */
bool show_run(struct showing *showing);
void show_free(struct showing *showing);

/* The views. False when there is no memory; whether `out` took it all is the caller's to ask. */
bool show_text(const struct showing *showing, FILE *out);
/* The end of it alone: what went wrong, and the blocks around it. Nothing where the run was clean. */
void show_report(const struct showing *showing, FILE *out);
/* compact: a step leaves out what is as it was after the step before. */
cJSON *show_json(const struct showing *showing, bool compact);
bool show_page(const struct showing *showing, FILE *out);
bool show_trace(const struct showing *showing, FILE *out);
bool show_shiviz(const struct showing *showing, FILE *out);

/* --- for the text: show_map.c --- */

/* A line in a colour, or "" for none, without the blanks that columns leave at its end. */
void show_line(const char *colour, char *line, FILE *out);
/* The blocks around the fault. Pre: there is a finding's step. */
void show_map(const struct showing *showing, FILE *out);

/* --- for the views: show_words.c --- */

enum { SHOW_WORDS_BYTES = 512, SHOW_OPERATION_BYTES = 96, SHOW_STORY_MAX = 14 };

/* "malloc s0 96"; of the steps after the last record what they do. */
void show_operation(const struct showing *showing, const struct tape_step *step, char *text, size_t capacity);
/* A sentence without its full stop that says what happened in the step. */
void show_step_words(const struct showing *showing, uint32_t step, char *text, size_t capacity);
/* What is wrong, in one sentence; and where it showed, in another. */
void show_headline(const struct showing *showing, char *text, size_t capacity);
void show_where(const struct showing *showing, char *text, size_t capacity);
/* The steps that one has to know of, in order: at most SHOW_STORY_MAX. Returns how many. */
uint32_t show_story(const struct showing *showing, uint32_t steps[SHOW_STORY_MAX]);
/* The finding's step, or SHOW_NO_STEP. */
#define SHOW_NO_STEP UINT32_MAX
uint32_t show_finding_step(const struct showing *showing);
/* "t2", or "nobody we know". */
const char *show_thread(uint8_t thread);
/* "ENOMEM", or "" for 0. */
const char *show_errno(int error);
/* How many threads have a step. */
uint32_t show_threads(const struct showing *showing);

/* --- show_source.c --- */

struct show_source {
    const struct hak_site *site;
    uint32_t first_line; /* of `lines`; 0: the sources were not found */
    char *lines;         /* each ends in a newline; to be freed */
    char *url;           /* NULL: none; to be freed */
};
/* The lines around a site. */
struct show_source show_source_of(const struct showing *showing, const struct hak_site *site);
void show_source_free(struct show_source *source);

#endif
