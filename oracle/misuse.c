/* misuse: see the header. The child says in shared memory how far it came; how it ended, its parent sees. */
#include "oracle/misuse.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include "oracle/forked.h"

enum {
    SMALL_BYTES = 64,
    LARGE_BYTES = 1 << 20,
    OUTSIDE_BYTES = 4096,
    FREED = 10,        /* blocks that are freed beside the one that matters */
    AFTER = 64,        /* blocks that are taken when it is done */
    PATIENCE_MS = 500, /* of the processor */
    ASLEEP_MS = 5000,  /* in all */
};

const struct misuse_info misuse_table[MISUSE_COUNT] = {
#define MISUSE_ROW(id, name, meaning) [MISUSE_##id] = {name, meaning},
    MISUSE_TABLE(MISUSE_ROW)
#undef MISUSE_ROW
};
const struct misuse_info misuse_answer_table[MISUSE_ANSWER_COUNT] = {
#define MISUSE_ANSWER_ROW(id, word, meaning) [MISUSE_ANSWER_##id] = {word, meaning},
    MISUSE_ANSWER_TABLE(MISUSE_ANSWER_ROW)
#undef MISUSE_ANSWER_ROW
};

/* Both processes see it. */
struct shared {
    _Atomic uint32_t answer; /* enum misuse_answer that the child saw itself; MISUSE_ANSWER_COUNT: none */
    _Atomic uint32_t ended;  /* it went through all of it */
};

static struct {
    const struct backend *backend;
    enum misuse misuse;
    struct shared *shared;
    int said_fd;
    size_t size_bytes; /* of the blocks that it is about */
    void *block;       /* the one */
    pthread_barrier_t both;
} one;

static _Alignas(16) unsigned char outside[OUTSIDE_BYTES]; /* no heap has it */

/* --- what is done --- */

_Noreturn static void answer(enum misuse_answer seen) {
    atomic_store(&one.shared->answer, seen);
    _exit(0);
}

static void *take(void) {
    void *block = one.backend->malloc(one.size_bytes);
    if (block != NULL) {
        return memset(block, 0x5a, one.size_bytes);
    }
    answer(MISUSE_ANSWER_MISSING);
}

/* What the malloc must not be seen to know: the pointer is what a program computed. */
static void *hidden(void *pointer) {
    void *volatile copy = pointer;
    return copy;
}

static void *free_on_thread(void *unused) {
    one.backend->free(hidden(one.block));
    return unused;
}

static void *free_with_other(void *unused) {
    pthread_barrier_wait(&one.both);
    return free_on_thread(unused);
}

static void on_threads(void *(*body)(void *), unsigned count) {
    pthread_t thread[2];
    pthread_barrier_init(&one.both, NULL, count);
    for (unsigned i = 0; i < count; i++) {
        if (pthread_create(&thread[i], NULL, body, NULL) != 0) {
            answer(MISUSE_ANSWER_MISSING);
        }
    }
    for (unsigned i = 0; i < count; i++) {
        pthread_join(thread[i], NULL);
    }
}

static void free_others(void) {
    void *others[FREED];
    for (unsigned i = 0; i < FREED; i++) {
        others[i] = take();
    }
    one.backend->free(one.block);
    for (unsigned i = 0; i < FREED; i++) {
        one.backend->free(others[i]);
    }
}

static void double_free(void) {
    switch (one.misuse) {
    case MISUSE_DOUBLE_FREE_LATER:
        free_others();
        break;
    case MISUSE_DOUBLE_FREE_RACE:
        on_threads(free_with_other, 2);
        return;
    default:
        one.backend->free(one.block);
        break;
    }
    if (one.misuse == MISUSE_DOUBLE_FREE_REMOTE) {
        on_threads(free_on_thread, 1);
    } else {
        one.backend->free(hidden(one.block));
    }
}

static void realloc_freed(void) {
    if (one.backend->realloc == NULL) {
        answer(MISUSE_ANSWER_MISSING);
    }
    one.backend->free(one.block);
    (void)one.backend->realloc(hidden(one.block), one.size_bytes * 2);
}

static void sized_wrong(void) {
    if (one.backend->free_sized == NULL) {
        answer(MISUSE_ANSWER_MISSING);
    }
    one.backend->free_sized(one.block, one.size_bytes * 8);
}

static void free_no_block(void) {
    _Alignas(16) unsigned char here[2 * SMALL_BYTES] = {0};
    void *mapped = mmap(NULL, OUTSIDE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    one.backend->free(hidden(one.misuse == MISUSE_FREE_STACK    ? here + 32
                             : one.misuse == MISUSE_FREE_STATIC ? outside + 64
                             : one.misuse == MISUSE_FREE_MAPPED ? mapped
                                                                : (unsigned char *)one.block + 16));
}

/* As a program would that has the pointer still, or counts wrongly. */
static void write_at(unsigned char *place) {
    void *const word = outside + 64;
    memcpy(hidden(place), &word, sizeof word);
    memcpy((unsigned char *)hidden(place) + sizeof word, &word, sizeof word);
}

static void write_wrongly(void) {
    size_t usable_bytes = one.backend->usable_size != NULL ? one.backend->usable_size(one.block) : one.size_bytes;
    if (one.misuse == MISUSE_WRITE_FREED) {
        one.backend->free(one.block);
        write_at(one.block);
        return;
    }
    write_at((unsigned char *)one.block + (one.misuse == MISUSE_WRITE_BEHIND ? (ptrdiff_t)usable_bytes : -16));
    one.backend->free(one.block);
}

static void commit(void) {
    switch (one.misuse) {
    case MISUSE_REALLOC_FREED:
        realloc_freed();
        break;
    case MISUSE_FREE_MIDDLE:
    case MISUSE_FREE_STACK:
    case MISUSE_FREE_STATIC:
    case MISUSE_FREE_MAPPED:
        free_no_block();
        break;
    case MISUSE_SIZED_WRONG:
        sized_wrong();
        break;
    case MISUSE_WRITE_FREED:
    case MISUSE_WRITE_BEHIND:
    case MISUSE_WRITE_BEFORE:
        write_wrongly();
        break;
    default:
        double_free();
        break;
    }
}

/* --- what comes of it --- */

static bool meet(uintptr_t a, uintptr_t b, size_t bytes) {
    return a < b + bytes && b < a + bytes;
}

static void look_at(void *const *blocks, unsigned count) {
    uintptr_t new = (uintptr_t)blocks[count - 1];
    if (new + one.size_bytes > (uintptr_t)outside &&new < (uintptr_t)outside + sizeof outside) {
        answer(MISUSE_ANSWER_OUTSIDE);
    }
    for (unsigned i = 0; i + 1 < count; i++) {
        if (meet(new, (uintptr_t)blocks[i], one.size_bytes)) {
            answer(MISUSE_ANSWER_TWICE);
        }
    }
}

static void take_again(void) {
    void *blocks[AFTER];
    unsigned count = one.size_bytes == LARGE_BYTES ? FREED : AFTER;
    for (unsigned i = 0; i < count; i++) {
        blocks[i] = one.backend->malloc(one.size_bytes);
        if (blocks[i] != NULL) {
            look_at(blocks, i + 1);
            memset(blocks[i], 0xa5, one.size_bytes);
        }
    }
    for (unsigned i = 0; i < count; i++) {
        one.backend->free(blocks[i]);
    }
}

_Noreturn static void child(void) {
    void *kept[FREED];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    setitimer(ITIMER_PROF, &(struct itimerval){.it_value.tv_usec = PATIENCE_MS * 1000L}, NULL);
    fcntl(one.said_fd, F_SETFL, O_APPEND); /* as a log is: a malloc may write into no other file */
    dup2(one.said_fd, STDERR_FILENO);
    dup2(one.said_fd, STDOUT_FILENO);
    signal(SIGABRT, SIG_DFL);
    signal(SIGSEGV, SIG_DFL);
    signal(SIGBUS, SIG_DFL);
    one.size_bytes = one.misuse == MISUSE_DOUBLE_FREE_LARGE ? LARGE_BYTES : SMALL_BYTES;
    for (unsigned i = 0; i < FREED; i++) {
        kept[i] = take();
        one.block = i == FREED / 2 ? take() : one.block;
    }
    commit();
    take_again();
    for (unsigned i = 0; i < FREED; i++) {
        one.backend->free(kept[i]);
    }
    atomic_store(&one.shared->ended, 1);
    _exit(0);
}

/* --- how it ended --- */

static enum misuse_answer judge(bool came_back, int status, const char *said) {
    enum misuse_answer seen = atomic_load(&one.shared->answer);
    int number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    if (seen != MISUSE_ANSWER_COUNT) {
        return seen;
    }
    if (!came_back || number == SIGPROF || number == SIGKILL) {
        return MISUSE_ANSWER_HANGS;
    }
    if (number == SIGSEGV || number == SIGBUS) {
        return MISUSE_ANSWER_CRASHES;
    }
    if (atomic_load(&one.shared->ended) == 0) {
        return MISUSE_ANSWER_STOPS;
    }
    return *said != '\0' ? MISUSE_ANSWER_SAYS : MISUSE_ANSWER_QUIET;
}

static void read_said(char *said) {
    ssize_t got = pread(one.said_fd, said, MISUSE_SAID_BYTES_MAX - 1, 0);
    said[got > 0 ? got : 0] = '\0';
    said[strcspn(said, "\n")] = '\0';
}

static bool run(struct misuse_outcome *outcome, const int alive[2]) {
    int status = 0;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        child();
    }
    if (pid < 0) {
        return false;
    }
    close(alive[1]);
    bool came_back = forked_wait(pid, alive[0], ASLEEP_MS, &status);
    read_said(outcome->said);
    outcome->answer = judge(came_back, status, outcome->said);
    return true;
}

bool misuse_commit(const struct backend *backend, enum misuse misuse, struct misuse_outcome *outcome, char *why,
                   size_t why_bytes) {
    int alive[2] = {-1, -1};
    struct shared *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int said_fd = memfd_create("said", MFD_CLOEXEC);
    bool good = shared != MAP_FAILED && said_fd >= 0 && pipe2(alive, O_CLOEXEC) == 0;
    *outcome = (struct misuse_outcome){.answer = MISUSE_ANSWER_MISSING};
    if (good) {
        one.backend = backend;
        one.misuse = misuse;
        one.shared = shared;
        one.said_fd = said_fd;
        atomic_init(&shared->answer, MISUSE_ANSWER_COUNT);
        good = run(outcome, alive);
        close(alive[0]);
    }
    if (!good) {
        snprintf(why, why_bytes, "no process for it: %s", strerror(errno));
    }
    if (said_fd >= 0) {
        close(said_fd);
    }
    if (shared != MAP_FAILED) {
        munmap(shared, sizeof *shared);
    }
    return good;
}
