/* record_run: see the header. One command at a time. */
#include "tools/record_run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/recorder/raw.h"
#include "tools/terminal.h"

enum { EXEC_FAILED = 126 };

static volatile sig_atomic_t running; /* pid, to pass signals on to */

static volatile sig_atomic_t interrupts;

static void note_interrupt(int signal_number) {
    (void)signal_number;
    interrupts = 1;
}

static void pass_on(int signal_number) {
    if (running > 0) {
        kill((pid_t)running, signal_number);
    }
}

/* In front of what the command would preload anyway. */
static bool set_preload(const char *recorder) {
    const char *others = getenv("LD_PRELOAD");
    char *all = NULL;
    if (others == NULL || *others == '\0') {
        return setenv("LD_PRELOAD", recorder, 1) == 0;
    }
    return asprintf(&all, "%s:%s", recorder, others) > 0 && setenv("LD_PRELOAD", all, 1) == 0;
}

static bool set_output(const struct record_run *run) {
    int null_fd = run->quiet ? open("/dev/null", O_WRONLY) : -1;
    return run->quiet ? null_fd >= 0 && dup2(null_fd, STDOUT_FILENO) >= 0 && dup2(null_fd, STDERR_FILENO) >= 0
                      : !run->output_to_error || dup2(STDERR_FILENO, STDOUT_FILENO) >= 0;
}

_Noreturn static void become(const struct record_run *run, int error_fd) {
    bool ready = set_output(run) && (run->recorder == NULL ||
                                     (set_preload(run->recorder) && setenv(RAW_VARIABLE, run->directory, 1) == 0));
    if (ready) {
        execvp(run->command[0], (char *const *)(uintptr_t)run->command);
    }
    int error = errno;
    ssize_t ignored = write(error_fd, &error, sizeof error);
    (void)ignored;
    _exit(EXEC_FAILED);
}

/* What the tool does about signals while the command runs, and what it did before. */
struct signals {
    struct sigaction interrupt, quit, terminate, hang_up;
};

static void signals_set(struct signals *before) {
    struct sigaction ignore = {.sa_handler = SIG_IGN}, pass = {.sa_handler = pass_on, .sa_flags = SA_RESTART};
    struct sigaction note = {.sa_handler = note_interrupt, .sa_flags = SA_RESTART};
    interrupts = 0;
    sigaction(SIGINT, &note, &before->interrupt);
    sigaction(SIGQUIT, &ignore, &before->quit);
    sigaction(SIGTERM, &pass, &before->terminate);
    sigaction(SIGHUP, &pass, &before->hang_up);
}

static void signals_restore(const struct signals *before) {
    sigaction(SIGINT, &before->interrupt, NULL);
    sigaction(SIGQUIT, &before->quit, NULL);
    sigaction(SIGTERM, &before->terminate, NULL);
    sigaction(SIGHUP, &before->hang_up, NULL);
}

bool record_run(struct record_run *run, const char *verb_name) {
    int error_pipe[2];
    if (pipe2(error_pipe, O_CLOEXEC) != 0) {
        fprintf(stderr, "hakfuzz %s: cannot make a pipe: %s\n", verb_name, strerror(errno));
        return false;
    }
    fflush(NULL);
    struct signals before;
    signals_set(&before);
    run->wall_ns = clock_ns();
    pid_t pid = fork();
    if (pid == 0) {
        signals_restore(&before);
        become(run, error_pipe[1]);
    }
    running = pid;
    close(error_pipe[1]);
    int error = pid < 0 ? errno : 0;
    while (pid > 0 && waitpid(pid, &run->status, 0) < 0 && errno == EINTR) {
    }
    running = 0;
    run->wall_ns = clock_ns() - run->wall_ns;
    if (error == 0 && read(error_pipe[0], &error, sizeof error) != (ssize_t)sizeof error) {
        error = 0;
    }
    close(error_pipe[0]);
    signals_restore(&before);
    run->interrupted = interrupts != 0;
    if (error != 0) {
        fprintf(stderr, "hakfuzz %s: cannot run '%s': %s\n", verb_name, run->command[0], strerror(error));
    }
    return error == 0;
}

const char *record_outcome(int status, char *buffer, unsigned capacity) {
    if (WIFSIGNALED(status)) {
        snprintf(buffer, capacity, "killed by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    } else {
        snprintf(buffer, capacity, "exit status %d", WEXITSTATUS(status));
    }
    return buffer;
}
