/* wrap: a library for LD_PRELOAD that stands in front of malloc and free, counts, and hands on. The next library is
 * asked for by name at the first call, as such wrappers do. It says at the end whether it was in use. */
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

typedef void *take_function(size_t size_bytes);
typedef void give_function(void *block);

static atomic_size_t calls;

void *malloc(size_t size_bytes);
void free(void *block);

static void *next(const char *name, _Atomic(void *) *known) {
    void *function = atomic_load(known);
    if (function == NULL) {
        function = dlsym(RTLD_NEXT, name);
        atomic_store(known, function);
    }
    return function;
}

void *malloc(size_t size_bytes) {
    static _Atomic(void *) known;
    void *symbol = next("malloc", &known);
    take_function *function;
    memcpy(&function, &symbol, sizeof function);
    atomic_fetch_add(&calls, 1);
    return function(size_bytes);
}

void free(void *block) {
    static _Atomic(void *) known;
    void *symbol = next("free", &known);
    give_function *function;
    memcpy(&function, &symbol, sizeof function);
    function(block);
}

__attribute__((destructor)) static void end(void) {
    static const char text[] = "wrapped\n";
    if (atomic_load(&calls) > 0) {
        (void)!write(STDERR_FILENO, text, sizeof text - 1);
    }
}
