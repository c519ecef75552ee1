/* slice_cut: one window of a recording as a program of the fuzzer's. */
#ifndef HAKMEM_TOOLS_SLICE_CUT_H
#define HAKMEM_TOOLS_SLICE_CUT_H

#include "oracle/program.h"
#include "tools/recording.h"

/* A whole recording in memory. */
struct slice_source {
    struct recording_head head;
    struct recording_totals totals;
    struct recording_op *ops;
    /* By object, all zero between two cuts. */
    uint8_t *places;
};

struct slice_program {
    uint8_t bytes[PROGRAM_BYTES_MAX];
    size_t size_bytes;
    unsigned threads;
    unsigned before;       /* records in front: blocks that lived before the window */
    unsigned remote_frees; /* and reallocs */
    unsigned reallocs;
    unsigned left_out; /* operations on blocks for which there was no slot */
};

/* The program of at most `records` records that begins with operation `first`: first the blocks that the window touches
 * and that were live before it, by the threads that had them, then its operations. *end is the first operation that is
 * no part of it. Depends on nothing but its arguments. */
void slice_cut(struct slice_source *source, uint64_t first, unsigned records, struct slice_program *program,
               uint64_t *end);

/* The boundary and the distance that come closest to a size. */
void slice_size(uint64_t size_bytes, struct record *record);

#endif
