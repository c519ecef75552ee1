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

bool replay_malloc_open(struct replay_malloc *under_test, const char *prefix, const char **missing) {
    *missing = NULL;
    void *symbol;
/* POSIX promises that what dlsym returns can stand for a function; C has no cast for it. */
#define REPLAY_MALLOC_FIND(field, name, result, arguments, needed)                                                     \
    symbol = find(prefix, name);                                                                                       \
    memcpy(&under_test->field, &symbol, sizeof symbol);                                                                \
    if (needed && symbol == NULL && *missing == NULL) {                                                                \
        *missing = name;                                                                                               \
    }
    REPLAY_MALLOC_TABLE(REPLAY_MALLOC_FIND)
#undef REPLAY_MALLOC_FIND
    Dl_info info;
    symbol = find(prefix, "malloc");
    under_test->library = symbol != NULL && dladdr(symbol, &info) != 0 ? info.dli_fname : "";
    return *missing == NULL;
}
