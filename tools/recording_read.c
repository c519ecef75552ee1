/* recording_read: a compressed file to operations. Nothing in the file is believed. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "tools/recording_format.h"
#include "tools/recording_rules.h"

enum { READ_BYTES = 1 << 17 };

struct recording_reader {
    FILE *file;
    ZSTD_DCtx *zstd;
    struct recording_rules rules;
    struct recording_head head;
    uint32_t thread;
    bool frame_done;
    ZSTD_inBuffer in;
    size_t at, filled; /* of plain */
    char *why;         /* of the call that runs */
    uint8_t packed[READ_BYTES];
    uint8_t plain[READ_BYTES];
};

static bool complain(struct recording_reader *reader, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The first problem is the one that is told. Always false. */
static bool complain(struct recording_reader *reader, const char *format, ...) {
    if (reader->why[0] == '\0') {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(reader->why, RECORDING_WHY_BYTES, format, arguments);
        va_end(arguments);
    }
    return false;
}

/* More plain bytes; false at the end, or with a problem in `why`. */
static bool fill(struct recording_reader *reader) {
    ZSTD_outBuffer out = {reader->plain, sizeof reader->plain, 0};
    while (out.pos == 0) {
        if (reader->frame_done) {
            return false;
        }
        if (reader->in.pos == reader->in.size) {
            reader->in.pos = 0;
            reader->in.size = fread(reader->packed, 1, sizeof reader->packed, reader->file);
            if (reader->in.size == 0) {
                return ferror(reader->file) ? complain(reader, "cannot be read: %s", strerror(errno))
                                            : complain(reader, "is cut short");
            }
        }
        size_t left = ZSTD_decompressStream(reader->zstd, &out, &reader->in);
        if (ZSTD_isError(left)) {
            return complain(reader, "is damaged: %s", ZSTD_getErrorName(left));
        }
        reader->frame_done = left == 0;
    }
    reader->at = 0;
    reader->filled = out.pos;
    return true;
}

static bool get_byte(struct recording_reader *reader, uint8_t *byte) {
    if (reader->at == reader->filled && !fill(reader)) {
        *byte = 0;
        return complain(reader, "is damaged: it ends inside operation %llu",
                        (unsigned long long)reader->rules.totals.operations);
    }
    *byte = reader->plain[reader->at++];
    return true;
}

static bool get_number(struct recording_reader *reader, uint64_t *number) {
    *number = 0;
    for (unsigned shift = 0; shift < 64; shift += FORMAT_BITS) {
        uint8_t byte;
        if (!get_byte(reader, &byte)) {
            return false;
        }
        *number |= (uint64_t)(byte & (FORMAT_MORE - 1)) << shift;
        if ((byte & FORMAT_MORE) == 0) {
            return true;
        }
    }
    return complain(reader, "is damaged: a number is too long");
}

static bool read_magic(struct recording_reader *reader) {
    char magic[FORMAT_MAGIC_BYTES];
    if (fread(magic, 1, sizeof magic, reader->file) != sizeof magic ||
        memcmp(magic, format_magic, FORMAT_VERSION_AT) != 0 || magic[FORMAT_MAGIC_BYTES - 1] != '\n') {
        return complain(reader, "is no recording");
    }
    if (magic[FORMAT_VERSION_AT] != format_magic[FORMAT_VERSION_AT]) {
        return complain(reader, "is a recording of version %c, but this tool reads version %d",
                        magic[FORMAT_VERSION_AT] >= '0' && magic[FORMAT_VERSION_AT] <= '9' ? magic[FORMAT_VERSION_AT]
                                                                                           : '?',
                        RECORDING_VERSION);
    }
    return true;
}

static bool read_head(struct recording_reader *reader) {
    uint64_t length;
    if (!read_magic(reader) || !get_number(reader, &length)) {
        return false;
    }
    if (length >= RECORDING_PROGRAM_BYTES) {
        return complain(reader, "is damaged: the program's name is too long");
    }
    for (uint64_t i = 0; i < length; i++) {
        uint8_t byte;
        if (!get_byte(reader, &byte)) {
            return false;
        }
        reader->head.program[i] = byte >= ' ' && byte != 0x7f ? (char)byte : '?';
    }
    return get_number(reader, &reader->head.inherited);
}

struct recording_reader *recording_open(const char *path, char why[RECORDING_WHY_BYTES]) {
    struct recording_reader *reader = calloc(1, sizeof *reader);
    why[0] = '\0';
    if (reader == NULL) {
        snprintf(why, RECORDING_WHY_BYTES, "there is no memory to read it");
        return NULL;
    }
    reader->why = why;
    reader->in.src = reader->packed;
    reader->file = fopen(path, "rb");
    reader->zstd = ZSTD_createDCtx();
    bool good = reader->file != NULL && reader->zstd != NULL;
    if (!good) {
        complain(reader, "cannot be read: %s", strerror(reader->file == NULL ? errno : ENOMEM));
    }
    if (!good || !read_head(reader)) {
        recording_close(reader);
        return NULL;
    }
    return reader;
}

const struct recording_head *recording_head(const struct recording_reader *reader) {
    return &reader->head;
}

const struct recording_totals *recording_totals(const struct recording_reader *reader) {
    return &reader->rules.totals;
}

static bool read_fields(struct recording_reader *reader, uint8_t first, struct recording_op *op) {
    uint64_t number;
    *op = (struct recording_op){.kind = (enum recording_kind)(first & FORMAT_KIND), .thread = reader->thread};
    if ((first & FORMAT_THREAD) != 0) {
        if (!get_number(reader, &number)) {
            return false;
        }
        op->thread = number < RECORDING_THREADS_MAX ? (uint32_t)number : RECORDING_THREADS_MAX;
        reader->thread = op->thread;
    }
    bool makes = recording_kinds[op->kind].makes;
    if (!makes && op->kind != RECORDING_THREAD_END) {
        if (!get_number(reader, &number)) {
            return false;
        }
        uint64_t objects = reader->rules.totals.objects;
        op->object = number < objects ? (uint32_t)(objects - 1 - number) : UINT32_MAX;
    }
    if ((makes || op->kind == RECORDING_REALLOC) && !get_number(reader, &op->size_bytes)) {
        return false;
    }
    return !recording_is_aligned(op->kind) || get_byte(reader, &op->align_shift);
}

/* The totals must be those of what was read, and the end must be the end. */
static bool read_totals(struct recording_reader *reader) {
    const struct recording_totals *totals = &reader->rules.totals;
    const uint64_t wanted[] = {totals->operations, totals->objects, totals->threads, totals->peak_live_bytes};
    for (unsigned i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        uint64_t number;
        if (!get_number(reader, &number)) {
            return false;
        }
        if (number != wanted[i]) {
            return complain(reader, "is damaged: its totals do not agree with its operations");
        }
    }
    if (reader->head.inherited > totals->operations) {
        return complain(reader, "is damaged: it inherits more than it has");
    }
    bool more = reader->at != reader->filled || fill(reader);
    if (!more && reader->why[0] == '\0' && reader->in.pos == reader->in.size && fgetc(reader->file) == EOF) {
        return true;
    }
    return complain(reader, "is damaged: something stands behind its end");
}

enum recording_read recording_next(struct recording_reader *reader, struct recording_op *op,
                                   char why[RECORDING_WHY_BYTES]) {
    uint8_t first;
    why[0] = '\0';
    reader->why = why;
    if (!get_byte(reader, &first)) {
        return RECORDING_DAMAGED;
    }
    if (first == RECORDING_TOTALS) {
        return read_totals(reader) ? RECORDING_END : RECORDING_DAMAGED;
    }
    if ((first & ~(FORMAT_KIND | FORMAT_THREAD)) != 0 || (first & FORMAT_KIND) == 0 ||
        (first & FORMAT_KIND) >= RECORDING_KIND_COUNT) {
        complain(reader, "is damaged: operation %llu is of no kind",
                 (unsigned long long)reader->rules.totals.operations);
        return RECORDING_DAMAGED;
    }
    if (!read_fields(reader, first, op)) {
        return RECORDING_DAMAGED;
    }
    const char *wrong = recording_apply(&reader->rules, op);
    if (wrong != NULL) {
        complain(reader, "is damaged: operation %llu: %s", (unsigned long long)(reader->rules.totals.operations - 1),
                 wrong);
        return RECORDING_DAMAGED;
    }
    return RECORDING_OP;
}

void recording_close(struct recording_reader *reader) {
    if (reader->file != NULL) {
        fclose(reader->file);
    }
    ZSTD_freeDCtx(reader->zstd);
    recording_rules_free(&reader->rules);
    free(reader);
}
