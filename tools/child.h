/* child: runs other binaries with their output captured, a time limit, no core files, and at most a few at once.
 *
 * Children die with the tool. Single-threaded; the only state is the list of jobs the caller owns. */
#ifndef HAKMEM_TOOLS_CHILD_H
#define HAKMEM_TOOLS_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { CHILDREN_AT_ONCE = 2, CHILD_ARGUMENTS_MAX = 20 };

struct child {
    /* filled in by the caller */
    const char *arguments[CHILD_ARGUMENTS_MAX + 1]; /* [0] is an absolute path; ends in NULL */
    const char *directory;                          /* working directory */
    const char *fault;                              /* HAKMEM_FAULT of the child; "none" is passed as it is */
    const char *without;                            /* HAKMEM_WITHOUT of the child; NULL as it is here */
    const char *const *environment;                 /* "NAME=VALUE", ends in NULL; NULL: nothing more */
    unsigned timeout_s;
    /* filled in by children_run */
    char *output; /* the last MiB of standard output and error together, ends in '\0'; children_free frees */
    size_t output_bytes;
    uint64_t wall_ns;
    int status; /* of waitpid */
    int error;  /* errno when it could not be started, else 0 */
    bool timed_out;
    bool done;
    pid_t pid;
    int output_fd;
};

/* Run all, `at_once` side by side. `tick` is called every few milliseconds with the number that are done; when it
 * returns false the rest are killed and left undone. */
typedef bool children_tick(void *context, size_t done);
void children_run(struct child *children, size_t count, unsigned at_once, children_tick *tick, void *context);
void children_free(struct child *children, size_t count);

/* "exit 77", "signal 6 (Aborted)", "killed after 60 s", "could not start: ..." */
void child_outcome(const struct child *child, char *buffer, size_t capacity);

/* The finding a fuzz target printed: the signature of the last "hakmem-finding: {json}" line. False when there is none.
 */
struct child_finding {
    char check[48];
    char signature[128];
    uint64_t trace_hash; /* 0 when the line has none */
    uint32_t record;
    uint32_t operations;
};
bool child_find(const struct child *child, struct child_finding *finding);
/* The report of a sanitizer that ended the child: check and signature are made from its last "SUMMARY: " line, with
 * what differs between machines left out. False when there is none. */
bool child_find_sanitizer(const struct child *child, struct child_finding *finding);
/* Whether one of the lines that every fuzz target ends with is there. */
bool child_is_fuzz_target(const struct child *child);

#endif
