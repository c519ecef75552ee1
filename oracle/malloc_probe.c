/* malloc_probe: a library is loaded by a process that may die of it, and asked for one block. Each step is written down
 * in shared memory before it is taken, so the last one is where it ended.
 *
 * The steps are on a thread whose stack has a wide zone below it that nobody may touch: a fault in there is a function
 * that calls itself without end. */
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
#include <sys/wait.h>
#include <unistd.h>

#include "allocator/config.h"
#include "oracle/backend.h"
#include "oracle/forked.h"
#include "oracle/malloc_probe.h"

enum {
    STACK_BYTES = 1 << 20,
    ZONE_BYTES = 16 << 20,
    BLOCK_BYTES = 64,
    TIMEOUT_MS = 10000,
    SAID_BYTES = 512,
    WHY_BYTES = 512,
};

enum step { STEP_LOAD, STEP_MALLOC, STEP_WRITE, STEP_FREE, STEP_DONE };
static const char *const step_words[] = {
    [STEP_LOAD] = "while it is loaded",
    [STEP_MALLOC] = "in its first malloc(64)",
    [STEP_WRITE] = "when its first block is written to",
    [STEP_FREE] = "in free of its first block",
    [STEP_DONE] = "when it is unloaded",
};

/* Both processes see it. */
struct probe {
    const char *library, *prefix;
    unsigned char *zone;
    bool only_loads;
    _Atomic enum step step;
    _Atomic uint32_t ran_over; /* the stack */
    _Atomic uint32_t refused;  /* `why` says what is missing */
    _Atomic uint32_t no_block;
    char why[WHY_BYTES];
};
static struct probe *probe;

static void on_fault(int number, siginfo_t *info, void *context) {
    (void)context;
    uintptr_t at = (uintptr_t)info->si_addr, zone = (uintptr_t)probe->zone;
    if (at >= zone && at < zone + ZONE_BYTES) {
        atomic_store(&probe->ran_over, 1);
    }
    signal(number, SIG_DFL);
    raise(number);
}

static void *take_steps(void *unused) {
    struct backend backend;
    static unsigned char handler_stack[64 * 1024];
    sigaltstack(&(stack_t){.ss_sp = handler_stack, .ss_size = sizeof handler_stack}, NULL);
    if (!backend_open(&backend, probe->library, probe->prefix, probe->why, sizeof probe->why)) {
        atomic_store(&probe->refused, 1);
        return unused;
    }
    if (probe->only_loads) {
        atomic_store(&probe->step, STEP_DONE);
        return unused;
    }
    atomic_store(&probe->step, STEP_MALLOC);
    volatile unsigned char *block = backend.malloc(BLOCK_BYTES);
    if (block == NULL) {
        atomic_store(&probe->no_block, 1);
        return unused;
    }
    atomic_store(&probe->step, STEP_WRITE);
    for (unsigned i = 0; i < BLOCK_BYTES; i++) {
        block[i] = (unsigned char)i;
    }
    atomic_store(&probe->step, STEP_FREE);
    backend.free((void *)block);
    atomic_store(&probe->step, STEP_DONE);
    return unused;
}

_Noreturn static void become_probe(int said_fd) {
    pthread_attr_t attributes;
    pthread_t thread;
    struct sigaction action;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    dup2(said_fd, STDERR_FILENO);
    dup2(said_fd, STDOUT_FILENO);
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    signal(SIGABRT, SIG_DFL);
    if (!HAK_ASAN) {
        sigaction(SIGSEGV, &action, NULL);
        sigaction(SIGBUS, &action, NULL);
    }
    bool good = mprotect(probe->zone + ZONE_BYTES, STACK_BYTES, PROT_READ | PROT_WRITE) == 0 &&
                pthread_attr_init(&attributes) == 0 &&
                pthread_attr_setstack(&attributes, probe->zone + ZONE_BYTES, STACK_BYTES) == 0 &&
                pthread_create(&thread, &attributes, take_steps, NULL) == 0;
    if (good) {
        pthread_join(thread, NULL);
    }
    _exit(0);
}

/* The last line that it said, as "; it says '...'". */
static void read_said(int said_fd, char *words, size_t capacity) {
    char said[SAID_BYTES];
    ssize_t got = pread(said_fd, said, sizeof said - 1, 0);
    said[got > 0 ? got : 0] = '\0';
    int length = (int)strcspn(said, "\n");
    snprintf(words, length > 0 ? capacity : 1, "; it says '%.*s'", length, said);
}

static bool judge(bool ended, int status, const char *said, char *why, size_t why_bytes) {
    enum step step = atomic_load(&probe->step);
    const char *where = step_words[step], *library = probe->library;
    if (!ended) {
        snprintf(why, why_bytes, "%s cannot be tried: it does not come to an end %s (%d s)%s", library, where,
                 TIMEOUT_MS / 1000, said);
    } else if (atomic_load(&probe->refused) != 0) {
        snprintf(why, why_bytes, "%s", probe->why);
    } else if (atomic_load(&probe->no_block) != 0) {
        snprintf(why, why_bytes, "%s cannot be tried: its first malloc(%d) returns NULL%s", library, BLOCK_BYTES, said);
    } else if (atomic_load(&probe->ran_over) != 0) {
        snprintf(why, why_bytes, "%s cannot be tried: it calls itself without end %s (the stack ran over)%s", library,
                 where, said);
    } else if (WIFSIGNALED(status)) {
        snprintf(why, why_bytes, "%s cannot be tried: it ends the process %s: %s%s", library, where,
                 strsignal(WTERMSIG(status)), said);
    } else if (step != STEP_DONE) {
        snprintf(why, why_bytes, "%s cannot be tried: it ends the process %s: exit %d%s", library, where,
                 WEXITSTATUS(status), said);
    } else {
        return true;
    }
    return false;
}

static bool try_library(const char *library, const char *prefix, bool only_loads, char *why, size_t why_bytes) {
    char said[SAID_BYTES] = "";
    int alive[2] = {-1, -1}, status = 0, said_fd = memfd_create("said", MFD_CLOEXEC);
    void *shared = mmap(NULL, sizeof *probe, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    void *zone = mmap(NULL, ZONE_BYTES + STACK_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    pid_t pid = -1;
    bool good = false;
    if (shared != MAP_FAILED && zone != MAP_FAILED && said_fd >= 0 && pipe2(alive, O_CLOEXEC) == 0) {
        probe = shared;
        *probe = (struct probe){.library = library, .prefix = prefix, .zone = zone, .only_loads = only_loads};
        fflush(NULL);
        pid = fork();
    }
    if (pid == 0) {
        become_probe(said_fd);
    }
    if (pid > 0) {
        close(alive[1]);
        bool ended = forked_wait(pid, alive[0], TIMEOUT_MS, &status);
        read_said(said_fd, said, sizeof said);
        good = judge(ended, status, said, why, why_bytes);
        close(alive[0]);
    } else {
        snprintf(why, why_bytes, "%s cannot be tried: no process to load it in: %s", library, strerror(errno));
    }
    if (said_fd >= 0) {
        close(said_fd);
    }
    munmap(zone, ZONE_BYTES + STACK_BYTES);
    munmap(shared, sizeof *probe);
    return good;
}

bool malloc_probe(const char *library, const char *prefix, char *why, size_t why_bytes) {
    return try_library(library, prefix, false, why, why_bytes);
}

bool malloc_probe_load(const char *library, const char *prefix, char *why, size_t why_bytes) {
    return try_library(library, prefix, true, why, why_bytes);
}
