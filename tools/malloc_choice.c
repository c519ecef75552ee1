/* malloc_choice: see the header. */
#include "tools/malloc_choice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/place.h"

static bool open_trial(struct backend *backend) {
    char why[256];
    char *path = beside_find(TRIAL_FILE);
    if (path == NULL) {
        fputs("hakfuzz: " TRIAL_FILE " is not beside this tool: it is built with the presets release, debug, fuzz and "
              "tsan, and never installed; --malloc names another malloc, such as libhakmem.so\n",
              stderr);
        return false;
    }
    bool open = backend_open(backend, path, "hak_", why, sizeof why);
    if (!open) {
        fprintf(stderr, "hakfuzz: %s\n", why);
    }
    free(path);
    return open;
}

bool malloc_choose(const char *name, const char *prefix, struct backend *backend) {
    char why[512];
    if (name == NULL || strcmp(name, "hakmem") == 0) {
        return open_trial(backend);
    }
    if (!backend_open(backend, name, prefix != NULL ? prefix : "", why, sizeof why)) {
        fprintf(stderr,
                "hakfuzz: %s; a malloc that wants to be there from the start: "
                "LD_PRELOAD=... hakfuzz real --malloc libc\n",
                why);
        return false;
    }
    return true;
}
