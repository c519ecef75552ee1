/* replay_malloc: see the header. */
#include "tools/replay_malloc.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

enum { SYMBOL_BYTES = 96 };

static void *find(const char *prefix, const char *name) {
    char symbol[SYMBOL_BYTES];
    int length = snprintf(symbol, sizeof symbol, "%s%s", prefix, name);
    return length > 0 && (size_t)length < sizeof symbol ? dlsym(RTLD_DEFAULT, symbol) : NULL;
}

/* The library that a symbol is in; NULL when that is not known. */
static const void *library_of(void *symbol, const char **name) {
    Dl_info info;
    if (symbol == NULL || dladdr(symbol, &info) == 0) {
        return NULL;
    }
    *name = info.dli_fname;
    return info.dli_fbase;
}

bool replay_malloc_open(struct replay_malloc *under_test, const char *prefix, const char **missing) {
    const char *ignored;
    const void *library = library_of(find(prefix, "malloc"), &under_test->library);
    *missing = NULL;
    void *symbol;
/* POSIX promises that what dlsym returns can stand for a function; C has no cast for it. */
#define REPLAY_MALLOC_FIND(field, name, result, arguments, needed)                                                     \
    symbol = find(prefix, name);                                                                                       \
    if (!needed && library_of(symbol, &ignored) != library) {                                                          \
        symbol = NULL;                                                                                                 \
    }                                                                                                                  \
    memcpy(&under_test->field, &symbol, sizeof symbol);                                                                \
    if (needed && symbol == NULL && *missing == NULL) {                                                                \
        *missing = name;                                                                                               \
    }
    REPLAY_MALLOC_TABLE(REPLAY_MALLOC_FIND)
#undef REPLAY_MALLOC_FIND
    return *missing == NULL;
}
