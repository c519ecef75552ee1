/* child: fork, exec, wait. Output goes to an unlinked file, not a pipe: nothing can block, and a crash keeps all that
 * was written. A child is a process group of its own and dies with the tool. */
#include "tools/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "oracle/guide.h"
#include "tools/terminal.h"

enum { OUTPUT_TAIL_BYTES = 1 << 20, OUTPUT_FILE_BYTES_MAX = 64 << 20, POLL_MS = 2, EXEC_FAILED = 126 };

static bool set_environment(const struct child *child) {
    bool good = setenv("HAKMEM_FAULT", child->fault, 1) == 0 &&
                (child->without == NULL || setenv(GUIDE_VARIABLE, child->without, 1) == 0);
    for (const char *const *word = child->environment; good && word != NULL && *word != NULL; word++) {
        good = putenv((char *)(uintptr_t)*word) == 0;
    }
    return good;
}

/* In the child, after fork: only what is safe there, then exec. */
_Noreturn static void become(const struct child *child, int output_fd, int error_fd) {
    static const struct rlimit no_core = {0, 0};
    static const struct rlimit file_size = {OUTPUT_FILE_BYTES_MAX, OUTPUT_FILE_BYTES_MAX};
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setrlimit(RLIMIT_CORE, &no_core);
    setrlimit(RLIMIT_FSIZE, &file_size);
    int null_fd = open("/dev/null", O_RDONLY);
    if (null_fd >= 0 && dup2(null_fd, STDIN_FILENO) >= 0 && dup2(output_fd, STDOUT_FILENO) >= 0 &&
        dup2(output_fd, STDERR_FILENO) >= 0 && chdir(child->directory) == 0 && set_environment(child)) {
        execv(child->arguments[0], (char *const *)child->arguments);
    }
    int error = errno;
    ssize_t ignored = write(error_fd, &error, sizeof error);
    (void)ignored;
    _exit(EXEC_FAILED);
}

/* An unlinked file. */
static int output_open(void) {
    FILE *file = tmpfile();
    int fd = file != NULL ? fcntl(fileno(file), F_DUPFD_CLOEXEC, 3) : -1;
    if (file != NULL) {
        fclose(file);
    }
    return fd;
}

static void start(struct child *child) {
    int error_pipe[2] = {-1, -1};
    child->wall_ns = clock_ns();
    child->output_fd = output_open();
    child->pid = -1;
    if (child->output_fd >= 0 && pipe2(error_pipe, O_CLOEXEC) == 0) {
        fflush(NULL);
        child->pid = fork();
        if (child->pid == 0) {
            become(child, child->output_fd, error_pipe[1]);
        }
    }
    child->error = child->pid < 0 ? errno : 0;
    if (error_pipe[1] >= 0) {
        close(error_pipe[1]);
        int error = 0;
        /* Empty and closed once exec has succeeded. */
        if (child->pid > 0 && read(error_pipe[0], &error, sizeof error) == (ssize_t)sizeof error) {
            child->error = error;
        }
        close(error_pipe[0]);
    }
}

/* Keep the last part of what the child wrote. */
static void collect_output(struct child *child) {
    off_t end = child->output_fd >= 0 ? lseek(child->output_fd, 0, SEEK_END) : 0;
    off_t from = end > OUTPUT_TAIL_BYTES ? end - OUTPUT_TAIL_BYTES : 0;
    child->output = calloc(1, (size_t)OUTPUT_TAIL_BYTES + 1);
    while (child->output != NULL && from < end) {
        ssize_t got = pread(child->output_fd, child->output + child->output_bytes, (size_t)(end - from), from);
        if (got <= 0) {
            break;
        }
        child->output_bytes += (size_t)got;
        from += got;
    }
    if (child->output_fd >= 0) {
        close(child->output_fd);
    }
}

static void finish(struct child *child) {
    child->wall_ns = clock_ns() - child->wall_ns;
    collect_output(child);
    child->done = true;
}

static void kill_child(struct child *child) {
    kill(-child->pid, SIGKILL);
    kill(child->pid, SIGKILL);
}

/* Whether it has ended, by itself or by its time limit. */
static bool ended(struct child *child) {
    if (child->pid < 0) {
        return true;
    }
    if (!child->timed_out && clock_ns() - child->wall_ns > child->timeout_s * UINT64_C(1000000000)) {
        kill_child(child);
        child->timed_out = true;
    }
    pid_t got = waitpid(child->pid, &child->status, WNOHANG);
    if (got < 0 && errno != EINTR) {
        child->error = errno;
        return true;
    }
    return got == child->pid;
}

static void abandon(struct child *child) {
    if (child->pid > 0) {
        kill_child(child);
        waitpid(child->pid, &child->status, 0);
    }
    child->wall_ns = 0;
    collect_output(child);
}

void children_run(struct child *children, size_t count, unsigned at_once, children_tick *tick, void *context) {
    size_t next = 0, done = 0, first_running = 0;
    unsigned running = 0;
    bool go_on = true;
    while (go_on && done < count) {
        while (running < at_once && next < count) {
            start(&children[next++]);
            running++;
        }
        for (size_t i = first_running; i < next; i++) {
            if (!children[i].done && ended(&children[i])) {
                finish(&children[i]);
                running--;
                done++;
            }
        }
        while (first_running < next && children[first_running].done) {
            first_running++;
        }
        go_on = tick == NULL || tick(context, done);
        if (go_on && done < count && (running == at_once || next == count)) {
            nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000L}, NULL);
        }
    }
    for (size_t i = first_running; i < next; i++) {
        if (!children[i].done) {
            abandon(&children[i]);
        }
    }
}

void children_free(struct child *children, size_t count) {
    for (size_t i = 0; i < count; i++) {
        free(children[i].output);
        children[i].output = NULL;
    }
}

void child_outcome(const struct child *child, char *buffer, size_t capacity) {
    if (child->error != 0) {
        snprintf(buffer, capacity, "could not start: %s", strerror(child->error));
    } else if (child->timed_out) {
        snprintf(buffer, capacity, "killed after %u s", child->timeout_s);
    } else if (WIFSIGNALED(child->status)) {
        snprintf(buffer, capacity, "signal %d (%s)", WTERMSIG(child->status), strsignal(WTERMSIG(child->status)));
    } else {
        snprintf(buffer, capacity, "exit %d", WEXITSTATUS(child->status));
    }
}
