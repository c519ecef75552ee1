/* raw_file: what the recorder left behind, mapped: the files of one directory, parents before their children. */
#ifndef HAKMEM_TOOLS_RAW_FILE_H
#define HAKMEM_TOOLS_RAW_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "tools/recorder/raw.h"

struct raw_file {
    const struct raw_head *head;
    size_t size_bytes;
    char program[RAW_NAME_BYTES + 1];
    uint64_t file;                 /* the number in its name */
    const struct raw_file *parent; /* that it was forked from, as far as that was recorded */
    /* After raw_file_index: its events, by sequence number; NULL where one is missing. */
    const struct raw_event **events;
    uint64_t last_sequence; /* of those that count */
};

struct raw_files {
    struct raw_file *files; /* in the order they began */
    size_t count;
};

/* Map all of a directory. What is no such file is passed over. False, with a message, when it cannot be read. */
bool raw_files_open(struct raw_files *files, const char *directory);
void raw_files_close(struct raw_files *files);

/* Put the events in order. False, with a message, when there is no memory. raw_file_forget frees that. */
bool raw_file_index(struct raw_file *file);
void raw_file_forget(struct raw_file *file);

#endif
