/* worker: one page range is shared; a byte through a socket says "run", another says "done". What the child prints goes
 * to a file that is looked at when it has died. */
#include "tools/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "oracle/transcript.h"

enum {
    WORKER_BYTES_MAX = PROGRAM_BYTES_MAX + TRANSCRIPT_GENES_MAX * PROGRAM_RECORD_BYTES,
    OUTPUT_BYTES_MAX = 1 << 20,
};

/* Seen by both. Pointers are into constant tables, which stand at one address before and after fork. */
struct order {
    struct choice choice;
    struct program program; /* its bytes are `bytes` */
    unsigned repeats;
    bool notes;
    struct verdict verdict;
    uint32_t noted;
    struct gene genes[TRANSCRIPT_GENES_MAX];
    uint8_t bytes[WORKER_BYTES_MAX];
};

struct worker {
    struct order *order;
    unsigned timeout_s;
    pid_t pid; /* 0: none */
    int socket;
    FILE *output;
};

/* --- the child --- */

static void set_nondeterminism(struct verdict *verdict, const char *where, const char *message) {
    verdict->check = CHECK_NONDETERMINISM;
    snprintf(verdict->signature, sizeof verdict->signature, "%s/%s", check_table[CHECK_NONDETERMINISM].id, where);
    snprintf(verdict->message, sizeof verdict->message, "%s", message);
}

/* Signatures are those of `hakfuzz run` and `hakfuzz repro`. */
static void carry_out(struct order *order) {
    struct verdict verdict, again;
    world_arm_fault(order->choice.fault);
    uint64_t hash_before = order->repeats > 1 ? world_state_hash() : 0;
    transcript_note(order->notes ? order->genes : NULL, TRANSCRIPT_GENES_MAX, &order->noted);
    world_run(order->choice.target, &order->program, NULL, &verdict);
    transcript_note(NULL, 0, NULL);
    if (order->repeats > 1 && verdict.check == CHECK_NONE && world_state_hash() != hash_before) {
        set_nondeterminism(&verdict, "reset", "reset left something behind");
    }
    for (unsigned i = 1; i < order->repeats; i++) {
        world_run(order->choice.target, &order->program, NULL, &again);
        if (strcmp(again.signature, verdict.signature) != 0 || again.trace_hash != verdict.trace_hash) {
            set_nondeterminism(&verdict, "trace", "runs of one input gave different outcomes");
            break;
        }
    }
    order->verdict = verdict;
}

_Noreturn static void serve(struct order *order, int socket, int output_fd) {
    static const struct rlimit no_core = {0, 0};
    char byte;
    setpgid(0, 0); /* Ctrl-C is for the tool, which then asks for no more */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setrlimit(RLIMIT_CORE, &no_core);
    dup2(output_fd, STDOUT_FILENO);
    dup2(output_fd, STDERR_FILENO);
    while (read(socket, &byte, 1) == 1) {
        carry_out(order);
        if (write(socket, &byte, 1) != 1) {
            break;
        }
    }
    _exit(0);
}

/* --- the tool --- */

static bool complain(void) {
    fprintf(stderr, "hakfuzz: cannot fork a process to run programs in: %s\n", strerror(errno));
    return false;
}

struct worker *worker_open(unsigned timeout_s) {
    struct worker *worker = calloc(1, sizeof *worker);
    void *shared =
        mmap(NULL, sizeof *worker->order, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (worker == NULL || shared == MAP_FAILED) {
        free(worker);
        complain();
        return NULL;
    }
    worker->order = shared;
    worker->timeout_s = timeout_s;
    return worker;
}

static bool start(struct worker *worker) {
    int pair[2];
    worker->output = tmpfile();
    if (worker->output == NULL || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        return complain();
    }
    fflush(NULL);
    worker->pid = fork();
    if (worker->pid == 0) {
        close(pair[0]);
        serve(worker->order, pair[1], fileno(worker->output));
    }
    close(pair[1]);
    worker->socket = pair[0];
    if (worker->pid < 0) {
        worker->pid = 0;
        close(worker->socket);
        return complain();
    }
    return true;
}

static void stop(struct worker *worker, struct child *child) {
    if (worker->pid != 0) {
        kill(worker->pid, SIGKILL);
        waitpid(worker->pid, &child->status, 0);
        close(worker->socket);
        worker->pid = 0;
    }
    if (worker->output != NULL) {
        long end = fseek(worker->output, 0, SEEK_END) == 0 ? ftell(worker->output) : 0;
        child->output = calloc(1, OUTPUT_BYTES_MAX + 1);
        if (child->output != NULL &&
            fseek(worker->output, end > OUTPUT_BYTES_MAX ? end - OUTPUT_BYTES_MAX : 0, SEEK_SET) == 0) {
            child->output_bytes = fread(child->output, 1, OUTPUT_BYTES_MAX, worker->output);
        }
        fclose(worker->output);
        worker->output = NULL;
    }
}

void worker_close(struct worker *worker) {
    if (worker != NULL) {
        struct child unused = {0};
        stop(worker, &unused);
        free(unused.output);
        munmap(worker->order, sizeof *worker->order);
        free(worker);
    }
}

static void set_words(struct verdict *verdict, enum check check, const char *signature, const char *message) {
    verdict->check = check;
    snprintf(verdict->signature, sizeof verdict->signature, "%s", signature);
    snprintf(verdict->message, sizeof verdict->message, "%s", message);
}

void child_verdict(const struct child *child, struct verdict *verdict) {
    struct child_finding finding;
    char outcome[64], signature[SIGNATURE_BYTES_MAX];
    *verdict = (struct verdict){.check = CHECK_NONE};
    bool sanitized = child_find_sanitizer(child, &finding);
    if (child_find(child, &finding) || sanitized) {
        snprintf(signature, sizeof signature, "%.*s", (int)sizeof signature - 1, finding.signature);
        set_words(verdict, CHECK_CRASH, signature, sanitized ? "a sanitizer stopped the allocator" : "");
        for (unsigned i = CHECK_NONE + 1; i < CHECK_COUNT; i++) {
            if (strcmp(check_table[i].id, finding.check) == 0) {
                verdict->check = (enum check)i;
            }
        }
        verdict->trace_hash = finding.trace_hash;
        verdict->record = finding.record;
        verdict->operations = finding.operations;
    } else if (child->timed_out) {
        set_words(verdict, CHECK_LIVELOCK, "livelock/hang", "it did not come to its end in time");
    } else if (!WIFEXITED(child->status) || WEXITSTATUS(child->status) != 0) {
        child_outcome(child, outcome, sizeof outcome);
        snprintf(signature, sizeof signature, "crash/process/%s", outcome);
        set_words(verdict, CHECK_CRASH, signature, "the process that ran it died");
    }
}

/* Wait for the child; false: it died or was killed, and `child` knows how. */
static bool wait_done(struct worker *worker, struct child *child) {
    struct pollfd poll_fd = {.fd = worker->socket, .events = POLLIN};
    char byte;
    int ready;
    do {
        ready = poll(&poll_fd, 1, (int)worker->timeout_s * 1000);
    } while (ready < 0 && errno == EINTR); /* Ctrl-C: the caller ends after this run */
    if (ready > 0 && read(worker->socket, &byte, 1) == 1) {
        return true;
    }
    child->timed_out = ready == 0;
    child->timeout_s = worker->timeout_s;
    if (ready != 0) { /* it is dying: by what, it must be let */
        waitpid(worker->pid, &child->status, 0);
        worker->pid = 0;
        close(worker->socket);
    }
    stop(worker, child);
    return false;
}

static bool run(struct worker *worker, const struct choice *choice, const struct program *program, unsigned repeats,
                bool notes, struct verdict *verdict) {
    struct order *order = worker->order;
    struct child child = {0};
    char byte = 'r';
    if (worker->pid == 0 && !start(worker)) {
        return false;
    }
    order->choice = *choice;
    order->program = *program;
    order->program.bytes = order->bytes;
    order->program.size_bytes = program->size_bytes < WORKER_BYTES_MAX ? program->size_bytes : WORKER_BYTES_MAX;
    order->repeats = repeats;
    order->notes = notes;
    order->noted = 0;
    if (order->program.size_bytes != 0) {
        memcpy(order->bytes, program->bytes, order->program.size_bytes);
    }
    bool sent = send(worker->socket, &byte, 1, MSG_NOSIGNAL) == 1;
    if (sent && wait_done(worker, &child)) {
        *verdict = order->verdict;
    } else {
        child_verdict(&child, verdict);
    }
    free(child.output);
    return true;
}

/* --- another malloc --- */

/* Runs there are processes of their own already. */
static bool run_foreign(const struct choice *choice, const struct program *program, unsigned repeats,
                        struct verdict *verdict) {
    static struct real_outcome outcome;
    char why[VERDICT_MESSAGE_BYTES_MAX];
    struct real_plan plan = malloc_plan(choice->malloc, choice->target, choice->fault);
    for (unsigned i = 0; i < repeats; i++) {
        if (!real_run(&plan, program, &outcome, why, sizeof why)) {
            fprintf(stderr, "hakfuzz: %s\n", why);
            return false;
        }
        if (i > 0 && strcmp(outcome.verdict.signature, verdict->signature) != 0) {
            set_nondeterminism(verdict, "trace", "runs of one input gave different outcomes");
            break;
        }
        *verdict = outcome.verdict;
    }
    return true;
}

bool worker_run(struct worker *worker, const struct choice *choice, const struct program *program, unsigned repeats,
                struct verdict *verdict) {
    return choice->malloc != NULL ? run_foreign(choice, program, repeats, verdict)
                                  : run(worker, choice, program, repeats, false, verdict);
}

bool worker_note(struct worker *worker, const struct choice *choice, const struct program *program, struct gene *genes,
                 uint32_t capacity, uint32_t *noted, struct verdict *verdict) {
    *noted = 0;
    if (choice->malloc != NULL) { /* operations follow one another as the program has them: nothing is drawn */
        return run_foreign(choice, program, 1, verdict);
    }
    if (!run(worker, choice, program, 1, true, verdict)) {
        return false;
    }
    *noted = worker->order->noted;
    uint32_t count = *noted < capacity ? *noted : capacity;
    memcpy(genes, worker->order->genes, count * sizeof genes[0]);
    return true;
}
