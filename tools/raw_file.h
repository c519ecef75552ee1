/* raw_file: what the recorder left behind: the files of one directory, parents before their children, and their events
 * in order. Uses malloc of the process. */
#ifndef HAKMEM_TOOLS_RAW_FILE_H
#define HAKMEM_TOOLS_RAW_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "tools/recorder/raw.h"

struct raw_event {
    uint64_t sequence;
    uint64_t block; /* address */
    uint64_t size_bytes;
    uint32_t thread; /* in the order of their first events, from 0 */
    enum raw_kind kind;
    uint8_t align_shift;
};

/* Where reading of a chunk is. */
struct raw_cursor {
    const uint8_t *at;
    const uint8_t *end;
    uint64_t address;       /* of the event before */
    struct raw_event event; /* the next one */
};

struct raw_file {
    const struct raw_head *head;
    size_t size_bytes;
    char program[RAW_NAME_BYTES + 1];
    uint64_t file;                 /* the number in its name */
    const struct raw_file *parent; /* that it was forked from, as far as that was recorded */
    struct raw_cursor *cursors;    /* a heap: the lowest sequence first */
    size_t cursor_count;
};

struct raw_files {
    struct raw_file *files; /* in the order they began */
    size_t count;
};

/* Map all of a directory. What is no such file is passed over. False, with a message, when it cannot be read. */
bool raw_files_open(struct raw_files *files, const char *directory);
void raw_files_close(struct raw_files *files);

/* Go to the beginning of a file, which is read once at a time. False, with a message, when there is no memory. */
bool raw_file_rewind(struct raw_file *file);
/* The next event that counts, by its sequence; false at the end. */
bool raw_file_next(struct raw_file *file, struct raw_event *event);

#endif
