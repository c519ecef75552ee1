/* library: see the header. */
#include "tools/library.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/place.h"

char *library_find(const char *verb_name, const char *file) {
    static const char *const places[] = {".", HAKMEM_LIBRARIES_FROM_TOOL, "../release"};
    char *self = self_path();
    char *slash = self != NULL ? strrchr(self, '/') : NULL;
    if (slash != NULL) {
        *slash = '\0';
    }
    char *found = NULL;
    for (unsigned i = 0; i < sizeof places / sizeof places[0] && found == NULL && slash != NULL; i++) {
        char path[PATH_MAX];
        if ((size_t)snprintf(path, sizeof path, "%s/%s/%s", self, places[i], file) < sizeof path &&
            access(path, R_OK) == 0) {
            found = realpath(path, NULL);
        }
    }
    free(self);
    if (found == NULL) {
        fprintf(stderr,
                "hakfuzz %s: %s is not there; to build it: cmake --preset release && cmake --build --preset release\n",
                verb_name, file);
    }
    return found;
}
