/* corpus_files: the corpus as tests see it. Every *.hak below corpus/<target>/seed and corpus/<target>/regress of
 * HAKMEM_SOURCE (the current directory if unset), in a fixed order, assembled. What cannot be read fails the test.
 *
 * Included by the test files that need it: each is an executable of its own. One OS thread. */
#ifndef HAKMEM_TESTS_CORPUS_FILES_H
#define HAKMEM_TESTS_CORPUS_FILES_H

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oracle/program.h"
#include "oracle/target.h"
#include "oracle/text.h"

enum { CORPUS_FILES_MAX = 1000, CORPUS_PATH_BYTES = 512, CORPUS_TEXT_BYTES_MAX = 65536 };

struct corpus_file {
    char path[CORPUS_PATH_BYTES]; /* from the root of the sources */
    const struct target_info *target;
    const char *kind; /* "seed" or "regress" */
    char name[64];    /* without ".hak" */
    char *text;
    size_t text_bytes;
    uint8_t *bytes;
    size_t size_bytes;
};

static inline const char *corpus_root(void) {
    const char *root = getenv("HAKMEM_SOURCE");
    return root != NULL && *root != '\0' ? root : ".";
}

/* The whole file, to be freed. */
static inline char *corpus_read(const char *path, size_t *length) {
    char full[2 * CORPUS_PATH_BYTES];
    snprintf(full, sizeof full, "%s/%s", corpus_root(), path);
    FILE *file = fopen(full, "rb");
    if (file == NULL) {
        fail_msg("cannot open %s (HAKMEM_SOURCE names the root of the sources)", full);
    }
    char *text = malloc(CORPUS_TEXT_BYTES_MAX);
    assert_non_null(text);
    *length = fread(text, 1, CORPUS_TEXT_BYTES_MAX - 1, file);
    fclose(file);
    assert_true(*length < CORPUS_TEXT_BYTES_MAX - 1);
    text[*length] = '\0';
    return text;
}

static inline uint8_t *corpus_assemble(const char *text, size_t length, const char *path, size_t *size_bytes) {
    struct text_error error;
    uint8_t *bytes = text_assemble(text, length, size_bytes, &error);
    if (bytes == NULL) {
        fail_msg("%s:%u:%u: %s", path, error.line, error.column, error.message);
    }
    return bytes;
}

static inline struct corpus_file corpus_load(const struct target_info *target, const char *kind, const char *name) {
    struct corpus_file file = {.target = target, .kind = kind};
    snprintf(file.name, sizeof file.name, "%s", name);
    snprintf(file.path, sizeof file.path, "corpus/%s/%s/%s.hak", target->name, kind, name);
    file.text = corpus_read(file.path, &file.text_bytes);
    file.bytes = corpus_assemble(file.text, file.text_bytes, file.path, &file.size_bytes);
    return file;
}

static inline void corpus_unload(struct corpus_file *file) {
    free(file->text);
    free(file->bytes);
}

static inline int corpus_is_entry(const struct dirent *entry) {
    return entry->d_name[0] != '.';
}

/* Append what one directory holds; a directory that is not there holds nothing. */
static inline unsigned corpus_list(const struct target_info *target, const char *kind, struct corpus_file *files,
                                   unsigned count) {
    char directory[2 * CORPUS_PATH_BYTES];
    struct dirent **entries;
    snprintf(directory, sizeof directory, "%s/corpus/%s/%s", corpus_root(), target->name, kind);
    int found = scandir(directory, &entries, corpus_is_entry, alphasort);
    for (int i = 0; i < found; i++) {
        const char *dot = strrchr(entries[i]->d_name, '.');
        if (dot == NULL || strcmp(dot, ".hak") != 0) {
            fail_msg("%s/%s is no .hak file", directory, entries[i]->d_name);
        }
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)(dot - entries[i]->d_name), entries[i]->d_name);
        assert_true(count < CORPUS_FILES_MAX);
        files[count++] = corpus_load(target, kind, name);
        free(entries[i]);
    }
    if (found >= 0) {
        free(entries);
    }
    return count;
}

/* All of it. Returns the number of files. */
static inline unsigned corpus_load_all(struct corpus_file *files) {
    unsigned count = 0;
    for (unsigned i = 0; i < TARGET_COUNT; i++) {
        count = corpus_list(&target_table[i], "seed", files, count);
        count = corpus_list(&target_table[i], "regress", files, count);
    }
    return count;
}

#endif
