/* malloc_choice: see the header. */
#include "tools/malloc_choice.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <unistd.h>

#include "oracle/fault.h"
#include "oracle/malloc_probe.h"
#include "tools/place.h"

static bool is_hakmem(const char *name) {
    return name == NULL || strcmp(name, "hakmem") == 0;
}

bool malloc_is_foreign(const struct options *options) {
    return !is_hakmem(options->malloc_name);
}

/* --- the process --- */

static const char tunables_name[] = "GLIBC_TUNABLES", tunable[] = "glibc.rtld.optional_static_tls=65536";

/* This process's arguments, each ending in '\0', with pointers to them; NULL when there is no memory. Never freed. */
static char **arguments_again(void) {
    enum { CAPACITY = 1 << 21 };
    char *text = malloc(CAPACITY);
    int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    size_t used = 0, count = 0;
    ssize_t got;
    while (text != NULL && fd >= 0 && used < CAPACITY - 1 && (got = read(fd, text + used, CAPACITY - 1 - used)) > 0) {
        used += (size_t)got;
    }
    if (fd >= 0) {
        close(fd);
    }
    char **arguments = used > 0 ? calloc(used + 1, sizeof *arguments) : NULL;
    for (size_t at = 0; arguments != NULL && at < used; at += strlen(text + at) + 1) {
        text[used] = '\0';
        arguments[count++] = text + at;
    }
    return arguments;
}

/* Begin anew, once, as a process whose addresses are the same every time, so that what a malloc does with them is too;
 * and that has room for the thread-local data of libraries which expect to be there from the start. Where the system
 * refuses it goes on as it is. */
static void process_settle(void) {
    const char *before = getenv(tunables_name);
    char *both = NULL;
    if (before != NULL && strstr(before, "glibc.rtld.optional_static_tls") != NULL) {
        return;
    }
    char **arguments = arguments_again();
    int flags = personality(0xffffffff);
    if (arguments == NULL ||
        asprintf(&both, "%s%s%s", before != NULL ? before : "", before != NULL ? ":" : "", tunable) < 0) {
        return;
    }
    if (flags != -1) {
        (void)personality((unsigned long)flags | ADDR_NO_RANDOMIZE);
    }
    setenv(tunables_name, both, 1);
    setenv("__AFL_DEFER_FORKSRV", "1", 1); /* built with AFL++: else its runtime takes no library that comes later */
    fflush(NULL);
    execv("/proc/self/exe", arguments);
    free(both);
}

/* --- opening --- */

static bool open_trial(struct malloc_choice *malloc) {
    char why[256];
    malloc->name = "hakmem";
    malloc->prefix = "hak_";
    malloc->path = beside_find(TRIAL_FILE);
    if (malloc->path == NULL) {
        fputs("hakfuzz: " TRIAL_FILE " is not beside this tool: it is built with the presets release, debug, fuzz and "
              "tsan, and never installed; --malloc names another malloc, such as libhakmem.so\n",
              stderr);
        return false;
    }
    bool open = backend_open(&malloc->backend, malloc->path, malloc->prefix, why, sizeof why);
    if (!open) {
        fprintf(stderr, "hakfuzz: %s\n", why);
    }
    return open;
}

/* Where the loader found it: others load it from elsewhere. */
static char *path_of(void *library) {
    const struct link_map *map = NULL;
    return dlinfo(library, RTLD_DI_LINKMAP, (void *)&map) == 0 ? realpath(map->l_name, NULL) : NULL;
}

static bool open_foreign(struct malloc_choice *malloc) {
    static const char target_file[] = "hakfuzz_target.so";
    char why[1024];
    bool is_libc = strcmp(malloc->name, "libc") == 0, is_target = strcmp(malloc->name, "target") == 0;
    char *target = is_target ? beside_find(target_file) : NULL;
    const char *library = target != NULL ? target : malloc->name;
    if (is_target && target == NULL) {
        fprintf(stderr, "hakfuzz: %s is not beside this tool: cmake -DHAKFUZZ_TARGET=... says what it is built of\n",
                target_file);
        return false;
    }
    process_settle();
    bool open = (is_libc || malloc_probe(library, malloc->prefix, why, sizeof why)) &&
                backend_open(&malloc->backend, library, malloc->prefix, why, sizeof why);
    if (!open) {
        fprintf(stderr, "hakfuzz: %s\n", why);
    }
    malloc->path = is_libc || !open ? NULL : path_of(malloc->backend.library);
    free(target);
    return open;
}

bool malloc_check(const struct verb_help *help, const struct options *options) {
    const char *order = options->order;
    if (options->prefix != NULL && is_hakmem(options->malloc_name)) {
        options_complain(help, "--prefix is of the functions of a --malloc, and there is none");
        return false;
    }
    if (order != NULL && strcmp(order, "free") != 0 && strcmp(order, "virtual") != 0) {
        options_complain(help, "there is no order '%s'; there are free and virtual", order);
        return false;
    }
    return true;
}

bool malloc_open(const char *name, const char *prefix, enum real_order order, struct malloc_choice *malloc) {
    *malloc = (struct malloc_choice){.name = name, .prefix = prefix, .order = order};
    bool open = is_hakmem(name) ? open_trial(malloc) : open_foreign(malloc);
    if (!open) {
        malloc_close(malloc);
    }
    return open;
}

bool malloc_choose(const struct verb_help *help, const struct options *options, enum real_order order,
                   struct malloc_choice *malloc) {
    *malloc = (struct malloc_choice){.name = NULL};
    if (options->order != NULL) {
        order = strcmp(options->order, "free") == 0 ? REAL_ORDER_FREE : REAL_ORDER_VIRTUAL;
    }
    return malloc_check(help, options) &&
           malloc_open(options->malloc_name, options->prefix != NULL ? options->prefix : "", order, malloc);
}

void malloc_close(struct malloc_choice *malloc) {
    backend_close(&malloc->backend);
    free(malloc->path);
    malloc->path = NULL;
}

/* In virtual order nobody waits for anybody inside the malloc, so a hang is known soon. */
enum { PATIENCE_MS = 300 };

struct real_plan malloc_plan(const struct malloc_choice *malloc, const struct target_info *target, const char *fault) {
    return (struct real_plan){.backend = &malloc->backend,
                              .target = target,
                              .order = malloc->order,
                              .instances = 1,
                              .times = 1,
                              .patience_ms = malloc->order == REAL_ORDER_VIRTUAL ? PATIENCE_MS : 0,
                              .fault = (enum hak_fault)fault_find(fault)};
}
