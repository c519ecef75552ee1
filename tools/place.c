/* place: temporary directories, and where this tool and its siblings stand in a build tree. */
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/place.h"

char *temporary_make(void) {
    const char *base = getenv("TMPDIR");
    char *path = NULL;
    if (asprintf(&path, "%s/hakfuzz-XXXXXX", base != NULL && *base != '\0' ? base : "/tmp") < 0) {
        path = NULL;
    }
    if (path == NULL || mkdtemp(path) == NULL) {
        fprintf(stderr, "hakfuzz: cannot make a temporary directory %s: %s; set TMPDIR to a writable one\n",
                path != NULL ? path : "", strerror(errno));
        free(path);
        return NULL;
    }
    return path;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk) {
    (void)status;
    (void)kind;
    (void)walk;
    remove(path);
    return 0;
}

void temporary_remove(char *directory) {
    enum { DESCRIPTORS = 8 };
    if (directory != NULL) {
        nftw(directory, remove_one, DESCRIPTORS, FTW_DEPTH | FTW_PHYS);
    }
    free(directory);
}

char *temporary_write(const char *directory, const char *name, const uint8_t *bytes, size_t size_bytes) {
    char *path = NULL;
    if (asprintf(&path, "%s/%s", directory, name) < 0) {
        return NULL;
    }
    FILE *file = fopen(path, "wb");
    size_t wrote = file != NULL ? fwrite(bytes, 1, size_bytes, file) : 0;
    if (file == NULL || (fclose(file) != 0) | (wrote != size_bytes)) {
        fprintf(stderr, "hakfuzz: cannot write %s: %s\n", path, strerror(errno));
        free(path);
        return NULL;
    }
    return path;
}

char *self_path(void) {
    return realpath("/proc/self/exe", NULL);
}

/* In `place`, seen from the directory of this tool; access as for access(2). */
static char *find_in(const char *place, const char *name, int mode) {
    char *self = self_path();
    char *slash = self != NULL ? strrchr(self, '/') : NULL;
    char path[PATH_MAX];
    int length = slash != NULL ? snprintf(path, sizeof path, "%.*s/%s/%s", (int)(slash - self), self, place, name) : 0;
    bool is_there = length > 0 && (size_t)length < sizeof path && access(path, mode) == 0;
    free(self);
    return is_there ? realpath(path, NULL) : NULL;
}

char *sibling_find(const char *name) {
    char *found = find_in("../fuzz", name, X_OK);
    return found != NULL ? found : beside_find(name);
}

char *beside_find(const char *name) {
    return find_in(".", name, R_OK);
}
