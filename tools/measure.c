/* measure: see the header. */
#include "tools/measure.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/verb.h"

const struct metric_info metric_table[METRIC_COUNT] = {
#define METRIC_INFO(id, name, unit, meaning) [METRIC_##id] = {name, unit, meaning},
    METRIC_TABLE(METRIC_INFO)
#undef METRIC_INFO
};

enum metric metric_find(const char *name) {
    unsigned i = 0;
    while (i < METRIC_COUNT && strcmp(metric_table[i].name, name) != 0) {
        i++;
    }
    return (enum metric)i;
}

/* --- workers --- */

/* In the child, after fork. */
_Noreturn static void become_worker(const struct measure *measure, const struct contender *contender, int socket,
                                    int memory) {
    char order[16];
    char *name = NULL;
    snprintf(order, sizeof order, "%d", memory);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGINT, SIG_IGN); /* the tool ends it */
    bool good =
        asprintf(&name, "worker=%s", contender->prefix) > 0 && dup2(socket, STDIN_FILENO) >= 0 &&
        fcntl(memory, F_SETFD, 0) == 0 &&
        (contender->library != NULL ? setenv("LD_PRELOAD", contender->library, 1) : unsetenv("LD_PRELOAD")) == 0;
    if (good) {
        execl(measure->self, measure->self, "diff", "--worker", order, "--malloc", name, (char *)NULL);
    }
    _exit(EXIT_USAGE);
}

/* It says that it is there. */
static bool start(struct measure *measure, struct contender *contender) {
    int pair[2] = {-1, -1}, memory = memfd_create("order", MFD_CLOEXEC);
    char byte = 0;
    bool good = memory >= 0 && ftruncate(memory, sizeof *contender->order) == 0 &&
                socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0;
    void *mapped =
        good ? mmap(NULL, sizeof *contender->order, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0) : MAP_FAILED;
    if (mapped != MAP_FAILED) {
        fflush(NULL);
        contender->order = mapped;
        contender->socket = pair[0];
        contender->pid = fork();
        if (contender->pid == 0) {
            become_worker(measure, contender, pair[1], memory);
        }
    }
    good = mapped != MAP_FAILED && contender->pid > 0;
    if (!good) {
        fprintf(stderr, "hakfuzz diff: no process to measure %s in: %s\n", contender->name, strerror(errno));
    }
    if (pair[1] >= 0) {
        close(pair[1]);
    }
    if (memory >= 0) {
        close(memory);
    }
    if (good && read(contender->socket, &byte, 1) != 1) {
        fprintf(stderr, "hakfuzz diff: %s cannot be measured: a process with it preloaded does not start\n",
                contender->name);
        good = false;
    }
    return good;
}

bool measure_open(struct measure *measure) {
    bool good = true;
    for (unsigned i = 0; i < measure->count && good; i++) {
        good = start(measure, &measure->contenders[i]);
    }
    return good;
}

void measure_close(struct measure *measure) {
    for (unsigned i = 0; i < measure->count; i++) {
        struct contender *contender = &measure->contenders[i];
        if (contender->pid > 0) {
            close(contender->socket);
            while (waitpid(contender->pid, NULL, 0) < 0 && errno == EINTR) {
            }
            munmap(contender->order, sizeof *contender->order);
        }
        contender->pid = 0;
    }
}

/* --- runs --- */

static bool run(struct measure *measure, struct contender *contender, const struct load *load,
                struct load_result *result) {
    char byte = 'g';
    ssize_t got;
    struct load_order *order = contender->order;
    order->result = (struct load_result){.done = false};
    memcpy(&order->load, load, offsetof(struct load, steps) + load->step_count * sizeof load->steps[0]);
    measure->runs++;
    bool good = send(contender->socket, &byte, 1, MSG_NOSIGNAL) == 1;
    do {
        got = good ? read(contender->socket, &byte, 1) : 0;
    } while (got < 0 && errno == EINTR);
    *result = order->result;
    if (got != 1) {
        fprintf(stderr, "hakfuzz diff: the process that measures %s is gone\n", contender->name);
    }
    return got == 1;
}

bool measure_memory(struct measure *measure, unsigned malloc, const struct load *load, struct load_result *result) {
    struct contender *contender = &measure->contenders[malloc];
    contender->order->is_timed = false;
    contender->order->banks = load_banks(load, measure->live_bytes, LOAD_BANKS_MAX);
    return run(measure, contender, load, result);
}

bool measure_time(struct measure *measure, unsigned malloc, const struct load *load, uint64_t wanted_ns,
                  struct load_result *result) {
    struct contender *contender = &measure->contenders[malloc];
    contender->order->is_timed = true;
    contender->order->wanted_ns = wanted_ns;
    contender->order->banks = load_banks(load, MEASURE_LIVE_MIB << 20, MEASURE_BANKS);
    return run(measure, contender, load, result);
}

bool measure_metric(struct measure *measure, unsigned malloc, const struct load *load, enum metric metric,
                    double *value) {
    struct load_result result;
    uint64_t banks = load_banks(load, measure->live_bytes, LOAD_BANKS_MAX);
    uint64_t live_bytes = banks * (metric == METRIC_MEMORY ? load->peak_bytes : load->left_bytes);
    bool is_time = metric == METRIC_TIME;
    *value = NAN;
    if (!measure_is_fit(load) || (!is_time && !measure_is_enough(measure, live_bytes))) {
        return true;
    }
    bool good = is_time ? measure_time(measure, malloc, load, MEASURE_NS, &result)
                        : measure_memory(measure, malloc, load, &result);
    if (good && result.done && result.refused == 0) {
        *value = is_time
                     ? (double)result.cpu_ns / (double)result.operations
                     : (double)(metric == METRIC_MEMORY ? result.peak_bytes : result.left_bytes) / (double)live_bytes;
    }
    return good;
}
