/* real: the parent of the processes that programs run in: starts one, watches it, and says how it ended. */
#include "oracle/real.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "oracle/real_run.h"

/* When a process is said to hang. Not by the clock, since the machine may be busy: every thread must have been seen
 * asleep, look after look, while no record ended (a look that finds one awake takes some back); or the process must
 * have had so much of a processor since then. */
enum { LOOK_MS = 20, ASLEEP_MS = 3000, SPIN_MS = 20000, SANITIZED_TIMES = 10, AWAKE_LOOK = 50 };

const char *const real_order_names[REAL_ORDER_COUNT] = {
    [REAL_ORDER_VIRTUAL] = "virtual",
    [REAL_ORDER_FREE] = "free",
};

/* In sanitizer builds: it sleeps while another program looks up the names for its report. */
extern void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

struct watch {
    pid_t pid;
    uint64_t progress;
    unsigned asleep_looks;
    unsigned asleep_ms, spin_ms; /* that make a hang */
    double cpu_seconds;          /* when progress was last seen */
};

/* --- is it stuck? --- */

/* The fields behind the name of a process or thread, which may hold anything; NULL when it is gone. */
static const char *stat_fields(const char *path, char *text, size_t capacity) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = file >= 0 ? read(file, text, capacity - 1) : 0;
    if (file >= 0) {
        close(file);
    }
    text[got > 0 ? got : 0] = '\0';
    const char *name_end = strrchr(text, ')');
    return name_end != NULL && name_end[1] == ' ' ? name_end + 2 : NULL;
}

static double cpu_seconds(pid_t pid) {
    char path[64], text[1024];
    unsigned long user = 0, system = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    const char *fields = stat_fields(path, text, sizeof text);
    if (fields == NULL || sscanf(fields, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2) {
        return 0;
    }
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static bool all_asleep(pid_t pid) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *tasks = opendir(path);
    bool asleep = tasks != NULL;
    const struct dirent *entry;
    while (asleep && (entry = readdir(tasks)) != NULL) {
        char stat_path[sizeof path + sizeof entry->d_name + 8], text[1024];
        if (entry->d_name[0] != '.') {
            snprintf(stat_path, sizeof stat_path, "%s/%s/stat", path, entry->d_name);
            const char *fields = stat_fields(stat_path, text, sizeof text);
            asleep = fields != NULL && *fields == 'S';
        }
    }
    if (tasks != NULL) {
        closedir(tasks);
    }
    return asleep;
}

/* CHECK_NONE while there is hope. */
static enum check look(struct watch *watch, const struct real_shared *shared) {
    uint64_t progress = atomic_load(&shared->progress) + atomic_load(&shared->threads) + atomic_load(&shared->times);
    double cpu = cpu_seconds(watch->pid);
    if (progress != watch->progress) {
        watch->progress = progress;
        watch->cpu_seconds = cpu;
        watch->asleep_looks = 0;
        return CHECK_NONE;
    }
    if (all_asleep(watch->pid)) {
        watch->asleep_looks++;
    } else { /* a sanitizer's own thread wakes now and then */
        watch->asleep_looks -= watch->asleep_looks < AWAKE_LOOK ? watch->asleep_looks : AWAKE_LOOK;
    }
    if (watch->asleep_looks * LOOK_MS >= watch->asleep_ms) {
        return CHECK_DEADLOCK;
    }
    return (cpu - watch->cpu_seconds) * 1000 > watch->spin_ms ? CHECK_LIVELOCK : CHECK_NONE;
}

/* --- the process --- */

static void child_settle(int said_fd, pid_t parent) {
    static const int deadly[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent || dup2(said_fd, STDERR_FILENO) < 0) {
        _exit(REAL_EXIT_CANNOT);
    }
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    for (unsigned i = 0; !HAK_ASAN && i < sizeof deadly / sizeof deadly[0]; i++) {
        signal(deadly[i], SIG_DFL);
    }
    alarm(0);
}

/* Wait for the end; what it hangs of, if it does. */
static enum check watch_child(pid_t pid, int alive_fd, const struct real_plan *plan, const struct real_shared *shared,
                              int *status) {
    unsigned times = __sanitizer_set_death_callback != NULL ? SANITIZED_TIMES : 1;
    struct watch watch = {.pid = pid,
                          .progress = UINT64_MAX,
                          .asleep_ms = times * (plan->patience_ms != 0 ? plan->patience_ms : ASLEEP_MS),
                          .spin_ms = times * (plan->patience_ms != 0 ? plan->patience_ms : SPIN_MS)};
    enum check stuck = CHECK_NONE;
    struct pollfd alive = {.fd = alive_fd};
    while (stuck == CHECK_NONE) {
        int ready = poll(&alive, 1, LOOK_MS);
        if (ready > 0 || (ready < 0 && errno != EINTR)) {
            break; /* the other end of the pipe is closed: the process is gone, or about to be */
        }
        stuck = look(&watch, shared);
    }
    if (stuck != CHECK_NONE) {
        kill(pid, SIGKILL);
    }
    while (waitpid(pid, status, 0) < 0 && errno == EINTR) {
    }
    return stuck;
}

static void read_said(int said_fd, char *said) {
    ssize_t got = pread(said_fd, said, REAL_SAID_BYTES_MAX - 1, 0);
    said[got > 0 ? got : 0] = '\0';
    for (ssize_t i = 0; i < got; i++) {
        said[i] = said[i] == '\0' ? '.' : said[i];
    }
}

/* --- the verdict --- */

/* A run that ended, and all that is known of it. */
struct ending {
    const struct real_plan *plan;
    const struct program *program;
    struct real_shared *shared;
    enum check stuck;
    int status;
};

static const char *operation_of(const struct ending *ending, uint32_t record) {
    return record < ending->program->record_count ? program_op_info[program_record(ending->program, record).op].name
                                                  : "end";
}

/* `how` the process ended, where that is what was found. In free order nobody knows which record did it. */
static void sign(const struct ending *ending, struct verdict *verdict, const char *how) {
    const char *id = check_table[verdict->check].id, *operation = operation_of(ending, verdict->record);
    const struct real_shared *shared = ending->shared;
    if (ending->plan->order == REAL_ORDER_FREE) {
        snprintf(verdict->signature, sizeof verdict->signature, "%s/%s/real-threads", id,
                 how != NULL ? how : operation);
        return;
    }
    uint64_t bytes = atomic_load(&shared->subject_bytes);
    uint32_t remote = atomic_load(&shared->is_remote);
    snprintf(verdict->signature, sizeof verdict->signature, "%s/%s/%s/%s/%s", id, operation,
             bytes == 0 && remote == 0 ? "-" : check_size_bucket(bytes),
             remote == 0   ? "-"
             : remote == 1 ? "local"
                           : "remote",
             how != NULL ? how : "virtual-order");
}

static void give(const struct ending *ending, struct verdict *verdict, enum check check, const char *how,
                 const char *message) {
    verdict->check = check;
    verdict->record = ending->plan->order == REAL_ORDER_VIRTUAL ? atomic_load(&ending->shared->now) : 0;
    snprintf(verdict->message, sizeof verdict->message, "%.*s", (int)strcspn(message, "\n"), message);
    sign(ending, verdict, how);
}

/* What the signal is called, and what the malloc had to say before it. */
static void give_signal(const struct ending *ending, struct real_outcome *outcome) {
    char message[VERDICT_MESSAGE_BYTES_MAX], how[16];
    int number = WTERMSIG(ending->status), length = (int)strcspn(outcome->said, "\n");
    const char *name = sigabbrev_np(number);
    snprintf(how, sizeof how, "SIG%s", name != NULL ? name : "?");
    snprintf(message, sizeof message, "%s%s%.*s", strsignal(number), length > 0 ? ": " : "", length, outcome->said);
    give(ending, &outcome->verdict, CHECK_CRASH, ending->plan->order == REAL_ORDER_FREE ? "signal" : how, message);
}

/* It ended by a signal, by a sanitizer, or with a message. */
static void explain_end(const struct ending *ending, struct real_outcome *outcome) {
    struct verdict *verdict = &outcome->verdict;
    const char *race = strstr(outcome->said, "ThreadSanitizer: data race");
    const char *sanitizer = strstr(outcome->said, "Sanitizer: ");
    const char *own_words = strstr(outcome->said, "hakmem: ");
    if (race != NULL) {
        const char *summary = strstr(outcome->said, "SUMMARY: ");
        give(ending, verdict, CHECK_RACE, "tsan", summary != NULL ? summary : race);
    } else if (sanitizer != NULL) {
        give(ending, verdict, CHECK_CRASH, "sanitizer", sanitizer);
    } else if (own_words != NULL) {
        give(ending, verdict, CHECK_INVARIANT, "abort", own_words);
    } else if (WIFSIGNALED(ending->status)) {
        give_signal(ending, outcome);
    } else {
        give(ending, verdict, CHECK_CRASH, "exit", "the process ended before the program did");
    }
}

/* Threads that a finding stopped did not say how much they had done. */
static uint32_t count_applied(const struct real_outcome *outcome) {
    uint32_t count = 0;
    for (unsigned i = 0; i < PROGRAM_RECORDS_MAX; i++) {
        count += outcome->applied[i];
    }
    return count;
}

static void conclude(const struct ending *ending, struct real_outcome *outcome) {
    struct real_shared *shared = ending->shared;
    struct verdict *verdict = &outcome->verdict;
    verdict->operations = (uint32_t)atomic_load(&shared->operations);
    outcome->skipped = atomic_load(&shared->skipped);
    outcome->not_carried = atomic_load(&shared->not_carried);
    outcome->threads = atomic_load(&shared->threads);
    outcome->times = atomic_load(&shared->times);
    outcome->subject = (uintptr_t)atomic_load(&shared->subject);
    outcome->subject_bytes = (size_t)atomic_load(&shared->subject_bytes);
    verdict->fault_reached = shared->faults.reached;
    verdict->fault_triggered = shared->faults.triggered;
    for (unsigned i = 0; i < PROGRAM_RECORDS_MAX; i++) {
        outcome->applied[i] = atomic_load_explicit(&shared->applied[i], memory_order_relaxed);
    }
    bool ended_well = WIFEXITED(ending->status) && WEXITSTATUS(ending->status) == REAL_EXIT_CLEAN;
    if (atomic_load(&shared->told) != 0) {
        verdict->check = shared->check;
        verdict->record = shared->record;
        verdict->operations = count_applied(outcome);
        memcpy(verdict->message, shared->message, sizeof verdict->message);
        sign(ending, verdict, NULL);
    } else if (ending->stuck != CHECK_NONE) {
        give(ending, verdict, ending->stuck, "hang",
             ending->stuck == CHECK_DEADLOCK ? "every thread sleeps, and none will be woken"
                                             : "much time of the processors went by, and no record came to its end");
    } else if (!ended_well || atomic_load(&shared->finished) == 0) {
        explain_end(ending, outcome);
    }
}

/* --- the call --- */

struct ends {
    int said_fd;
    int alive_fds[2];
    struct real_shared *shared;
};

static bool ends_open(struct ends *ends) {
    ends->said_fd = memfd_create("said", MFD_CLOEXEC);
    ends->alive_fds[0] = ends->alive_fds[1] = -1;
    ends->shared = mmap(NULL, sizeof *ends->shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return ends->said_fd >= 0 && fcntl(ends->said_fd, F_SETFL, O_APPEND) == 0 && ends->shared != MAP_FAILED &&
           pipe2(ends->alive_fds, O_CLOEXEC) == 0;
}

static void ends_close(struct ends *ends) {
    if (ends->shared != MAP_FAILED) {
        munmap(ends->shared, sizeof *ends->shared);
    }
    int fds[] = {ends->said_fd, ends->alive_fds[0], ends->alive_fds[1]};
    for (unsigned i = 0; i < sizeof fds / sizeof fds[0]; i++) {
        if (fds[i] >= 0) {
            close(fds[i]);
        }
    }
}

bool real_run(const struct real_plan *plan, const struct program *program, struct real_outcome *outcome, char *why,
              size_t why_bytes) {
    struct ends ends;
    memset(outcome, 0, sizeof *outcome);
    pid_t parent = getpid(), pid = -1;
    bool open = ends_open(&ends);
    if (open) {
        fflush(NULL);
        pid = fork();
    }
    if (pid == 0) {
        child_settle(ends.said_fd, parent);
        real.plan = plan;
        real.program = program;
        real.shared = ends.shared;
        real_child();
    }
    if (pid < 0) {
        snprintf(why, why_bytes, "cannot make a process to run programs in: %s", strerror(errno));
        ends_close(&ends);
        return false;
    }
    close(ends.alive_fds[1]);
    ends.alive_fds[1] = -1;
    struct ending ending = {.plan = plan, .program = program, .shared = ends.shared};
    ending.stuck = watch_child(pid, ends.alive_fds[0], plan, ends.shared, &ending.status);
    read_said(ends.said_fd, outcome->said);
    bool ran = !WIFEXITED(ending.status) || WEXITSTATUS(ending.status) != REAL_EXIT_CANNOT;
    if (ran) {
        conclude(&ending, outcome);
    } else {
        snprintf(why, why_bytes, "%s", ends.shared->message);
    }
    ends_close(&ends);
    return ran;
}
