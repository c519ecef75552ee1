/* detect_builtin: the trials of the unguided engine, each in a child process that shares its results with us. A fault
 * may overwrite the tool itself, and a sanitizer ends the process: then the trial has found something, and the next one
 * begins with a world that is as it should be. */
#include <stdlib.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "oracle/guide.h"
#include "oracle/program.h"
#include "tools/child.h"
#include "tools/detect.h"
#include "tools/guard.h"
#include "tools/terminal.h"

enum { POLL_MS = 5, CHILD_CLEAN = 0, CHILD_FINDING = 3 };

struct shared_trial {
    struct detect_trial trial;
    struct proposal candidate;
};

/* Fork with an output that nobody reads: reports of a faulty allocator are not news here. */
static pid_t fork_silent(void) {
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        int null_fd = open("/dev/null", O_RDWR);
        if (null_fd < 0 || dup2(null_fd, STDOUT_FILENO) < 0 || dup2(null_fd, STDERR_FILENO) < 0) {
            _exit(CHILD_FINDING);
        }
    }
    return pid;
}

static void *map_shared(size_t bytes) {
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        perror("hakfuzz detect: cannot share memory with children");
        return NULL;
    }
    return memory;
}

bool detect_replay(const struct target_info *target, const char *fault, const uint8_t *bytes, size_t size_bytes,
                   struct verdict *verdict) {
    struct verdict *shared = map_shared(sizeof *shared);
    pid_t pid = shared != NULL ? fork_silent() : -1;
    if (pid == 0) {
        struct program program;
        world_arm_fault(fault);
        program_read(&program, bytes, size_bytes);
        guard_begin("an input of detect");
        _exit(world_run(target, &program, NULL, shared) == CHECK_NONE ? CHILD_CLEAN : CHILD_FINDING);
    }
    int status = 0;
    bool fails = pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != CHILD_CLEAN;
    *verdict = shared != NULL ? *shared : (struct verdict){0};
    if (shared != NULL) {
        munmap(shared, sizeof *shared);
    }
    return fails;
}

static pid_t start(const struct detect_plan *plan, struct shared_trial *shared, unsigned index) {
    pid_t pid = fork_silent();
    if (pid == 0) {
        (void)guide_take_away(plan->without); /* names that were looked at */
        detect_run_trial(plan, (uint64_t)index + 1, &shared->trial, &shared->candidate);
        _exit(CHILD_CLEAN);
    }
    return pid;
}

static void finish(const struct detect_plan *plan, struct shared_trial *shared) {
    struct detect_trial *trial = &shared->trial;
    if (!trial->done) {
        trial->executions++; /* the one that it died of was not counted yet */
        trial->done = trial->found = true;
        snprintf(trial->check, sizeof trial->check, "%s", check_table[CHECK_CRASH].id);
    }
    if (trial->found) {
        struct verdict verdict;
        trial->without_fault =
            detect_replay(plan->target, "", shared->candidate.bytes, shared->candidate.size_bytes, &verdict);
    }
}

static uint64_t executions_of(const struct shared_trial *shared, unsigned count) {
    uint64_t executions = 0;
    for (unsigned i = 0; i < count; i++) {
        executions += shared[i].trial.executions;
    }
    return executions;
}

/* False when a process could not be made. pids[i] is 0 before and after trial i runs. */
static bool run_all(const struct detect_plan *plan, struct shared_trial *shared, pid_t *pids) {
    unsigned next = 0, done = 0;
    while (done < plan->trials && !interrupted()) {
        while (next - done < CHILDREN_AT_ONCE && next < plan->trials) {
            pids[next] = start(plan, &shared[next], next);
            if (pids[next] < 0) {
                perror("hakfuzz detect: cannot make a process");
                return false;
            }
            next++;
        }
        unsigned done_before = done;
        for (unsigned i = 0; i < next; i++) {
            if (pids[i] > 0 && waitpid(pids[i], NULL, WNOHANG) == pids[i]) {
                pids[i] = 0;
                finish(plan, &shared[i]);
                done++;
            }
        }
        progress("%s: %u of %u trials done, %llu executions", plan->fault->name, done, plan->trials,
                 (unsigned long long)executions_of(shared, plan->trials));
        if (done == done_before) {
            nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000L}, NULL);
        }
    }
    return true;
}

static void stop_all(const pid_t *pids, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        if (pids[i] > 0) {
            kill(pids[i], SIGKILL);
            waitpid(pids[i], NULL, 0);
        }
    }
}

bool detect_builtin(const struct detect_plan *plan, struct detect_trial *trials) {
    pid_t pids[DETECT_TRIALS_MAX] = {0};
    size_t bytes = plan->trials * sizeof(struct shared_trial);
    struct shared_trial *shared = map_shared(bytes);
    if (shared == NULL) {
        return false;
    }
    bool good = run_all(plan, shared, pids);
    stop_all(pids, plan->trials);
    for (unsigned i = 0; i < plan->trials; i++) {
        trials[i] = shared[i].trial;
    }
    munmap(shared, bytes);
    return good;
}
