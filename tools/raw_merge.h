/* raw_merge: makes recordings of what the recorder left behind: addresses become objects, threads are numbered. */
#ifndef HAKMEM_TOOLS_RAW_MERGE_H
#define HAKMEM_TOOLS_RAW_MERGE_H

#include <stddef.h>

#include "tools/raw_file.h"
#include "tools/recording.h"

/* What became of one process. */
struct raw_merged {
    char *path; /* of its recording; to be freed */
    struct recording_head head;
    struct recording_totals totals;
    int64_t pid;
    int64_t forked_from; /* pid; 0: it is a program that was started */
    uint64_t unknown;    /* frees and reallocs of blocks that were not seen to be given out: left out */
    uint64_t implied;    /* blocks whose free was not seen, but whose address was given out again */
    uint64_t missing;    /* events that were not written to their end */
    uint64_t stopped_at; /* recording ended early, there; 0: it did not */
    int stopped_error;   /* and this is why */
};

/* Merge all; *merged is a list of files->count entries in the order of files. The first one's recording is `path`, the
 * n-th one's has ".n-PROGRAM" in front of its ending. False, with a message, when one could not be made. */
bool raw_merge(struct raw_files *files, const char *path, struct raw_merged **merged);
void raw_merged_free(struct raw_merged *merged, size_t count);

#endif
