/* threads: a program of many threads and many processes. Usage: threads WORK
 *
 *   crowd   200 threads at once, on small stacks, that free one another's blocks; then 2000 that come and go
 *   stacks  threads with the smallest stack there can be, on which the allocator must get along
 *   family  fork, vfork, posix_spawn, system and popen while other threads allocate; also from a thread, and in a child
 */
#include <limits.h>
#include <pthread.h>
#include <spawn.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "tests/conditions.d/common.h"

extern char **environ;

enum { CROWD = 200, TURNS = 400, PLACES = 64, SHORT_LIVED = 2000, LOAD = 4, CHILDREN = 60 };

/* Blocks lie in places that all threads share; whoever comes by takes what is there, checks it, and leaves another. */
struct parcel {
    size_t size_bytes;
    uint64_t number;
};
static _Atomic(struct parcel *) places[PLACES];
static atomic_bool is_over;
static pthread_barrier_t all_are_here;

static void parcel_open(struct parcel *parcel) {
    if (parcel != NULL) {
        require(is_marked(parcel + 1, parcel->size_bytes - sizeof *parcel, parcel->number));
        give(parcel);
    }
}

static void pass_by(uint64_t *random) {
    static const size_t limits_bytes[] = {100, 1000, 1000, 10000, 30000, 200000};
    *random = *random * 6364136223846793005u + 1442695040888963407u;
    size_t size_bytes = sizeof(struct parcel) + 1 + (*random >> 33) % limits_bytes[(*random >> 20) % 6];
    struct parcel *parcel = (*random >> 60) == 0 ? calloc(1, size_bytes) : take_or_null(size_bytes);
    if (parcel != NULL) {
        *parcel = (struct parcel){size_bytes, *random};
        mark(parcel + 1, size_bytes - sizeof *parcel, *random);
    }
    parcel_open(atomic_exchange(&places[*random >> 52 & (PLACES - 1)], parcel));
}

static void clear_places(void) {
    for (size_t i = 0; i < PLACES; i++) {
        parcel_open(atomic_exchange(&places[i], NULL));
    }
}

static void pass_often(void *argument, unsigned turns) {
    uint64_t random = (uintptr_t)argument;
    for (unsigned turn = 0; turn < turns; turn++) {
        pass_by(&random);
    }
}

static void *in_crowd(void *argument) {
    (void)pthread_barrier_wait(&all_are_here);
    pass_often(argument, TURNS);
    return NULL;
}

static void *in_short_life(void *argument) {
    pass_often(argument, 20);
    return NULL;
}

static pthread_t thread_with(size_t stack_bytes, void *(*body)(void *), uintptr_t argument) {
    pthread_t thread;
    pthread_attr_t attributes;
    require(pthread_attr_init(&attributes) == 0);
    require(pthread_attr_setstacksize(&attributes, stack_bytes) == 0);
    int error = pthread_create(&thread, &attributes, body, (void *)argument);
    errno = error;
    require(error == 0);
    require(pthread_attr_destroy(&attributes) == 0);
    return thread;
}

static void crowd(void) {
    enum { STACK_BYTES = 64 << 10 };
    static pthread_t threads[CROWD];
    require(pthread_barrier_init(&all_are_here, NULL, CROWD) == 0);
    for (uintptr_t i = 0; i < CROWD; i++) {
        threads[i] = thread_with(STACK_BYTES, in_crowd, i);
    }
    for (size_t i = 0; i < CROWD; i++) {
        require(pthread_join(threads[i], NULL) == 0);
    }
    for (uintptr_t i = 0; i < SHORT_LIVED; i++) {
        require(pthread_join(thread_with(STACK_BYTES, in_short_life, i), NULL) == 0);
    }
    clear_places();
}

/* Everything that has a frame worth the name: first use, refill, mapping, growth, statistics, trimming, a complaint. */
static void *on_little_stack(void *argument) {
    static _Alignas(16) char no_block[64];
    pass_often(argument, TURNS);
    char *block = NULL;
    for (size_t size = 1; size < (size_t)8 << 20; size *= 3) {
        block = realloc(block, size);
        require(block != NULL);
        block[size - 1] = 1;
    }
    give(block);
    require(mallinfo2().arena > 0);
    require(hak_stats_text(NULL, 0) > 0);
    (void)malloc_trim(0);
    void *volatile wrong = no_block + 16;
    free(wrong);
    return NULL;
}

static void stacks(void) {
    for (uintptr_t i = 0; i < 8; i++) {
        require(pthread_join(thread_with((size_t)PTHREAD_STACK_MIN, on_little_stack, i), NULL) == 0);
    }
    clear_places();
}

/* ---- processes ---- */

static void *under_load(void *argument) {
    uint64_t random = (uintptr_t)argument;
    while (!atomic_load(&is_over)) {
        pass_by(&random);
    }
    return NULL;
}

static void expect_end(pid_t child) {
    int status = -1;
    require(child > 0 && waitpid(child, &status, 0) == child && status == 0);
}

/* What is in the places may be half a parcel here: the others were stopped anywhere. Own ones are whole. */
static void live_in_child(unsigned depth) {
    for (size_t i = 0; i < PLACES; i++) {
        atomic_store(&places[i], NULL);
    }
    pass_often((void *)(uintptr_t)depth, 300);
    require(pthread_join(thread_with((size_t)64 << 10, in_short_life, depth), NULL) == 0);
    clear_places();
    (void)malloc_trim(0);
    if (depth > 0) {
        pid_t child = fork();
        if (child == 0) {
            live_in_child(depth - 1);
            _exit(0);
        }
        expect_end(child);
    }
}

static void *fork_often(void *argument) {
    for (unsigned i = 0; i < CHILDREN / 4; i++) {
        pid_t child = fork();
        if (child == 0) {
            live_in_child(0);
            _exit(0);
        }
        expect_end(child);
    }
    return argument;
}

static void each_way(unsigned turn, char *self) {
    char *again[] = {self, (char *)(uintptr_t) "nothing", NULL};
    pid_t child = fork();
    if (child == 0) {
        live_in_child(turn % 2);
        _exit(0);
    }
    expect_end(child);
    if (turn % 6 != 0) {
        return;
    }
    child = vfork();
    if (child == 0) {
        (void)execv(self, again);
        _exit(1);
    }
    expect_end(child);
    errno = posix_spawn(&child, self, NULL, NULL, again, environ);
    require(errno == 0);
    expect_end(child);
    if (access("/bin/sh", X_OK) == 0) { /* not where there is nothing but this program */
        require(system("exit 0") == 0);
        FILE *pipe = popen("echo said", "r");
        char text[16] = "";
        require(pipe != NULL && fgets(text, sizeof text, pipe) != NULL && strcmp(text, "said\n") == 0);
        require(pclose(pipe) == 0);
    }
}

static char *self_path;

static void family(void) {
    pthread_t threads[LOAD], forker;
    for (uintptr_t i = 0; i < LOAD; i++) {
        threads[i] = thread_with((size_t)64 << 10, under_load, i);
    }
    forker = thread_with((size_t)256 << 10, fork_often, 1);
    for (unsigned turn = 0; turn < CHILDREN; turn++) {
        each_way(turn, self_path);
    }
    require(pthread_join(forker, NULL) == 0);
    atomic_store(&is_over, true);
    for (size_t i = 0; i < LOAD; i++) {
        require(pthread_join(threads[i], NULL) == 0);
    }
    clear_places();
}

static void nothing(void) {
    give(take(100));
}

int main(int count, char **arguments) {
    static const struct {
        const char *name;
        void (*run)(void);
    } works[] = {{"crowd", crowd}, {"stacks", stacks}, {"family", family}, {"nothing", nothing}};
    start();
    self_path = arguments[0];
    for (size_t i = 0; i < sizeof works / sizeof works[0]; i++) {
        if (count == 2 && strcmp(arguments[1], works[i].name) == 0) {
            works[i].run();
            return finish();
        }
    }
    say(STDERR_FILENO, "usage: threads crowd|stacks|family\n");
    return 2;
}
