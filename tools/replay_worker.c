/* replay_worker: see the header.
 *
 * The state that threads share is `work`; slots are the only memory in it that they write. A local slot belongs to one
 * thread; a shared one to the thread whose turn its version says it is. Everything is mapped and resident before the
 * first operation, so that what becomes resident afterwards is the malloc's. */
#include "tools/replay_worker.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "oracle/backend.h"
#include "tools/replay_check.h"
#include "tools/replay_image.h"
#include "tools/terminal.h"
#include "tools/verb.h"

enum { SPINS = 100, TOUCH_BYTES = 4096, STACK_BYTES = 256 << 10 };

struct shared_slot {
    _Atomic uint32_t version;
    void *block;
};

static struct {
    const struct replay_image *image;
    struct backend malloc;
    bool oracle;
    void **local;
    struct shared_slot *shared;
    struct replay_block *about; /* with the oracle: local slots, then shared ones */
    _Atomic uint64_t ended;     /* threads, but thread 0 */
    _Atomic uint64_t running;   /* the same */
    _Atomic uint64_t refused;
    uint64_t resident_at_peak_bytes;
    bool has_peak;
} work;

static void wait_a_little(unsigned *spins) {
    if (++*spins > SPINS) {
        sched_yield();
    }
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

static void *map_resident(uint64_t count, size_t item_bytes) {
    void *mapped =
        mmap(NULL, (count + 1) * item_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    return mapped == MAP_FAILED ? NULL : mapped;
}

/* A number of kilobytes behind `field` in /proc/self/status, as bytes. */
static uint64_t status_bytes(const char *field) {
    char text[4096];
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    ssize_t length = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
    if (fd >= 0) {
        close(fd);
    }
    text[length > 0 ? length : 0] = '\0';
    const char *found = strstr(text, field);
    return found != NULL ? strtoull(found + strlen(field), NULL, 10) * 1024 : 0;
}

/* Let the system count the most that is resident anew. */
static void forget_peak(void) {
    int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        ssize_t ignored = write(fd, "5", 1);
        (void)ignored;
        close(fd);
    }
}

/* One byte on each page, from `from` on, and the last one: programs use what they ask for. */
static void touch(volatile unsigned char *block, uint64_t from, uint64_t size_bytes) {
    for (uint64_t at = from; at < size_bytes; at += TOUCH_BYTES) {
        block[at] = 1;
    }
    if (size_bytes > 0) {
        block[size_bytes - 1] = 1;
    }
}

/* ---- operations -------------------------------------------------------------------------------------------------- */

static void *make(const struct replay_op *op) {
    const struct backend *under_test = &work.malloc;
    size_t align_bytes = (size_t)1 << op->shift;
    void *block = NULL;
    switch (op->kind & REPLAY_KIND) {
    case RECORDING_MALLOC:
        return under_test->malloc(op->size_bytes);
    case RECORDING_CALLOC:
        return under_test->calloc(1, op->size_bytes);
    case RECORDING_ALIGNED_ALLOC:
        if (under_test->aligned_alloc != NULL) {
            return under_test->aligned_alloc(align_bytes, op->size_bytes);
        }
        break;
    case RECORDING_MEMALIGN:
        if (under_test->memalign != NULL) {
            return under_test->memalign(align_bytes, op->size_bytes);
        }
        break;
    default:
        break;
    }
    align_bytes = align_bytes < sizeof block ? sizeof block : align_bytes;
    return under_test->posix_memalign(&block, align_bytes, op->size_bytes) == 0 ? block : NULL;
}

static void unmake(const struct replay_op *op, void *block) {
    if ((op->kind & REPLAY_KIND) == RECORDING_FREE_SIZED && work.malloc.free_sized != NULL && block != NULL) {
        work.malloc.free_sized(block, op->size_bytes);
    } else {
        work.malloc.free(block);
    }
}

static void count_refused(const struct replay_op *op, const void *block) {
    if (block == NULL && op->size_bytes > 0) {
        atomic_fetch_add(&work.refused, 1);
    }
}

/* What was in the slot, and what is in it now. */
static void *carry_out(const struct replay_op *op, void *block) {
    switch (op->kind & REPLAY_KIND) {
    case RECORDING_FREE:
    case RECORDING_FREE_SIZED:
        unmake(op, block);
        return NULL;
    case RECORDING_REALLOC: {
        void *moved = work.malloc.realloc(block, op->size_bytes);
        if (moved != NULL) {
            touch(moved, block != NULL ? (uint64_t)1 << op->shift : 0, op->size_bytes);
        } else {
            count_refused(op, moved);
            moved = op->size_bytes > 0 ? block : NULL;
        }
        return moved;
    }
    default: {
        void *made = make(op);
        if (made != NULL) {
            touch(made, 0, op->size_bytes);
        } else {
            count_refused(op, made);
        }
        return made;
    }
    }
}

static size_t usable(void *block, uint64_t size_bytes) {
    return work.malloc.usable_size != NULL && block != NULL ? work.malloc.usable_size(block) : size_bytes;
}

static void *carry_out_checked(const struct replay_op *op, void *block, struct replay_block *about,
                               struct replay_place place) {
    enum recording_kind kind = (enum recording_kind)(op->kind & REPLAY_KIND);
    void *result;
    if (recording_kinds[kind].ends) {
        replay_check_freed(place, block, about);
        unmake(op, block);
        return NULL;
    }
    if (kind == RECORDING_REALLOC) {
        replay_check_freed(place, block, about);
        result = work.malloc.realloc(block, op->size_bytes);
        count_refused(op, result);
        if (result == NULL && op->size_bytes > 0 && block != NULL) { /* as it was, and it must be */
            const struct replay_block before = *about;
            replay_check_moved(place, block, before.size_bytes, usable(block, before.size_bytes), about);
            return block;
        }
        replay_check_moved(place, result, op->size_bytes, usable(result, op->size_bytes), about);
        return result;
    }
    result = make(op);
    count_refused(op, result);
    uint64_t align_bytes = recording_is_aligned(kind) ? UINT64_C(1) << op->shift : 0;
    replay_check_made(place, result, op->size_bytes, align_bytes, kind == RECORDING_CALLOC,
                      usable(result, op->size_bytes), about);
    return result;
}

/* ---- threads ----------------------------------------------------------------------------------------------------- */

static void run_list(uint32_t thread);

static void *run_thread(void *argument) {
    run_list((uint32_t)(uintptr_t)argument);
    atomic_fetch_add(&work.ended, 1);
    atomic_fetch_sub(&work.running, 1);
    return NULL;
}

static void start_thread(const struct replay_op *op) {
    unsigned spins = 0;
    while (atomic_load(&work.ended) < op->size_bytes) {
        wait_a_little(&spins);
    }
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    atomic_fetch_add(&work.running, 1);
    int error = pthread_create(&thread, &attributes, run_thread, (void *)(uintptr_t)op->slot);
    pthread_attr_destroy(&attributes);
    if (error != 0) {
        fprintf(stderr, "hakfuzz replay: cannot start thread %" PRIu32 ": %s\n", op->slot, strerror(error));
        _exit(EXIT_USAGE);
    }
}

static void run_op(const struct replay_op *op, struct replay_place place) {
    bool is_shared = (op->kind & REPLAY_SHARED) != 0;
    struct shared_slot *shared = &work.shared[op->slot];
    void **slot = &work.local[op->slot];
    if (is_shared) {
        unsigned spins = 0;
        while ((uint16_t)atomic_load_explicit(&shared->version, memory_order_acquire) != op->version) {
            wait_a_little(&spins);
        }
        slot = &shared->block;
    }
    if (work.oracle) {
        struct replay_block *about = &work.about[is_shared ? work.image->local_slots + op->slot : op->slot];
        *slot = carry_out_checked(op, *slot, about, place);
    } else {
        *slot = carry_out(op, *slot);
    }
    if (is_shared) {
        atomic_store_explicit(&shared->version, (uint32_t)op->version + 1, memory_order_release);
    }
}

static void run_list(uint32_t thread) {
    const struct replay_thread *list = &replay_threads(work.image)[thread];
    const struct replay_op *ops = replay_ops(work.image) + list->first;
    for (uint64_t i = 0; i < list->count; i++) {
        const struct replay_op *op = &ops[i];
        switch (op->kind & REPLAY_KIND) {
        case REPLAY_START:
            start_thread(op);
            break;
        case RECORDING_THREAD_END:
            break;
        default:
            run_op(op, (struct replay_place){thread, i});
        }
        if ((op->kind & REPLAY_PEAK) != 0) {
            work.resident_at_peak_bytes = status_bytes("VmRSS:");
            work.has_peak = true;
        }
    }
}

/* ---- the process ------------------------------------------------------------------------------------------------- */

static uint64_t cpu_ns(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    uint64_t us = (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000u +
                  (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
    return us * 1000u;
}

static uint64_t beyond(uint64_t value, uint64_t base) {
    return value > base ? value - base : 0;
}

static void check_rest(void) {
    const struct replay_place place = {0, replay_threads(work.image)[0].count};
    for (uint64_t i = 0; i < work.image->local_slots; i++) {
        replay_check_live(place, work.local[i], &work.about[i]);
    }
    for (uint64_t i = 0; i < work.image->shared_slots; i++) {
        replay_check_live(place, work.shared[i].block, &work.about[work.image->local_slots + i]);
    }
}

static struct replay_result measure(void) {
    struct replay_result result = {0};
    forget_peak();
    uint64_t base_bytes = status_bytes("VmRSS:"), cpu = cpu_ns(), wall = clock_ns();
    run_list(0);
    for (unsigned spins = 0; atomic_load(&work.running) != 0;) {
        wait_a_little(&spins);
    }
    result.wall_ns = clock_ns() - wall;
    result.cpu_ns = cpu_ns() - cpu;
    result.peak_resident_bytes = beyond(status_bytes("VmHWM:"), base_bytes);
    result.resident_at_peak_bytes = work.has_peak ? beyond(work.resident_at_peak_bytes, base_bytes) : 0;
    result.refused = atomic_load(&work.refused);
    return result;
}

/* What is preloaded, or libc. A library that has no calloc or the like leaves it to the process. */
static bool open_malloc(const char *prefix) {
    const char *library = getenv("LD_PRELOAD");
    struct backend process;
    char why[RECORDING_WHY_BYTES];
    if (!backend_open(&work.malloc, library != NULL ? library : "libc", prefix, why, sizeof why)) {
        fprintf(stderr, "hakfuzz replay: %s\n", why);
        return false;
    }
    if (*prefix == '\0' && backend_open(&process, "libc", "", why, sizeof why)) {
        work.malloc.calloc = work.malloc.calloc != NULL ? work.malloc.calloc : process.calloc;
        work.malloc.realloc = work.malloc.realloc != NULL ? work.malloc.realloc : process.realloc;
        work.malloc.posix_memalign =
            work.malloc.posix_memalign != NULL ? work.malloc.posix_memalign : process.posix_memalign;
    }
    if (work.malloc.calloc == NULL || work.malloc.realloc == NULL || work.malloc.posix_memalign == NULL) {
        fprintf(stderr, "hakfuzz replay: %s has malloc, but not calloc, realloc and posix_memalign too, behind '%s'\n",
                library != NULL ? library : "libc", prefix);
        return false;
    }
    return true;
}

static bool prepare(int fd, const char *prefix, bool oracle) {
    work.image = replay_image_map(fd);
    if (work.image == NULL) {
        fprintf(stderr, "hakfuzz replay: cannot map the recording: %s\n", strerror(errno));
        return false;
    }
    if (!open_malloc(prefix)) {
        return false;
    }
    work.oracle = oracle;
    work.local = map_resident(work.image->local_slots, sizeof *work.local);
    work.shared = map_resident(work.image->shared_slots, sizeof *work.shared);
    work.about = oracle ? map_resident(work.image->local_slots + work.image->shared_slots, sizeof *work.about) : NULL;
    if (work.local == NULL || work.shared == NULL || (oracle && (work.about == NULL || !replay_check_open()))) {
        fprintf(stderr, "hakfuzz replay: there is no memory for %" PRIu64 " blocks\n",
                work.image->local_slots + work.image->shared_slots);
        return false;
    }
    return true;
}

int replay_work(int fd, const char *prefix, bool oracle) {
    if (!prepare(fd, prefix, oracle)) {
        return EXIT_USAGE;
    }
    struct replay_result result = measure();
    if (oracle) {
        check_rest();
    }
    printf(REPLAY_RESULT_FORMAT, result.wall_ns, result.cpu_ns, result.peak_resident_bytes,
           result.resident_at_peak_bytes, result.refused);
    return EXIT_CLEAN;
}
