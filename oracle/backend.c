/* backend: fills the table from the symbols of a shared object. */
#include "oracle/backend.h"

#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <string.h>

enum { SYMBOL_BYTES_MAX = 96 };

/* dlsym also looks through what the library needs, and that has libc's: its free is not for the library's blocks. */
static bool is_its_own(void *library, const void *symbol) {
    const struct link_map *map = NULL;
    Dl_info info;
    return library == RTLD_DEFAULT || (dlinfo(library, RTLD_DI_LINKMAP, (void *)&map) == 0 &&
                                       dladdr(symbol, &info) != 0 && (uintptr_t)info.dli_fbase == map->l_addr);
}

static void *symbol_find(void *library, const char *prefix, const char *name) {
    char text[SYMBOL_BYTES_MAX];
    int length = snprintf(text, sizeof text, "%s%s", prefix, name);
    void *symbol = length > 0 && (size_t)length < sizeof text ? dlsym(library, text) : NULL;
    return symbol != NULL && is_its_own(library, symbol) ? symbol : NULL;
}

/* POSIX promises that what dlsym returns can stand for a function; C has no cast for it. */
static void fill(void *function, void *symbol) {
    memcpy(function, &symbol, sizeof symbol);
}

_Static_assert(sizeof(void (*)(void)) == sizeof(void *), "a function's address fits an object's, as POSIX demands");

static void fill_all(struct backend *backend, void *library, const char *prefix) {
#define BACKEND_FILL(field, name, result, arguments) fill(&backend->field, symbol_find(library, prefix, name));
    BACKEND_TABLE(BACKEND_FILL)
#undef BACKEND_FILL
    backend->strict = strcmp(prefix, "hak_") == 0 || symbol_find(library, "hak_", "malloc") != NULL;
    fill(&backend->trial.begin, symbol_find(library, "", "hak_trial_begin"));
    fill(&backend->trial.prove, symbol_find(library, "", "hak_trial_prove"));
    fill(&backend->trial.faults, symbol_find(library, "", "hak_trial_faults"));
}

bool backend_open(struct backend *backend, const char *library, const char *prefix, char *why, size_t why_bytes) {
    memset(backend, 0, sizeof *backend);
    if (strcmp(library, "libc") == 0) {
        fill_all(backend, RTLD_DEFAULT, "");
        return true;
    }
    backend->library = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (backend->library == NULL) {
        snprintf(why, why_bytes, "cannot load %s: %s", library, dlerror());
        return false;
    }
    fill_all(backend, backend->library, prefix);
    if (backend->malloc == NULL || backend->free == NULL) {
        snprintf(why, why_bytes,
                 "%s has no %s%s; --prefix says what its names begin with, and "
                 "-DHAKFUZZ_TARGET_PREFIX= to fuzz_target",
                 library, prefix, backend->malloc == NULL ? "malloc" : "free");
        backend_close(backend);
        return false;
    }
    return true;
}

void backend_close(struct backend *backend) {
    if (backend->library != NULL) {
        dlclose(backend->library);
    }
    memset(backend, 0, sizeof *backend);
}
