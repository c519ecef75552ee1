/* forked: waiting for a process that was forked to do what may not come to an end. Any thread that has no other child.
 */
#ifndef HAKMEM_ORACLE_FORKED_H
#define HAKMEM_ORACLE_FORKED_H

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/wait.h>

/* Wait at most timeout_ms, then kill it. alive_fd is the reading end of a pipe whose other end only the child has.
 * Whether it came to its end by itself; *status is that of waitpid in either case. */
static inline bool forked_wait(pid_t pid, int alive_fd, int timeout_ms, int *status) {
    struct pollfd alive = {.fd = alive_fd};
    int ready;
    do {
        ready = poll(&alive, 1, timeout_ms);
    } while (ready < 0 && errno == EINTR);
    if (ready == 0) {
        kill(pid, SIGKILL);
    }
    while (waitpid(pid, status, 0) < 0 && errno == EINTR) {
    }
    return ready != 0;
}

#endif
