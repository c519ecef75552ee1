/* diff_write: see the header. */
#include "tools/diff_write.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "oracle/text.h"
#include "tools/json.h"
#include "tools/terminal.h"

static const char *malloc_name(const struct diff *diff, unsigned malloc) {
    const char *name = diff->mallocs[malloc].malloc.name, *slash = strrchr(name, '/');
    return slash != NULL ? slash + 1 : name;
}

/* As --malloc takes it. */
static void print_malloc_option(const struct malloc_choice *malloc, FILE *out) {
    bool has_prefix = *malloc->prefix != '\0' && strcmp(malloc->name, "hakmem") != 0;
    fprintf(out, "--malloc %s%s%s", malloc->name, has_prefix ? "=" : "", has_prefix ? malloc->prefix : "");
}

static const char *operation_name(enum program_op op) {
    return op == OP_NOP ? "threads" : program_op_info[op].name;
}

/* --- the smallest programs --- */

static bool is_record(const char *line) {
    return line[0] == 't' && isdigit((unsigned char)line[1]);
}

/* With what it shows; `only_records` leaves out the header. */
static bool print_program(const struct divergence *divergence, bool only_records, FILE *out) {
    char *text = NULL;
    size_t text_bytes = 0;
    FILE *memory = open_memstream(&text, &text_bytes);
    bool good = memory != NULL && text_disassemble(divergence->bytes, divergence->size_bytes, memory) == 0;
    good = memory != NULL && fclose(memory) == 0 && good;
    for (const char *line = text; good && *line != '\0'; line += strcspn(line, "\n") + 1) {
        if (!only_records || is_record(line)) {
            fprintf(out, "%s%.*s\n", only_records ? "    " : "", (int)strcspn(line, "\n"), line);
        }
    }
    free(text);
    return good;
}

static bool keep_one(const struct diff *diff, const struct divergence *divergence, const char *directory) {
    char *path = NULL;
    const struct fact_info *fact = &fact_table[divergence->fact];
    const struct diff_malloc *one = &diff->mallocs[divergence->malloc];
    if (asprintf(&path, "%s/%s-%s-%s.hak", directory, malloc_name(diff, divergence->malloc), fact->name,
                 operation_name(divergence->op)) < 0) {
        path = NULL;
    }
    FILE *out = path != NULL ? fopen(path, "w") : NULL;
    bool good = out != NULL;
    if (good) {
        fprintf(out, "# %s on %s: %s\n# %s: %s\n# hakfuzz diff --target %s ", fact->name,
                malloc_name(diff, divergence->malloc), divergence->message, fact->says, fact->meaning,
                divergence->target->name);
        print_malloc_option(&one->malloc, out);
        if (diff_is_free(diff)) {
            fprintf(out, " --order free --times %" PRIu64, diff->times);
        }
        fputs(divergence->fact == FACT_SUCCESS ? " --malloc libc FILE\n" : " FILE\n", out);
        good = print_program(divergence, false, out);
        good = fclose(out) == 0 && good;
    }
    if (!good) {
        fprintf(stderr, "hakfuzz diff: '%s' cannot be written: %s; give another directory with -o\n",
                path != NULL ? path : directory, strerror(errno));
    }
    free(path);
    return good;
}

bool diff_keep(const struct diff *diff, const char *directory) {
    for (size_t i = 0; i < diff->divergence_count; i++) {
        if (!keep_one(diff, &diff->divergences[i], directory)) {
            return false;
        }
    }
    return true;
}

/* --- text --- */

static void print_divergence(const struct diff *diff, const struct divergence *divergence, FILE *out) {
    const struct fact_info *fact = &fact_table[divergence->fact];
    fprintf(out, "%s%s: %s%s, by %s, in %" PRIu64 " program%s: %s (%s: %s)\n  %s, record %" PRIu32 "%s\n",
            colour_bad(out), malloc_name(diff, divergence->malloc), fact->name, colour_end(out),
            operation_name(divergence->op), divergence->programs, divergence->programs == 1 ? "" : "s",
            divergence->message, fact->says, fact->meaning, divergence->name, divergence->record,
            divergence->after.records > 0 ? ", reduced to:" : "");
    if (divergence->after.records > 0) {
        (void)print_program(divergence, true, out);
    }
}

static void join_words(const struct difference *difference, unsigned malloc, char *text, size_t capacity) {
    size_t used = 0;
    text[0] = '\0';
    for (unsigned i = 0; i < DIFF_WORDS_MAX && difference->words[malloc][i][0] != '\0' && used < capacity; i++) {
        used +=
            (size_t)snprintf(text + used, capacity - used, "%s%s", i > 0 ? " or " : "", difference->words[malloc][i]);
    }
}

/* Whether not all that were asked answered the same. */
static bool is_different(const struct diff *diff, const struct difference *difference) {
    char first[DIFF_WORDS_MAX * (DIFF_WORD_BYTES + 4)] = "", text[sizeof first];
    for (unsigned i = 0; i < diff->malloc_count; i++) {
        join_words(difference, i, text, sizeof text);
        if (*text != '\0' && *first != '\0' && strcmp(first, text) != 0) {
            return true;
        }
        snprintf(first, sizeof first, "%s", *text != '\0' ? text : first);
    }
    return false;
}

static void print_open(const struct diff *diff, FILE *out) {
    fputs("\nleft open, and not the same on all:\n\n| | |", out);
    for (unsigned i = 0; i < diff->malloc_count; i++) {
        fprintf(out, " %s |", malloc_name(diff, i));
    }
    fputs("\n|---|---|", out);
    for (unsigned i = 0; i < diff->malloc_count; i++) {
        fputs("---|", out);
    }
    fputc('\n', out);
    for (unsigned fact = 0; fact < FACT_COUNT; fact++) {
        for (size_t i = 0; i < diff->difference_count; i++) {
            const struct difference *difference = &diff->differences[i];
            if (difference->fact != fact || !is_different(diff, difference)) {
                continue;
            }
            fprintf(out, "| %s | %s |", fact_table[fact].name, program_op_info[difference->op].name);
            for (unsigned m = 0; m < diff->malloc_count; m++) {
                char text[DIFF_WORDS_MAX * (DIFF_WORD_BYTES + 4)];
                join_words(difference, m, text, sizeof text);
                fprintf(out, " %s |", *text != '\0' ? text : "-");
            }
            fputc('\n', out);
        }
    }
    fputc('\n', out);
}

void diff_print(const struct diff *diff, bool with_open, FILE *out) {
    for (size_t i = 0; i < diff->divergence_count; i++) {
        print_divergence(diff, &diff->divergences[i], out);
    }
    if (with_open) {
        print_open(diff, out);
    }
    fprintf(out, "%s%zu divergence%s from what C and POSIX fix%s, in %" PRIu64 " program%s on %u malloc%s: ",
            diff->divergence_count > 0 ? colour_bad(out) : colour_good(out), diff->divergence_count,
            diff->divergence_count == 1 ? "" : "s", colour_end(out), diff->programs, diff->programs == 1 ? "" : "s",
            diff->malloc_count, diff->malloc_count == 1 ? "" : "s");
    for (unsigned i = 0; i < diff->malloc_count; i++) {
        fprintf(out, "%s%s", i > 0 ? ", " : "", malloc_name(diff, i));
    }
    if (diff_is_free(diff)) {
        fprintf(out, "; each judged alone, %" PRIu64 " times a program\n", diff->times);
    } else {
        fprintf(out, "; %" PRIu64 " operations compared\n", diff->compared);
    }
}

/* --- JSON --- */

static cJSON *divergence_json(const struct diff *diff, const struct divergence *divergence) {
    const struct fact_info *fact = &fact_table[divergence->fact];
    char *text = NULL;
    size_t text_bytes = 0;
    cJSON *object = cJSON_CreateObject();
    json_text(object, "malloc", diff->mallocs[divergence->malloc].malloc.name);
    json_text(object, "fact", fact->name);
    json_text(object, "says", fact->says);
    json_text(object, "operation", operation_name(divergence->op));
    json_number(object, "programs", (double)divergence->programs);
    json_text(object, "file", divergence->name);
    json_number(object, "record", divergence->record);
    json_text(object, "message", divergence->message);
    json_number(object, "reduced_to", divergence->after.records);
    FILE *memory = open_memstream(&text, &text_bytes);
    if (memory != NULL) {
        (void)print_program(divergence, false, memory);
        fclose(memory);
        json_text(object, "program", text);
    }
    free(text);
    return object;
}

static cJSON *difference_json(const struct diff *diff, const struct difference *difference) {
    cJSON *object = cJSON_CreateObject();
    json_text(object, "fact", fact_table[difference->fact].name);
    json_text(object, "says", fact_table[difference->fact].says);
    json_text(object, "operation", program_op_info[difference->op].name);
    cJSON *answers = cJSON_AddArrayToObject(object, "answers");
    for (unsigned i = 0; i < diff->malloc_count; i++) {
        cJSON *words = cJSON_CreateArray();
        cJSON_AddItemToArray(answers, words);
        for (unsigned k = 0; k < DIFF_WORDS_MAX && difference->words[i][k][0] != '\0'; k++) {
            cJSON_AddItemToArray(words, cJSON_CreateString(difference->words[i][k]));
        }
    }
    return object;
}

cJSON *diff_json(const struct diff *diff, bool with_open) {
    cJSON *object = json_begin("diff");
    cJSON *mallocs = cJSON_AddArrayToObject(object, "malloc_names");
    for (unsigned i = 0; i < diff->malloc_count; i++) {
        cJSON_AddItemToArray(mallocs, cJSON_CreateString(diff->mallocs[i].malloc.name));
    }
    json_number(object, "programs", (double)diff->programs);
    json_number(object, "compared", (double)diff->compared);
    cJSON *divergences = cJSON_AddArrayToObject(object, "divergences");
    for (size_t i = 0; i < diff->divergence_count; i++) {
        cJSON_AddItemToArray(divergences, divergence_json(diff, &diff->divergences[i]));
    }
    cJSON *differences = with_open ? cJSON_AddArrayToObject(object, "implementation_defined") : NULL;
    for (size_t i = 0; with_open && i < diff->difference_count; i++) {
        if (is_different(diff, &diff->differences[i])) {
            cJSON_AddItemToArray(differences, difference_json(diff, &diff->differences[i]));
        }
    }
    return object;
}

void diff_free(struct diff *diff) {
    for (size_t i = 0; i < diff->divergence_count; i++) {
        free(diff->divergences[i].name);
        free(diff->divergences[i].bytes);
    }
    free(diff->divergences);
    diff->divergences = NULL;
    diff->divergence_count = 0;
}
