/* record_run: runs a command with the recorder in front of its malloc. */
#ifndef HAKMEM_TOOLS_RECORD_RUN_H
#define HAKMEM_TOOLS_RECORD_RUN_H

#include <stdbool.h>
#include <stdint.h>

struct record_run {
    const char *const *command; /* ends in NULL */
    const char *recorder;       /* path of the library; NULL: run without it */
    const char *directory;      /* for what it writes, absolute */
    bool output_to_error;       /* the command's standard output is our standard error */
    bool quiet;                 /* it has no output */
    /* filled in by record_run */
    int status; /* of waitpid */
    uint64_t wall_ns;
    bool interrupted; /* by Ctrl-C, whatever the command made of it */
};

/* Until the command itself has ended. Ctrl-C is the command's to handle; SIGTERM and SIGHUP are passed on to it. False,
 * with a message, when it could not be started. */
bool record_run(struct record_run *run, const char *verb_name);

/* "exit status 3", "killed by signal 9 (Killed)" */
const char *record_outcome(int status, char *buffer, unsigned capacity);

#endif
