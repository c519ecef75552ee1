/* recording_write: operations to a compressed file. Errors are kept until recording_finish tells. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "tools/recording_format.h"
#include "tools/recording_rules.h"

enum { WRITE_BYTES = 1 << 17, LEVEL = 3 };

struct recording_writer {
    FILE *file;
    ZSTD_CCtx *zstd;
    struct recording_rules rules;
    uint32_t thread;
    int error; /* errno of the first failure, else 0 */
    size_t used;
    uint8_t plain[WRITE_BYTES];
    uint8_t packed[WRITE_BYTES];
};

static void fail(struct recording_writer *writer, int error) {
    if (writer->error == 0) {
        writer->error = error != 0 ? error : EIO;
    }
}

static void flush(struct recording_writer *writer, ZSTD_EndDirective directive) {
    ZSTD_inBuffer in = {writer->plain, writer->used, 0};
    size_t left = 1;
    while (writer->error == 0 && (in.pos < in.size || (directive == ZSTD_e_end && left != 0))) {
        ZSTD_outBuffer out = {writer->packed, sizeof writer->packed, 0};
        left = ZSTD_compressStream2(writer->zstd, &out, &in, directive);
        if (ZSTD_isError(left)) {
            fail(writer, ENOMEM);
        } else if (fwrite(writer->packed, 1, out.pos, writer->file) != out.pos) {
            fail(writer, errno);
        }
    }
    writer->used = 0;
}

static void put_byte(struct recording_writer *writer, uint8_t byte) {
    if (writer->used == sizeof writer->plain) {
        flush(writer, ZSTD_e_continue);
    }
    writer->plain[writer->used++] = byte;
}

static void put_number(struct recording_writer *writer, uint64_t number) {
    for (; number >= FORMAT_MORE; number >>= FORMAT_BITS) {
        put_byte(writer, (uint8_t)(number | FORMAT_MORE));
    }
    put_byte(writer, (uint8_t)number);
}

struct recording_writer *recording_create(const char *path, const struct recording_head *head) {
    struct recording_writer *writer = calloc(1, sizeof *writer);
    if (writer == NULL) {
        return NULL;
    }
    writer->file = fopen(path, "wb");
    writer->zstd = ZSTD_createCCtx();
    if (writer->file == NULL || writer->zstd == NULL) {
        int error = writer->file == NULL ? errno : ENOMEM;
        if (writer->file != NULL) {
            fclose(writer->file);
        }
        ZSTD_freeCCtx(writer->zstd);
        free(writer);
        errno = error;
        return NULL;
    }
    ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_compressionLevel, LEVEL);
    ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_checksumFlag, 1);
    if (fwrite(format_magic, 1, FORMAT_MAGIC_BYTES, writer->file) != FORMAT_MAGIC_BYTES) {
        fail(writer, errno);
    }
    size_t length = strnlen(head->program, RECORDING_PROGRAM_BYTES - 1);
    put_number(writer, length);
    for (size_t i = 0; i < length; i++) {
        put_byte(writer, (uint8_t)head->program[i]);
    }
    put_number(writer, head->inherited);
    return writer;
}

void recording_put(struct recording_writer *writer, const struct recording_op *given) {
    struct recording_op op = *given;
    if (recording_apply(&writer->rules, &op) != NULL) {
        fail(writer, EINVAL);
        return;
    }
    bool moves = op.thread != writer->thread;
    put_byte(writer, (uint8_t)(op.kind | (moves ? FORMAT_THREAD : 0)));
    if (moves) {
        put_number(writer, op.thread);
        writer->thread = op.thread;
    }
    bool makes = recording_kinds[op.kind].makes;
    if (!makes && op.kind != RECORDING_THREAD_END) {
        put_number(writer, writer->rules.totals.objects - 1 - op.object);
    }
    if (makes || op.kind == RECORDING_REALLOC) {
        put_number(writer, op.size_bytes);
    }
    if (recording_is_aligned(op.kind)) {
        put_byte(writer, op.align_shift);
    }
}

bool recording_finish(struct recording_writer *writer, struct recording_totals *totals) {
    *totals = writer->rules.totals;
    put_byte(writer, RECORDING_TOTALS);
    put_number(writer, totals->operations);
    put_number(writer, totals->objects);
    put_number(writer, totals->threads);
    put_number(writer, totals->peak_live_bytes);
    flush(writer, ZSTD_e_end);
    errno = 0;
    if (fclose(writer->file) != 0) {
        fail(writer, errno);
    }
    int error = writer->error;
    ZSTD_freeCCtx(writer->zstd);
    recording_rules_free(&writer->rules);
    free(writer);
    errno = error;
    return error == 0;
}
