/* lifetimes: allocation at the odd times of a process: in constructors, in destructors of threads and of the process,
 * in plugins that come and go, with blocks that outlive those who made them. Arguments: plugin, late. */
#include <dlfcn.h>
#include <hakmem.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"

enum { THREADS = 4, ROUNDS = 2000, SLOTS = 64 };
static void *early, *from_thread;
static pthread_key_t key;
static int destructor_rounds;

__attribute__((constructor(102))) static void before_main(void) {
    early = malloc(5000);
    memset(early, 3, 5000);
}

__attribute__((destructor)) static void after_main(void) {
    free(early);
    free(malloc(100000));
    if (write(STDERR_FILENO, "lifetimes: after main\n", 22) != 22) {
        _exit(3);
    }
}

/* Comes back twice, so that it also runs after the allocator's own destructor has. */
static void thread_end(void *block) {
    CHECK(hak_malloc_usable_size(block) >= 100);
    free(block);
    if (++destructor_rounds < 3) {
        CHECK(pthread_setspecific(key, malloc(100)) == 0);
    } else {
        from_thread = malloc(300);
        memset(from_thread, 5, 300);
    }
}

static void *thread_with_destructor(void *unused) {
    (void)unused;
    CHECK(pthread_setspecific(key, malloc(100)) == 0);
    return malloc(70);
}

static void destructors(void) {
    pthread_t thread;
    void *left = NULL;
    CHECK(pthread_key_create(&key, thread_end) == 0);
    CHECK(pthread_create(&thread, NULL, thread_with_destructor, NULL) == 0 && pthread_join(thread, &left) == 0);
    CHECK(destructor_rounds == 3);
    CHECK(hak_malloc_usable_size(from_thread) >= 300 && hak_malloc_usable_size(left) >= 70);
    free(from_thread);
    free(left);
}

/* Each thread replaces what another one made. */
static void *slots[SLOTS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *churn(void *seed) {
    unsigned state = (unsigned)(uintptr_t)seed;
    for (int i = 0; i < ROUNDS; i++) {
        state = state * 1103515245 + 12345;
        size_t size_bytes = 4 + (state >> 16) % ((state >> 8) % 50 == 0 ? 200000 : 2000);
        unsigned char *mine = malloc(size_bytes);
        memset(mine, (int)(size_bytes & 0xff), size_bytes);
        memcpy(mine, &(uint32_t){(uint32_t)size_bytes}, 4);
        (void)pthread_mutex_lock(&lock);
        unsigned char *old = slots[state % SLOTS];
        slots[state % SLOTS] = mine;
        (void)pthread_mutex_unlock(&lock);
        if (old != NULL) {
            uint32_t old_bytes;
            memcpy(&old_bytes, old, 4);
            for (size_t k = 4; k < old_bytes; k++) {
                if (old[k] != (old_bytes & 0xff)) {
                    CHECK(!"the content is what was written");
                    break;
                }
            }
            free(old);
        }
    }
    return NULL;
}

static void threads(void) {
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++) {
        CHECK(pthread_create(&threads[i], NULL, churn, (void *)(i + 1)) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    for (int i = 0; i < SLOTS; i++) {
        free(slots[i]);
    }
}

static void plugins(const char *path) {
    void *kept[8] = {0};
    for (int i = 0; i < 8; i++) {
        void *plugin = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        CHECK(plugin != NULL);
        void *(*make)(size_t);
        void (*end)(void *);
        void *symbol = dlsym(plugin, "plugin_make");
        memcpy(&make, &symbol, sizeof symbol);
        symbol = dlsym(plugin, "plugin_end");
        memcpy(&end, &symbol, sizeof symbol);
        kept[i] = make(40000);
        CHECK(hak_malloc_usable_size(kept[i]) >= 40000);
        end(malloc(77));
        if (i > 0) {
            end(kept[i - 1]); /* made by an earlier life of it */
        }
        CHECK(dlclose(plugin) == 0);
        CHECK(dlopen(path, RTLD_NOW | RTLD_NOLOAD) == NULL); /* it is really gone */
    }
    free(kept[7]);
}

static void late_runtime(const char *path) {
    CHECK(dlsym(RTLD_DEFAULT, "_ZSt17__throw_bad_allocv") == NULL); /* no C++ runtime in sight */
    void *late = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    CHECK(late != NULL);
    int (*throws)(void);
    void *symbol = dlsym(late, "late_throws");
    memcpy(&throws, &symbol, sizeof symbol);
    CHECK(throws() == 1);
    CHECK(dlclose(late) == 0);
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fputs("usage: lifetimes PLUGIN LATE\n", stderr);
        return 2;
    }
    CHECK(hak_malloc_usable_size(early) >= 5000);
    destructors();
    threads();
    plugins(argv[1]);
    late_runtime(argv[2]);
    return checks_end("lifetimes");
}
