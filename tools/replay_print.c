/* replay_print: see the header. A recording that is damaged is printed as far as it can be read. */
#include "tools/replay_print.h"

#include <inttypes.h>
#include <stdio.h>

#include "oracle/input.h"
#include "tools/recording.h"
#include "tools/verb.h"

static void print_op(const struct recording_op *op, bool inherited) {
    const struct recording_kind_info *info = &recording_kinds[op->kind];
    printf("t%" PRIu32 " %s", op->thread, info->name);
    if (op->kind != RECORDING_THREAD_END) {
        printf(" b%" PRIu32, op->object);
    }
    if (info->makes || op->kind == RECORDING_REALLOC) {
        printf(" %" PRIu64, op->size_bytes);
    }
    if (recording_is_aligned(op->kind)) {
        printf(" align=%" PRIu64, UINT64_C(1) << op->align_shift);
    }
    puts(inherited ? " inherited" : "");
}

int replay_print(const char *path) {
    char why[RECORDING_WHY_BYTES];
    struct recording_reader *reader = recording_open(path, why);
    enum recording_read outcome = RECORDING_DAMAGED;
    if (reader != NULL) {
        uint64_t inherited = recording_head(reader)->inherited;
        struct recording_op op;
        printf("# %s\n", recording_head(reader)->program);
        while ((outcome = recording_next(reader, &op, why)) == RECORDING_OP) {
            print_op(&op, recording_totals(reader)->operations <= inherited);
        }
        recording_close(reader);
    }
    if (outcome != RECORDING_END) {
        input_complain(path, why, "hakfuzz record makes recordings");
        return EXIT_USAGE;
    }
    return EXIT_CLEAN;
}
