/* load_worker: see the header. The state of a child is `work`. Everything of its own is mapped and resident before the
 * first step, the stacks of its threads too. */
#include "tools/load_worker.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "oracle/backend.h"
#include "tools/verb.h"

enum {
    TOUCH_BYTES = 4096,
    STACK_BYTES = 256 << 10,
    PATIENCE_S = 30,
    CALIBRATIONS = 16,
    PASSES_LEAST = 4,
    PASSES_WARM = 12
};

/* A thread waits for `go`, carries out what stands in `work`, and posts `done`. */
struct hand {
    pthread_t thread;
    sem_t go;
    sem_t done;
    void *stack;
    bool runs;
};

static struct {
    struct load_order *order;
    struct backend malloc;
    void **handles; /* of bank b and slot s: [b * slots + s] */
    uint64_t cpu_ns;
    uint64_t clock_ns; /* what asking for the time takes */
    uint64_t refused;
    uint64_t base_bytes;
    uint32_t first, end; /* of the steps that a thread is to carry out */
    bool samples;
    struct hand hands[PROGRAM_THREADS_MAX]; /* [0] is unused: the process's own */
} work;

/* --- what is measured --- */

static uint64_t cpu_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * 1000000000U + (uint64_t)time.tv_nsec;
}

static void calibrate(void) {
    work.clock_ns = UINT64_MAX;
    for (unsigned i = 0; i < CALIBRATIONS; i++) {
        uint64_t start = cpu_ns(), took = cpu_ns() - start;
        work.clock_ns = took < work.clock_ns ? took : work.clock_ns;
    }
}

static uint64_t faults(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (uint64_t)usage.ru_minflt;
}

/* Page by page, unlike the counters in /proc/self/status, which are behind by some. */
static uint64_t resident_bytes(void) {
    char text[2048];
    static const char field[] = "\nAnonymous:";
    int fd = open("/proc/self/smaps_rollup", O_RDONLY | O_CLOEXEC);
    ssize_t length = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
    if (fd >= 0) {
        close(fd);
    }
    text[length > 0 ? length : 0] = '\0';
    const char *found = strstr(text, field);
    uint64_t bytes = found != NULL ? strtoull(found + sizeof field - 1, NULL, 10) * 1024 : 0;
    return bytes > work.base_bytes ? bytes - work.base_bytes : 0;
}

static void sample(void) {
    struct load_result *result = &work.order->result;
    uint64_t bytes = resident_bytes();
    result->peak_bytes = bytes > result->peak_bytes ? bytes : result->peak_bytes;
}

/* --- steps --- */

static void touch(volatile unsigned char *block, uint64_t from, uint64_t size_bytes) {
    for (uint64_t at = from; at < size_bytes; at += TOUCH_BYTES) {
        block[at] = 1;
    }
    block[size_bytes - 1] = 1;
}

static void *make(const struct load_step *step) {
    size_t align_bytes = (size_t)1 << step->align_shift;
    void *block = NULL;
    switch (step->call) {
    case LOAD_MALLOC:
        return work.malloc.malloc(step->size_bytes);
    case LOAD_CALLOC:
        return work.malloc.calloc(1, step->size_bytes);
    default:
        return work.malloc.posix_memalign(&block, align_bytes, step->size_bytes) == 0 ? block : NULL;
    }
}

static void carry_out(const struct load_step *step, void **slot) {
    void *block;
    switch (step->call) {
    case LOAD_FREE:
        work.malloc.free(*slot);
        *slot = NULL;
        return;
    case LOAD_FREE_SIZED:
        if (work.malloc.free_sized != NULL && *slot != NULL) {
            work.malloc.free_sized(*slot, step->old_bytes);
        } else {
            work.malloc.free(*slot);
        }
        *slot = NULL;
        return;
    case LOAD_USABLE:
        if (work.malloc.usable_size != NULL) {
            (void)work.malloc.usable_size(*slot);
        }
        return;
    case LOAD_REALLOC:
        block = work.malloc.realloc(*slot, step->size_bytes);
        break;
    default:
        block = make(step);
        break;
    }
    if (block == NULL) {
        work.refused++;
        return;
    }
    *slot = block;
    touch(block, step->call == LOAD_REALLOC ? step->old_bytes & ~(uint64_t)(TOUCH_BYTES - 1) : 0, step->size_bytes);
}

static void phase_run(const struct load *load, uint32_t first, uint32_t end) {
    for (uint32_t bank = 0; bank < work.order->banks; bank++) {
        void **slots = &work.handles[(size_t)bank * load->slots];
        for (uint32_t i = first; i < end; i++) {
            carry_out(&load->steps[i], &slots[load->steps[i].slot]);
        }
    }
}

/* Phases of one thread. */
static void stretch_run(void) {
    const struct load *load = &work.order->load;
    uint64_t start = cpu_ns();
    for (uint32_t at = work.first, end; at < work.end; at = end) {
        for (end = at; end < work.end && load->steps[end].phase == load->steps[at].phase; end++) {
        }
        if (work.samples && at == load->record_steps) {
            work.order->result.left_bytes = resident_bytes();
        }
        phase_run(load, at, end);
        if (work.samples) {
            sample();
        }
    }
    uint64_t took = cpu_ns() - start;
    work.cpu_ns += took > work.clock_ns ? took - work.clock_ns : 0;
}

/* --- threads --- */

static void *hand_run(void *argument) {
    struct hand *hand = argument;
    for (;;) {
        while (sem_wait(&hand->go) != 0) {
        }
        if (work.first == work.end) {
            return NULL;
        }
        stretch_run();
        sem_post(&hand->done);
    }
}

static void hand_start(struct hand *hand) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstack(&attributes, hand->stack, STACK_BYTES);
    sem_init(&hand->go, 0, 0);
    sem_init(&hand->done, 0, 0);
    if (pthread_create(&hand->thread, &attributes, hand_run, hand) != 0) {
        _exit(EXIT_USAGE);
    }
    pthread_attr_destroy(&attributes);
    hand->runs = true;
}

static void hand_end(struct hand *hand) {
    if (hand->runs) {
        work.first = work.end = 0;
        sem_post(&hand->go);
        pthread_join(hand->thread, NULL);
        hand->runs = false;
    }
}

static void stretch_hand_over(uint8_t thread) {
    struct hand *hand = &work.hands[thread];
    if (thread == 0) {
        stretch_run();
        return;
    }
    if (!hand->runs) {
        hand_start(hand);
    }
    sem_post(&hand->go);
    while (sem_wait(&hand->done) != 0) {
    }
}

static void pass_run(void) {
    const struct load *load = &work.order->load;
    for (uint32_t at = 0, end; at < load->step_count; at = end) {
        const struct load_step *step = &load->steps[at];
        if (step->call == LOAD_THREAD_END) {
            hand_end(&work.hands[step->thread]);
            end = at + 1;
            continue;
        }
        for (end = at; end < load->step_count && load->steps[end].thread == step->thread &&
                       load->steps[end].call != LOAD_THREAD_END;
             end++) {
        }
        work.first = at;
        work.end = end;
        stretch_hand_over(step->thread);
    }
}

/* --- a run --- */

static void run_of_memory(void) {
    struct load_result *result = &work.order->result;
    work.base_bytes = resident_bytes();
    work.samples = true;
    pass_run();
    result->operations = (uint64_t)work.order->load.calls * work.order->banks;
    result->kept_bytes = resident_bytes();
    if (work.order->load.record_steps == work.order->load.step_count) { /* nothing was left */
        result->left_bytes = result->kept_bytes;
    }
}

/* Passes until the time is used up; how many. */
static uint64_t passes_run(uint64_t least) {
    uint64_t passes = 0;
    work.cpu_ns = 0;
    while (passes < least || work.cpu_ns < work.order->wanted_ns) {
        pass_run();
        passes++;
    }
    return passes;
}

static void run_of_time(void) {
    struct load_result *result = &work.order->result;
    (void)passes_run(PASSES_WARM);
    uint64_t faults_before = faults(), passes = passes_run(PASSES_LEAST);
    result->faults = faults() - faults_before;
    result->cpu_ns = work.cpu_ns;
    result->operations = passes * work.order->load.calls * work.order->banks;
}

static void *map_resident(size_t bytes) {
    void *mapped = mmap(NULL, bytes + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    return mapped == MAP_FAILED ? NULL : mapped;
}

_Noreturn static void child_run(pid_t parent) {
    const struct load *load = &work.order->load;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(EXIT_USAGE);
    }
    alarm(PATIENCE_S);
    bool good = true;
    for (unsigned i = 1; i < PROGRAM_THREADS_MAX; i++) {
        work.hands[i].stack = (load->threads >> i & 1) != 0 ? map_resident(STACK_BYTES) : NULL;
        good = good && ((load->threads >> i & 1) == 0 || work.hands[i].stack != NULL);
    }
    work.handles = map_resident((size_t)work.order->banks * load->slots * sizeof *work.handles);
    if (!good || work.handles == NULL) {
        _exit(EXIT_USAGE);
    }
    calibrate();
    if (work.order->is_timed) {
        run_of_time();
    } else {
        run_of_memory();
    }
    work.order->result.refused = work.refused;
    work.order->result.done = true;
    _exit(EXIT_CLEAN);
}

/* --- the worker --- */

static bool open_malloc(const char *prefix) {
    const char *library = getenv("LD_PRELOAD");
    char why[512];
    if (!backend_open(&work.malloc, library != NULL ? library : "libc", prefix, why, sizeof why)) {
        fprintf(stderr, "hakfuzz diff: %s\n", why);
        return false;
    }
    if (work.malloc.calloc == NULL || work.malloc.realloc == NULL || work.malloc.posix_memalign == NULL) {
        fprintf(stderr, "hakfuzz diff: %s has malloc, but not calloc, realloc and posix_memalign too, behind '%s'\n",
                library != NULL ? library : "libc", prefix);
        return false;
    }
    return true;
}

int load_work(int socket, int memory, const char *prefix) {
    void *mapped = mmap(NULL, sizeof *work.order, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
    if (mapped == MAP_FAILED || !open_malloc(prefix)) {
        return EXIT_USAGE;
    }
    work.order = mapped;
    for (char byte = 'r'; write(socket, &byte, 1) == 1 && read(socket, &byte, 1) == 1;) {
        pid_t self = getpid(), pid = fork();
        if (pid == 0) {
            child_run(self);
        }
        while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
        }
    }
    return EXIT_CLEAN;
}
