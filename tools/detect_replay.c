/* detect_replay: an input once more, in a process of its own, and what processes here share. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "oracle/guide.h"
#include "oracle/guided.h"
#include "tools/detect.h"
#include "tools/guard.h"

enum { CHILD_CLEAN = 0, CHILD_FINDING = 3 };

int detect_fork_silent(void) {
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

void *detect_map_shared(size_t bytes) {
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        perror("hakfuzz detect: cannot share memory with children");
        return NULL;
    }
    return memory;
}

bool detect_replay(const struct detect_plan *plan, bool with_fault, const uint8_t *bytes, size_t size_bytes,
                   struct verdict *verdict) {
    struct verdict *shared = detect_map_shared(sizeof *shared);
    pid_t pid = shared != NULL ? detect_fork_silent() : -1;
    if (pid == 0) {
        struct program program;
        (void)guide_take_away(plan->without); /* names that were looked at */
        world_arm_fault(with_fault ? plan->fault->name : "");
        guided_read(&program, plan->target, bytes, size_bytes);
        guard_begin("an input of detect");
        _exit(world_run(plan->target, &program, NULL, shared) == CHECK_NONE ? CHILD_CLEAN : CHILD_FINDING);
    }
    int status = 0;
    bool fails = pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != CHILD_CLEAN;
    *verdict = shared != NULL ? *shared : (struct verdict){0};
    if (shared != NULL) {
        munmap(shared, sizeof *shared);
    }
    return fails;
}
