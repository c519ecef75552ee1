/* input: reads files and walks directories. */
#include "fuzz_targets/input.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "oracle/program.h"
#include "oracle/text.h"

enum {
    TEXT_BYTES_MAX = 4 << 20, /* a text line is some 40 characters, so this is far above the longest program */
    DEPTH_MAX = 32,           /* of directories: a loop of links ends here */
};

static void *must(void *memory) {
    if (memory == NULL) {
        fputs("out of memory\n", stderr);
        exit(2);
    }
    return memory;
}

/* The whole file, or more than TEXT_BYTES_MAX of it. NULL with errno. */
static uint8_t *slurp(const char *path, size_t *size_bytes) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return NULL;
    }
    uint8_t *bytes = must(malloc(TEXT_BYTES_MAX + 1));
    *size_bytes = fread(bytes, 1, TEXT_BYTES_MAX + 1, file);
    int error = ferror(file) ? errno : 0;
    fclose(file);
    if (error != 0) {
        free(bytes);
        errno = error;
        return NULL;
    }
    return bytes;
}

static bool assemble(const char *path, struct input *input) {
    struct text_error error;
    size_t size_bytes = 0;
    uint8_t *bytes = text_assemble((const char *)input->bytes, input->size_bytes, &size_bytes, &error);
    if (bytes == NULL) {
        fprintf(stderr, "%s:%u:%u: %s\n", path, error.line, error.column, error.message);
        return false;
    }
    free(input->bytes);
    *input = (struct input){bytes, size_bytes};
    return true;
}

bool input_read(const char *path, struct input *input) {
    *input = (struct input){0};
    input->bytes = slurp(path, &input->size_bytes);
    if (input->bytes == NULL) {
        fprintf(stderr, "%s: cannot read: %s\n", path, strerror(errno));
        return false;
    }
    bool is_text = input->size_bytes <= TEXT_BYTES_MAX && text_looks_like(input->bytes, input->size_bytes);
    if (is_text && !assemble(path, input)) {
        input_free(input);
        return false;
    }
    if (input->size_bytes > PROGRAM_BYTES_MAX) {
        fprintf(stderr, "%s: larger than the longest program, which has %d bytes\n", path, (int)PROGRAM_BYTES_MAX);
        input_free(input);
        return false;
    }
    return true;
}

void input_free(struct input *input) {
    free(input->bytes);
    *input = (struct input){0};
}

static void append(struct input_list *list, const char *path) {
    list->paths = must(realloc(list->paths, (list->count + 1) * sizeof *list->paths));
    list->paths[list->count++] = must(strdup(path));
}

static int not_hidden(const struct dirent *entry) {
    return entry->d_name[0] != '.';
}

static bool add(struct input_list *list, const char *path, unsigned depth);

static bool add_directory(struct input_list *list, const char *path, unsigned depth) {
    struct dirent **entries = NULL;
    int count = depth < DEPTH_MAX ? scandir(path, &entries, not_hidden, alphasort) : -1;
    if (count < 0) {
        fprintf(stderr, "%s: %s\n", path, depth < DEPTH_MAX ? strerror(errno) : "directories are nested too deeply");
        return false;
    }
    size_t path_length = strlen(path);
    const char *slash = path_length > 0 && path[path_length - 1] == '/' ? "" : "/";
    bool good = true;
    for (int i = 0; i < count; i++) {
        char *child = NULL;
        if (asprintf(&child, "%s%s%s", path, slash, entries[i]->d_name) < 0) {
            child = NULL;
        }
        good = good && add(list, must(child), depth + 1);
        free(child);
        free(entries[i]);
    }
    free(entries);
    return good;
}

static bool add(struct input_list *list, const char *path, unsigned depth) {
    struct stat status;
    if (stat(path, &status) != 0) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return false;
    }
    if (S_ISDIR(status.st_mode)) {
        return add_directory(list, path, depth);
    }
    append(list, path);
    return true;
}

bool input_list_add(struct input_list *list, const char *path) {
    size_t before = list->count;
    if (!add(list, path, 0)) {
        return false;
    }
    if (list->count == before) {
        fprintf(stderr, "%s: there is no file in this directory\n", path);
        return false;
    }
    return true;
}

void input_list_free(struct input_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        free(list->paths[i]);
    }
    free(list->paths);
    *list = (struct input_list){0};
}
