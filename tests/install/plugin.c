/* plugin: is loaded and unloaded by lifetimes, knows nothing of hakmem, and allocates in its constructor, destructor,
 * and for its host. */
#include <stdlib.h>
#include <string.h>

static void *early;

__attribute__((constructor)) static void load(void) {
    early = malloc(1000);
    memset(early, 1, 1000);
}

__attribute__((destructor)) static void unload(void) {
    early = realloc(early, 50000);
    free(early);
}

void *plugin_make(size_t size_bytes);
void plugin_end(void *block);

void *plugin_make(size_t size_bytes) {
    return calloc(1, size_bytes);
}

void plugin_end(void *block) {
    free(block);
}
