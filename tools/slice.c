/* slice: see the header. Reads the whole recording, chooses windows, writes a text for each. */
#include "tools/slice.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "oracle/input.h"
#include "oracle/text.h"
#include "tools/json.h"
#include "tools/slice_choose.h"
#include "tools/terminal.h"
#include "tools/verb.h"

enum { PROGRESS_OPERATIONS = 1 << 16 };

/* False, with a message. The caller frees ops and places in every case. */
static bool source_load(const char *path, struct slice_source *source) {
    char why[RECORDING_WHY_BYTES];
    struct recording_reader *reader = recording_open(path, why);
    if (reader == NULL) {
        return input_complain(path, why, "hakfuzz record makes recordings");
    }
    uint64_t count = 0, capacity = 0;
    enum recording_read outcome = RECORDING_OP;
    while (outcome == RECORDING_OP) {
        if (count == capacity) {
            capacity = 2 * capacity + 4096;
            struct recording_op *more = realloc(source->ops, capacity * sizeof *more);
            if (more == NULL) {
                snprintf(why, sizeof why, "is too long for the memory there is");
                outcome = RECORDING_DAMAGED;
                break;
            }
            source->ops = more;
        }
        outcome = recording_next(reader, &source->ops[count], why);
        count += outcome == RECORDING_OP;
        if (count % PROGRESS_OPERATIONS == 0) {
            progress("reading: %" PRIu64 " operations", count);
        }
    }
    source->head = *recording_head(reader);
    source->totals = *recording_totals(reader);
    recording_close(reader);
    source->places = calloc(source->totals.objects + 1, 1);
    if (outcome == RECORDING_END && source->places == NULL) {
        snprintf(why, sizeof why, "is too long for the memory there is");
        outcome = RECORDING_DAMAGED;
    }
    return outcome == RECORDING_END || input_complain(path, why, "hakfuzz record makes recordings");
}

/* A program's name as a part of a file's. */
static void plain_name(const char *name, char *out) {
    for (; *name != '\0'; name++) {
        *out++ = isalnum((unsigned char)*name) || strchr("._+-", *name) != NULL ? *name : '_';
    }
    *out = '\0';
}

struct piece {
    struct slice_program program;
    char path[600];
    uint64_t first, end;
};

static bool write_piece(const struct slice_source *source, const struct piece *piece) {
    FILE *out = fopen(piece->path, "wb");
    if (out == NULL) {
        fprintf(stderr, "hakfuzz record: cannot write %s: %s; give another -o DIR\n", piece->path, strerror(errno));
        return false;
    }
    const struct slice_program *program = &piece->program;
    char name[RECORDING_PROGRAM_BYTES];
    plain_name(source->head.program, name);
    fprintf(out, "# Recorded from %s, operations %" PRIu64 " to %" PRIu64 " of %" PRIu64 ": %u thread%s,\n", name,
            piece->first, piece->end - 1, source->totals.operations, program->threads,
            program->threads == 1 ? "" : "s");
    fprintf(out, "# %u reallocs, %u frees by other threads. The first %u records are blocks from before.\n",
            program->reallocs, program->remote_frees, program->before);
    errno = 0;
    bool good = text_disassemble(program->bytes, program->size_bytes, out) == 0;
    if ((fclose(out) != 0) | !good) {
        fprintf(stderr, "hakfuzz record: cannot write %s: %s; what was written is not complete\n", piece->path,
                strerror(errno));
        return false;
    }
    return true;
}

static void tell(const struct slice_source *source, const struct piece *piece, cJSON *array) {
    const struct slice_program *program = &piece->program;
    unsigned records = (unsigned)((program->size_bytes - PROGRAM_HEADER_BYTES) / PROGRAM_RECORD_BYTES);
    if (array == NULL) {
        printf("%s: operations %" PRIu64 " to %" PRIu64 " of %" PRIu64
               ", %u records (%u of blocks from before), %u thread%s, %u reallocs, %u frees by other threads, "
               "%u operations left out\n",
               piece->path, piece->first, piece->end - 1, source->totals.operations, records, program->before,
               program->threads, program->threads == 1 ? "" : "s", program->reallocs, program->remote_frees,
               program->left_out);
        return;
    }
    cJSON *item = cJSON_CreateObject();
    json_text(item, "file", piece->path);
    json_number(item, "first_operation", (double)piece->first);
    json_number(item, "last_operation", (double)(piece->end - 1));
    json_number(item, "records", records);
    json_number(item, "records_before", program->before);
    json_number(item, "threads", program->threads);
    json_number(item, "reallocs", program->reallocs);
    json_number(item, "remote_frees", program->remote_frees);
    json_number(item, "left_out", program->left_out);
    cJSON_AddItemToArray(array, item);
}

/* How many slices of a program of that name a directory holds. */
static unsigned count_pieces(const char *directory, const char *name) {
    DIR *folder = opendir(directory);
    unsigned count = 0, number;
    int end;
    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        static const char prefix[] = "recorded-";
        const char *file = entry->d_name;
        bool is_ours =
            strncmp(file, prefix, sizeof prefix - 1) == 0 && strncmp(file + sizeof prefix - 1, name, strlen(name)) == 0;
        const char *rest = is_ours ? file + sizeof prefix - 1 + strlen(name) : "";
        end = 0;
        count += sscanf(rest, "-%u.hak%n", &number, &end) == 1 && end > 0 && rest[end] == '\0';
    }
    if (folder != NULL) {
        closedir(folder);
    }
    return count;
}

static int slice_source_cut(const struct slice_request *request, struct slice_source *source) {
    if (mkdir(request->directory, 0777) != 0 && errno != EEXIST) {
        fprintf(stderr, "hakfuzz record: cannot make %s: %s; give another -o DIR\n", request->directory,
                strerror(errno));
        return EXIT_USAGE;
    }
    char name[RECORDING_PROGRAM_BYTES];
    plain_name(source->head.program, name);
    unsigned there = count_pieces(request->directory, name);
    if (there > 0) {
        fprintf(stderr,
                "hakfuzz record: %s holds %u slice%s of %s already; remove what is there, or give another -o DIR\n",
                request->directory, there, there == 1 ? "" : "s", name);
        return EXIT_USAGE;
    }
    uint64_t *firsts = calloc(request->count, sizeof *firsts);
    struct piece *piece = malloc(sizeof *piece);
    cJSON *object = request->json ? json_begin("record") : NULL;
    cJSON *array = object != NULL ? cJSON_AddArrayToObject(object, "slices") : NULL;
    bool good = firsts != NULL && piece != NULL;
    unsigned count = good ? slice_choose(source, request->records, request->count, firsts) : 0;
    for (unsigned i = 0; good && i < count; i++) {
        piece->first = firsts[i];
        slice_cut(source, firsts[i], request->records, &piece->program, &piece->end);
        snprintf(piece->path, sizeof piece->path, "%s/recorded-%s-%u.hak", request->directory, name, i + 1);
        good = write_piece(source, piece);
        if (good) {
            tell(source, piece, array);
        }
    }
    if (good && count == 0) {
        fprintf(stderr, "hakfuzz record: %s holds no operations; there is nothing to cut\n", request->path);
        good = false;
    }
    if (object != NULL) {
        good ? json_print(object) : cJSON_Delete(object);
    }
    free(firsts);
    free(piece);
    return good ? EXIT_CLEAN : EXIT_USAGE;
}

int slice(const struct slice_request *request) {
    struct slice_source source = {.ops = NULL};
    progress_begin();
    bool good = source_load(request->path, &source);
    progress_end();
    int code = good ? slice_source_cut(request, &source) : EXIT_USAGE;
    free(source.ops);
    free(source.places);
    return code;
}
