/* files: see the header. fts does the walk; nothing is opened here. */
#include "oracle/files.h"

#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "oracle/input.h"

static bool append(struct files *files, const char *path) {
    if (files->count == files->capacity) {
        size_t capacity = files->capacity > 0 ? 2 * files->capacity : 64;
        char **grown = realloc(files->paths, capacity * sizeof *grown);
        if (grown == NULL) {
            return false;
        }
        files->paths = grown;
        files->capacity = capacity;
    }
    files->paths[files->count] = strdup(path);
    return files->paths[files->count++] != NULL;
}

static int by_name(const FTSENT **a, const FTSENT **b) {
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* One entry of the walk; false when it could not be read. */
static bool visit(struct files *files, const FTSENT *entry) {
    if (entry->fts_info == FTS_F) {
        return append(files, entry->fts_path);
    }
    if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR || entry->fts_info == FTS_NS) {
        files->unusable++;
        return input_complain(entry->fts_path, strerror(entry->fts_errno), "make it readable or leave it out");
    }
    return true;
}

static bool add_directory(struct files *files, const char *path) {
    char *start = strdup(path);
    char *const roots[] = {start, NULL};
    FTS *walk = start != NULL ? fts_open(roots, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, by_name) : NULL;
    bool good = walk != NULL;
    size_t before = files->count;
    FTSENT *entry;
    while (walk != NULL && (entry = fts_read(walk)) != NULL) {
        if (entry->fts_level > FTS_ROOTLEVEL && entry->fts_name[0] == '.') {
            fts_set(walk, entry, FTS_SKIP);
            continue;
        }
        good &= visit(files, entry);
    }
    if (walk != NULL) {
        fts_close(walk);
    }
    free(start);
    if (good && files->count == before) {
        return input_complain(path, "no files below this directory", "nothing would be run");
    }
    return good;
}

bool files_add(struct files *files, const char *path) {
    struct stat status;
    if (strcmp(path, "-") != 0 && stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
        return add_directory(files, path);
    }
    return append(files, path);
}

void files_free(struct files *files) {
    for (size_t i = 0; i < files->count; i++) {
        free(files->paths[i]);
    }
    free(files->paths);
    *files = (struct files){0};
}
