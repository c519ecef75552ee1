/* planted: a small malloc with bugs to be found, for tests of what finds them in mallocs that nobody sees into.
 *
 * One spinlock; a list of free blocks for each power of two from 32 bytes to 1 MiB, a mapping for each block above; a
 * header of 16 bytes in front of every block. HAKMEM_PLANTED names the bug; with "none" or without it, none is known.
 * It is meant to be loaded into a process that has a malloc of its own, or preloaded into a program of one. */
#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* name, and what is wrong then */
#define BUG_TABLE(X)                                                                                                   \
    X(OVERLAP, "overlap", "blocks of 49 to 64 bytes are cut 48 apart")                                                 \
    X(ZERO_LATE, "zero-late", "calloc of a block that was used before leaves its first word")                          \
    X(LINK_LEFT, "link-left", "a freed block has a word in its end, and calloc leaves it there")                       \
    X(USABLE_LARGE, "usable-large", "the usable size is that of two blocks")                                           \
    X(USABLE_SMALL, "usable-small", "the usable size is one less than what was asked for")                             \
    X(REALLOC_TAIL, "realloc-tail", "realloc copies 8 bytes too few")                                                  \
    X(REALLOC_FAIL, "realloc-fail", "a realloc that fails has written into the old block")                             \
    X(ERRNO_FREE, "errno-free", "free changes errno")                                                                  \
    X(ERRNO_MISSING, "errno-missing", "a failure leaves errno as it was")                                              \
    X(ALIGN, "align", "what is to be aligned to more than 64 is aligned to 64")                                        \
    X(SCRIBBLE, "scribble", "the third free writes into the block that was allocated last")                            \
    X(TWICE, "twice", "a block that another thread frees is handed out twice")                                         \
    X(ZERO_SIZE, "zero-size", "malloc(0) reads from address 0")                                                        \
    X(HUGE_SIZE, "huge-size", "a size near SIZE_MAX wraps around and succeeds")                                        \
    X(HANG, "hang", "the fourth free keeps the lock")                                                                  \
    X(ABORT, "abort", "to free a block of a page or more is complained about")                                         \
    X(UNLOCKED, "unlocked", "the lock is left out: only threads that run beside each other show it")

enum bug {
    BUG_NONE,
#define BUG_ENUM(id, name, meaning) BUG_##id,
    BUG_TABLE(BUG_ENUM)
#undef BUG_ENUM
        BUG_COUNT
};
static const char *const bug_names[BUG_COUNT] = {"none",
#define BUG_NAME(id, name, meaning) name,
                                                 BUG_TABLE(BUG_NAME)
#undef BUG_NAME
};

enum { CLASS_MIN_BITS = 5, CLASS_MAX_BITS = 20, CHUNK_BYTES = 4 << 20, PAGE_BYTES = 4096, LINE_BYTES = 64 };

struct header {
    uint32_t shift; /* an aligned block stands so many times 16 bytes after where it would */
    uint16_t owner; /* thread that allocated it */
    uint16_t bits;  /* the block and its header are 1 << bits bytes; 0: a mapping */
    uint64_t bytes; /* requested, with what alignment takes */
};

static atomic_flag lock = ATOMIC_FLAG_INIT;
static struct header *lists[CLASS_MAX_BITS + 1]; /* the link is the first word of the block */
static unsigned char *chunk, *chunk_end;
static void *last;
static unsigned frees;
static bool is_known;
static enum bug planted;
static _Atomic uint16_t threads;
static _Thread_local uint16_t thread;

static void take(void) {
    while (planted != BUG_UNLOCKED && atomic_flag_test_and_set_explicit(&lock, memory_order_acquire)) {
    }
    const char *name = is_known ? NULL : getenv("HAKMEM_PLANTED");
    for (unsigned i = 0; name != NULL && i < BUG_COUNT; i++) {
        planted = strcmp(name, bug_names[i]) == 0 ? (enum bug)i : planted;
    }
    is_known = true;
    thread = thread != 0 ? thread : (uint16_t)(atomic_fetch_add(&threads, 1) + 1);
}

static void give(void) {
    atomic_flag_clear_explicit(&lock, memory_order_release);
}

static void *fail(void) {
    errno = planted == BUG_ERRNO_MISSING ? errno : ENOMEM;
    return NULL;
}

static struct header *header_of(void *block) {
    return (struct header *)block - 1;
}

static size_t room_of(const struct header *header) {
    size_t whole = header->bits == 0 ? header->bytes + sizeof *header : (size_t)1 << header->bits;
    return whole - sizeof *header - header->shift * 16UL;
}

/* --- under the lock --- */

static void *map(size_t bytes) {
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

static struct header *cut(uint32_t bits, size_t bytes) {
    size_t whole = (size_t)1 << bits;
    if (chunk == NULL || (size_t)(chunk_end - chunk) < whole) {
        chunk = map(CHUNK_BYTES);
        chunk_end = chunk != NULL ? chunk + CHUNK_BYTES : NULL;
    }
    struct header *header = (struct header *)(void *)chunk;
    if (header != NULL) {
        chunk += planted == BUG_OVERLAP && bytes >= 49 && bytes <= 64 ? 48 : whole;
        header->bits = (uint16_t)bits;
    }
    return header;
}

static struct header *get_small(size_t bytes) {
    uint32_t bits = CLASS_MIN_BITS;
    while ((size_t)1 << bits < bytes + sizeof(struct header)) {
        bits++;
    }
    struct header *first = lists[bits];
    if (first == NULL) {
        return cut(bits, bytes);
    }
    memcpy(&lists[bits], (const void *)(first + 1), sizeof first);
    return first;
}

static void *get(size_t bytes) {
    if (bytes == 0 && planted == BUG_ZERO_SIZE) {
        return *(void *volatile *)NULL;
    }
    if (bytes > PTRDIFF_MAX - PAGE_BYTES && planted == BUG_HUGE_SIZE) {
        bytes &= PAGE_BYTES - 1;
    }
    if (bytes > PTRDIFF_MAX - PAGE_BYTES) {
        return fail();
    }
    bool is_small = bytes + sizeof(struct header) <= (size_t)1 << CLASS_MAX_BITS;
    struct header *header = is_small ? get_small(bytes) : map(bytes + sizeof(struct header));
    if (header == NULL) {
        return fail();
    }
    header->owner = thread;
    header->bytes = bytes;
    header->shift = 0;
    last = header + 1;
    return last;
}

static void push(struct header *header) {
    memcpy((void *)(header + 1), &lists[header->bits], sizeof header);
    lists[header->bits] = header;
}

static void put(void *block) {
    struct header *header = header_of(block);
    header -= header->shift; /* a copy stands in front of an aligned block */
    if (planted == BUG_ABORT && header->bytes >= PAGE_BYTES) {
        static const char words[] = "planted: this block is too large to be true\n";
        (void)!write(STDERR_FILENO, words, sizeof words - 1);
        abort();
    }
    frees++;
    if (planted == BUG_SCRIBBLE && frees == 3 && last != NULL && last != block) {
        memset(last, 0x5a, 8);
    }
    if (header->bits == 0) {
        munmap(header, header->bytes + sizeof *header);
        return;
    }
    if (planted == BUG_LINK_LEFT && header->bytes >= 32) {
        memset((unsigned char *)(header + 1) + header->bytes - 8, 0x77, 8);
    }
    push(header);
    if (planted == BUG_TWICE && header->owner != thread) {
        push(header);
    }
}

/* --- what the names share: calls among themselves would be the process's --- */

static void *allocate(size_t bytes) {
    take();
    void *block = get(bytes);
    give();
    return block;
}

static void release(void *block) {
    int before = errno;
    take();
    put(block);
    if (planted != BUG_HANG || frees != 4) {
        give();
    }
    errno = planted == BUG_ERRNO_FREE ? EINVAL : before;
}

static void *allocate_aligned(size_t align_bytes, size_t bytes) {
    size_t align = planted == BUG_ALIGN && align_bytes > LINE_BYTES ? LINE_BYTES : align_bytes;
    if (align <= 16) {
        return allocate(bytes);
    }
    if (align > PTRDIFF_MAX / 4 || bytes > PTRDIFF_MAX - 2 * align) {
        return fail();
    }
    unsigned char *block = allocate(bytes + align);
    size_t shift = block == NULL ? 0 : (align - (uintptr_t)block % align) % align;
    if (shift != 0) {
        struct header copy = *header_of(block);
        copy.shift = (uint32_t)(shift / 16);
        *header_of(block + shift) = copy;
    }
    return block == NULL ? NULL : block + shift;
}

/* --- the names --- */

void *malloc(size_t bytes) {
    return allocate(bytes);
}

void free(void *block) {
    if (block != NULL) {
        release(block);
    }
}

void *calloc(size_t count, size_t size_bytes) {
    if (size_bytes != 0 && count > SIZE_MAX / size_bytes) {
        return fail();
    }
    size_t bytes = count * size_bytes;
    unsigned char *block = allocate(bytes);
    size_t head = planted == BUG_ZERO_LATE && bytes >= 8 ? 8 : 0,
           tail = planted == BUG_LINK_LEFT && bytes >= 32 ? 8 : 0;
    if (block != NULL && header_of(block)->bits != 0) {
        memset(block + head, 0, bytes - head - tail);
    }
    return block;
}

void *realloc(void *block, size_t bytes) {
    void *moved = allocate(bytes);
    if (block == NULL) {
        return moved;
    }
    if (moved == NULL) {
        memset(block, 0, planted == BUG_REALLOC_FAIL && room_of(header_of(block)) >= 8 ? 8 : 0);
        return NULL;
    }
    size_t old_bytes = header_of(block)->bytes - header_of(block)->shift * 16UL;
    size_t shared_bytes = old_bytes < bytes ? old_bytes : bytes;
    memcpy(moved, block, planted == BUG_REALLOC_TAIL && shared_bytes > 8 ? shared_bytes - 8 : shared_bytes);
    release(block);
    return moved;
}

static bool is_power_of_two(size_t align_bytes) {
    return align_bytes != 0 && (align_bytes & (align_bytes - 1)) == 0;
}

static void *memalign_checked(size_t align_bytes, size_t bytes) {
    if (!is_power_of_two(align_bytes)) {
        errno = EINVAL;
        return NULL;
    }
    return allocate_aligned(align_bytes, bytes);
}

void *memalign(size_t align_bytes, size_t bytes) {
    return memalign_checked(align_bytes, bytes);
}

void *aligned_alloc(size_t align_bytes, size_t bytes) {
    return memalign_checked(align_bytes, bytes);
}

int posix_memalign(void **block, size_t align_bytes, size_t bytes) {
    int before = errno;
    if (!is_power_of_two(align_bytes) || align_bytes % sizeof(void *) != 0) {
        return EINVAL;
    }
    void *got = allocate_aligned(align_bytes, bytes);
    errno = before;
    *block = got != NULL ? got : *block;
    return got != NULL ? 0 : ENOMEM;
}

size_t malloc_usable_size(void *block) {
    if (block == NULL) {
        return 0;
    }
    const struct header *header = header_of(block);
    size_t asked = header->bytes - header->shift * 16UL;
    return planted == BUG_USABLE_LARGE                ? 2 * room_of(header) + 2 * sizeof *header
           : planted == BUG_USABLE_SMALL && asked > 0 ? asked - 1
                                                      : room_of(header);
}
