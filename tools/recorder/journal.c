/* journal: writes events of the traced process into a file of its own (raw.h).
 *
 * It lives inside any program there is, so it allocates nothing, uses no stdio, takes no lock, keeps no descriptor open
 * (a program may close all of them, or count on their numbers), and never ends the process: when a chunk cannot be had
 * (disk full, limits, no rights any more), recording of the process ends there and its file says so.
 *
 * A thread's state is `lane`. What threads share is `journal`: counters, and the chunks that threads left behind, each
 * taken and put by one exchange.
 *
 * Fork, however it is done, is noticed by the page `alive`, which the kernel wipes in the child: the child's first
 * event begins a file of its own. Chunks are not inherited, so nobody writes into another process's file; a vfork
 * child, which has all of its parent's memory, goes on in its parent's name until it execs. A program that is exec'd
 * loads the recorder anew. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "tools/recorder/recorder.h"

enum { PATH_BYTES = 512, SPARES = 64, FILES_MAX = 100000 };
enum alive { ALIVE_NOT, ALIVE_BEGINNING, ALIVE_YES };

struct lane {
    struct raw_chunk *chunk; /* NULL: none yet */
    uint8_t *next;
    uint8_t *end;      /* where there is no room for one more event */
    uint64_t sequence; /* of its last event in this chunk, else 0 */
    uint64_t address;  /* the same; as it is, or in grains */
    uint32_t thread;
    uint32_t process; /* the number of the process that chunk and thread belong to */
    uint32_t depth;
};
static __thread struct lane lane __attribute__((tls_model("initial-exec")));

static struct {
    _Atomic uint64_t sequence __attribute__((aligned(64)));
    _Atomic(_Atomic int *) alive __attribute__((aligned(64))); /* NULL: nothing is recorded */
    _Atomic bool stopped;
    _Atomic uint32_t process; /* counts processes from the first program image on: 1, in its fork 2, ... */
    _Atomic uint32_t threads;
    _Atomic uint64_t chunks;
    _Atomic(struct raw_chunk *) spares[SPARES];
    struct raw_head *head;
    pthread_key_t key; /* its destructor tells that a thread ends */
    bool has_key;
    int64_t pid;
    uint64_t file;
    size_t directory_length;
    char path[PATH_BYTES];
} journal;

/* ---- the file ---------------------------------------------------------------------------------------------------- */

static char *put_number(char *out, uint64_t number) {
    char digits[20];
    unsigned count = 0;
    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    while (count > 0) {
        *out++ = digits[--count];
    }
    return out;
}

static void name_file(void) {
    char *out = journal.path + journal.directory_length;
    *out++ = '/';
    memcpy(out, RAW_PREFIX, sizeof RAW_PREFIX - 1);
    out = put_number(out + sizeof RAW_PREFIX - 1, (uint64_t)journal.pid);
    *out++ = '-';
    *put_number(out, journal.file) = '\0';
}

/* Blocks of the disk for `bytes` at `offset`, so that writing to the mapping cannot fail. 0 or errno. */
static int reserve_disk(int fd, off_t offset, off_t bytes) {
    struct rlimit limit; /* going beyond it would be a signal */
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < (rlim_t)(offset + bytes)) {
        return EFBIG;
    }
    if (fallocate(fd, 0, offset, bytes) == 0) {
        return 0;
    }
    if (errno != EOPNOTSUPP && errno != ENOSYS) {
        return errno;
    }
    static const char zeros[4096];
    for (off_t done = 0; done < bytes; done += (off_t)sizeof zeros) {
        if (pwrite(fd, zeros, sizeof zeros, offset + done) != (ssize_t)sizeof zeros) {
            return ENOSPC;
        }
    }
    return 0;
}

/* Map the n-th chunk of the file; NULL with errno. */
static void *map_chunk(uint64_t n, int flags) {
    int fd = open(journal.path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
    if (fd < 0) {
        return NULL;
    }
    off_t offset = (off_t)(n * RAW_CHUNK_BYTES);
    int error = reserve_disk(fd, offset, RAW_CHUNK_BYTES);
    void *mapped = MAP_FAILED;
    if (error == 0) {
        mapped = mmap(NULL, RAW_CHUNK_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, offset);
        error = mapped == MAP_FAILED ? errno : 0;
    }
    close(fd);
    if (error != 0) {
        errno = error;
        return NULL;
    }
    madvise(mapped, RAW_CHUNK_BYTES, MADV_DONTFORK);
    return mapped;
}

/* Later events of this process are not written: what there is up to here is whole. */
static void stop(int error) {
    if (!atomic_exchange(&journal.stopped, true) && journal.head != NULL) {
        atomic_store(&journal.head->stopped_error, error);
        atomic_store(&journal.head->stopped_at, atomic_fetch_add(&journal.sequence, 1) + 1);
    }
}

/* ---- the process ------------------------------------------------------------------------------------------------- */

static void name_program(char *name) {
    char path[PATH_BYTES];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    path[length > 0 ? length : 0] = '\0';
    const char *last = strrchr(path, '/');
    last = last != NULL ? last + 1 : path;
    size_t bytes = strnlen(last, RAW_NAME_BYTES - 1);
    memcpy(name, last, bytes);
}

/* Make the file of this process; it is a program's first, or what fork made of another. */
static void begin_file(int64_t parent_pid, uint64_t parent_file, uint64_t parent_sequence) {
    journal.pid = getpid();
    journal.head = NULL;
    for (journal.file = 0; journal.file < FILES_MAX && journal.head == NULL; journal.file++) {
        name_file();
        journal.head = map_chunk(0, O_CREAT | O_EXCL);
        if (journal.head == NULL && errno != EEXIST) {
            break;
        }
    }
    if (journal.head == NULL) {
        atomic_store(&journal.stopped, true);
        return;
    }
    journal.file--;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    struct raw_head *head = journal.head;
    head->started_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    head->pid = journal.pid;
    head->parent_pid = parent_pid;
    head->parent_file = parent_file;
    head->parent_sequence = parent_sequence;
    name_program(head->program);
    atomic_thread_fence(memory_order_release);
    head->magic = RAW_MAGIC;
}

/* The child of a fork, at its first event. There is one thread, unless it made others without any event. */
static void begin_child(_Atomic int *alive) {
    int expected = ALIVE_NOT;
    if (atomic_compare_exchange_strong(alive, &expected, ALIVE_BEGINNING)) {
        atomic_fetch_add(&journal.process, 1);
        atomic_store(&journal.threads, 0);
        atomic_store(&journal.chunks, 1);
        atomic_store(&journal.stopped, false);
        for (unsigned i = 0; i < SPARES; i++) {
            atomic_store(&journal.spares[i], NULL);
        }
        uint64_t sequence = atomic_exchange(&journal.sequence, 0);
        begin_file(journal.pid, journal.file, sequence);
        atomic_store(alive, ALIVE_YES);
    }
    while (atomic_load(alive) != ALIVE_YES) {
    }
}

static void end_thread(void *unused);

void journal_open(void) {
    const char *directory = getenv(RAW_VARIABLE);
    size_t length = directory != NULL ? strlen(directory) : 0;
    if (length == 0 || length > PATH_BYTES - 64 || directory[0] != '/') {
        return;
    }
    memcpy(journal.path, directory, length);
    journal.directory_length = length;
    void *page = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED || madvise(page, (size_t)sysconf(_SC_PAGESIZE), MADV_WIPEONFORK) != 0) {
        return; /* a kernel before 4.14: no file at all, which the tool reports */
    }
    journal.has_key = pthread_key_create(&journal.key, end_thread) == 0;
    atomic_store(&journal.chunks, 1);
    atomic_store(&journal.process, 1);
    begin_file(0, 0, 0);
    if (journal.head != NULL) {
        _Atomic int *alive = page;
        atomic_store(alive, ALIVE_YES);
        atomic_store(&journal.alive, alive);
    }
}

/* ---- the thread -------------------------------------------------------------------------------------------------- */

static struct raw_chunk *take_spare(void) {
    for (unsigned i = 0; i < SPARES; i++) {
        if (atomic_load_explicit(&journal.spares[i], memory_order_relaxed) != NULL) {
            struct raw_chunk *chunk = atomic_exchange(&journal.spares[i], NULL);
            if (chunk != NULL) {
                return chunk;
            }
        }
    }
    return NULL;
}

/* What does not find a place stays mapped and half empty. */
static void put_spare(struct raw_chunk *chunk) {
    for (unsigned i = 0; i < SPARES; i++) {
        struct raw_chunk *none = NULL;
        if (atomic_compare_exchange_strong(&journal.spares[i], &none, chunk)) {
            return;
        }
    }
}

static inline uint8_t *put_packed(uint8_t *out, uint64_t number) {
    for (; number >= RAW_MORE; number >>= RAW_BITS) {
        *out++ = (uint8_t)(number | RAW_MORE);
    }
    *out++ = (uint8_t)number;
    return out;
}

/* Another chunk for this thread; false when recording has ended. */
static bool refill(void) {
    if (lane.process != atomic_load(&journal.process)) { /* its first event, in this process */
        lane.process = atomic_load(&journal.process);
        lane.chunk = NULL;
        lane.thread = atomic_fetch_add(&journal.threads, 1);
    }
    if (lane.chunk != NULL) {
        munmap(lane.chunk, RAW_CHUNK_BYTES);
    } else if (journal.has_key) {
        pthread_setspecific(journal.key, &journal);
    }
    struct raw_chunk *chunk = take_spare();
    if (chunk == NULL) {
        chunk = map_chunk(atomic_fetch_add(&journal.chunks, 1), 0);
    }
    lane.chunk = chunk;
    if (chunk == NULL) {
        lane.next = lane.end = NULL;
        stop(errno);
        return false;
    }
    lane.next = chunk->bytes + atomic_load(&chunk->used);
    lane.end = chunk->bytes + sizeof chunk->bytes - RAW_EVENT_BYTES_MAX;
    if (lane.next >= lane.end) {
        return refill();
    }
    *lane.next++ = RAW_THREAD;
    lane.next = put_packed(lane.next, lane.thread);
    lane.sequence = 0;
    lane.address = 0;
    return true;
}

void journal_write(enum raw_kind kind, const void *block, uint64_t size_bytes, uint8_t align_shift) {
    _Atomic int *alive = atomic_load_explicit(&journal.alive, memory_order_relaxed);
    if (alive == NULL) {
        return;
    }
    if (atomic_load_explicit(alive, memory_order_relaxed) != ALIVE_YES) {
        begin_child(alive);
    }
    bool foreign = lane.process != atomic_load_explicit(&journal.process, memory_order_relaxed);
    if (atomic_load_explicit(&journal.stopped, memory_order_relaxed) ||
        ((foreign || lane.next >= lane.end) && !refill())) {
        return;
    }
    uint64_t address = (uint64_t)(uintptr_t)block;
    bool odd = (address & ((1 << RAW_GRAIN_SHIFT) - 1)) != 0;
    uint64_t grain = odd ? address : address >> RAW_GRAIN_SHIFT;
    int64_t step = (int64_t)(grain - lane.address);
    uint64_t sequence = atomic_fetch_add_explicit(&journal.sequence, 1, memory_order_relaxed) + 1;
    bool follows = sequence == lane.sequence + 1;
    uint8_t *out = lane.next;
    *out++ = (uint8_t)(kind | (follows ? RAW_NEXT : 0) | (odd ? RAW_ODD : 0));
    if (!follows) {
        out = put_packed(out, sequence - lane.sequence);
    }
    out = put_packed(out, (uint64_t)step << 1 ^ (uint64_t)(step >> 63));
    if (raw_has_size(kind)) {
        out = put_packed(out, size_bytes);
    }
    if (raw_is_aligned(kind)) {
        *out++ = align_shift;
    }
    lane.sequence = sequence;
    lane.address = grain;
    lane.next = out;
    atomic_store_explicit(&lane.chunk->used, (uint64_t)(out - lane.chunk->bytes), memory_order_release);
}

bool journal_enter(void) {
    return lane.depth++ == 0;
}

void journal_leave(void) {
    lane.depth--;
}

/* Later destructors may free: then this one is called again, and the tool knows a thread's end by its being the last.
 */
static void end_thread(void *unused) {
    (void)unused;
    if (journal_enter() && lane.chunk != NULL && lane.process == atomic_load(&journal.process)) {
        journal_write(RAW_THREAD_END, NULL, 0, 0);
        if (lane.chunk != NULL) {
            put_spare(lane.chunk);
        }
        lane.chunk = NULL;
        lane.next = lane.end = NULL;
    }
    journal_leave();
}
