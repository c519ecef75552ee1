/* triage: many inputs to few findings. Inputs that fail with one signature, on one target, are one group; one input of
 * a group, the shortest, stands for it. Single-threaded. */
#ifndef HAKMEM_TOOLS_TRIAGE_H
#define HAKMEM_TOOLS_TRIAGE_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "oracle/files.h"
#include "tools/minimize.h"

struct triage_group {
    struct choice choice;
    struct verdict verdict; /* of the input that stands for it; of what it was reduced to, once that is done */
    struct files inputs;    /* all of its files */
    size_t shortest;        /* of these */
    size_t shortest_bytes;
    char *name; /* file name without ending: target and signature */
    struct reduce_counts before;
    struct reduce_counts after;
    uint8_t *bytes; /* reduced; NULL as long as it is not */
    size_t size_bytes;
    bool is_minimal;
    size_t replays; /* in new processes, and how many of them were equal */
    size_t replays_equal;
    const char *page_ending; /* of the page that shows it, in the directory of pages: ".html", ".txt"; NULL: none */
};

struct triage {
    const char *target; /* options, or NULL */
    const char *fault;
    const struct malloc_choice *malloc; /* NULL: hakmem, in the simulated world */
    struct worker *worker;
    struct triage_group *groups;
    size_t group_count;
    size_t group_capacity;
    uint64_t inputs; /* that were run */
    uint64_t clean;  /* of these */
    uint64_t unreadable;
    uint64_t others; /* files in directories whose names are no fuzzer's; programs that try no malloc, on another one */
    bool
        is_complete; /* everything was run, reduced and shown: until then reports are those of a run that was stopped */
};

/* Whether a fuzzer would give this name to an input that failed, or a person: crash-*, id:*, *.hak, ...; never to what
 * triage writes about it (.html, .txt, .json, .sarif). */
bool triage_is_input(const char *path);

/* Run one file and put it where it belongs. False: interrupted, or nothing can be run. */
bool triage_add(struct triage *triage, const char *path);
/* Most files first. */
void triage_sort(struct triage *triage);
void triage_free(struct triage *triage);

/* triage_write.c: what is found, for machines and people. The object is the caller's; false when a file could not be
 * written, with a message. `directory` holds what the groups' pages and reduced inputs are called in it. */
cJSON *triage_json(const struct triage *triage);
cJSON *triage_sarif(const struct triage *triage);
bool triage_write_html(const struct triage *triage, const char *directory);

#endif
