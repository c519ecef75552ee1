/* show_source: the lines around a site, and the link to it. The sources are looked for where the user says, in the
 * working directory, and in those above the program's own, as a build tree stands inside of them. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "allocator/shim.h"
#include "tools/show.h"

enum { LINES_AROUND = 4, PATH_BYTES = 4096, FOLDERS_UP = 3 };

static FILE *open_below(const char *folder, const char *file) {
    char path[PATH_BYTES];
    int length = snprintf(path, sizeof path, "%s/%s", folder, file);
    return length > 0 && (size_t)length < sizeof path ? fopen(path, "r") : NULL;
}

static FILE *open_above_program(const char *file) {
    char path[PATH_BYTES];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    FILE *found = NULL;
    path[length > 0 ? length : 0] = '\0';
    for (unsigned up = 0; found == NULL && up <= FOLDERS_UP; up++) {
        char *slash = strrchr(path, '/');
        if (slash == NULL) {
            break;
        }
        *slash = '\0';
        found = open_below(path, file);
    }
    return found;
}

static FILE *open_source(const struct showing *showing, const char *file) {
    if (showing->source_tree != NULL) {
        return open_below(showing->source_tree, file);
    }
    FILE *found = open_below(".", file);
    return found != NULL ? found : open_above_program(file);
}

/* {file} and {line} of the template replaced, each as often as it stands there. */
static char *url_of(const char *template, const struct hak_site *site) {
    char *url = NULL;
    size_t bytes = 0;
    FILE *memory = template == NULL ? NULL : open_memstream(&url, &bytes);
    if (memory == NULL) {
        return NULL;
    }
    while (*template != '\0') {
        if (strncmp(template, "{file}", 6) == 0) {
            fputs(site->file, memory);
            template += 6;
        } else if (strncmp(template, "{line}", 6) == 0) {
            fprintf(memory, "%u", site->line);
            template += 6;
        } else {
            fputc(*template ++, memory);
        }
    }
    fclose(memory);
    return url;
}

struct show_source show_source_of(const struct showing *showing, const struct hak_site *site) {
    struct show_source source = {.site = site, .url = url_of(showing->source_url, site)};
    char *line = NULL;
    size_t room = 0, bytes = 0;
    uint32_t first = site->line > LINES_AROUND ? site->line - LINES_AROUND : 1;
    FILE *file = open_source(showing, site->file);
    FILE *memory = file == NULL ? NULL : open_memstream(&source.lines, &bytes);
    for (uint32_t number = 1; memory != NULL && number <= site->line + LINES_AROUND; number++) {
        if (getline(&line, &room, file) < 0) {
            break;
        }
        if (number >= first) {
            fputs(line, memory);
            source.first_line = first;
        }
    }
    if (memory != NULL) {
        fclose(memory);
    }
    if (file != NULL) {
        fclose(file);
    }
    free(line);
    return source;
}

void show_source_free(struct show_source *source) {
    free(source->lines);
    free(source->url);
    *source = (struct show_source){0};
}
