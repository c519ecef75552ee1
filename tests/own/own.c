/* own: the malloc of docs/bring-your-own.md. One list of free blocks, first fit; a block is split when it is much too
 * large, and joined with the one behind it when that is free too. One lock. */
#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

void *own_malloc(size_t bytes);
void own_free(void *block);
void *own_calloc(size_t count, size_t size_bytes);
void *own_realloc(void *block, size_t bytes);
size_t own_malloc_usable_size(void *block);

#ifndef OWN_BUG
#define OWN_BUG 0 /* 1: calloc takes all memory for zero, as it comes from the system */
#endif

enum { UNIT = 16, REGION_BYTES = 1 << 20 };

/* In front of every block; blocks of a region follow one another. */
struct block {
    size_t bytes; /* behind this header, a multiple of UNIT; the last one of a region has none */
    size_t is_free;
};

struct region {
    struct region *next;
    size_t bytes;
    struct block first;
};
_Static_assert(sizeof(struct block) == UNIT && offsetof(struct region, first) % UNIT == 0, "blocks are aligned");

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct region *regions;

static struct block *behind(struct block *block) {
    return (struct block *)(void *)((unsigned char *)(block + 1) + block->bytes);
}

static struct block *region_add(size_t bytes) {
    size_t whole = bytes + sizeof(struct region) + sizeof(struct block);
    whole = whole < REGION_BYTES ? REGION_BYTES : (whole + 4095) / 4096 * 4096;
    struct region *region = mmap(NULL, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (region == MAP_FAILED) {
        return NULL;
    }
    region->next = regions;
    region->bytes = whole;
    regions = region;
    region->first.bytes = (whole - sizeof *region - sizeof(struct block)) / UNIT * UNIT;
    region->first.is_free = 1;
    return &region->first; /* memory is zero, so the block behind it has no bytes and is not free */
}

static struct block *find(size_t bytes) {
    for (struct region *region = regions; region != NULL; region = region->next) {
        for (struct block *block = &region->first; block->bytes != 0; block = behind(block)) {
            while (block->is_free && behind(block)->is_free) { /* joined when somebody passes */
                block->bytes += sizeof *block + behind(block)->bytes;
            }
            if (block->is_free && block->bytes >= bytes) {
                return block;
            }
        }
    }
    return region_add(bytes);
}

static void split(struct block *block, size_t bytes) {
    size_t rest = block->bytes - bytes;
    if (rest >= 2 * sizeof *block) {
        block->bytes = bytes;
        behind(block)->bytes = rest - sizeof *block;
        behind(block)->is_free = 1;
    }
}

void *own_malloc(size_t bytes) {
    if (bytes > PTRDIFF_MAX - REGION_BYTES) {
        errno = ENOMEM;
        return NULL;
    }
    bytes = bytes == 0 ? UNIT : (bytes + UNIT - 1) / UNIT * UNIT;
    pthread_mutex_lock(&lock);
    struct block *block = find(bytes);
    if (block != NULL) {
        split(block, bytes);
        block->is_free = 0;
    }
    pthread_mutex_unlock(&lock);
    errno = block == NULL ? ENOMEM : errno;
    return block == NULL ? NULL : block + 1;
}

void own_free(void *block) {
    if (block != NULL) {
        pthread_mutex_lock(&lock);
        ((struct block *)block - 1)->is_free = 1;
        pthread_mutex_unlock(&lock);
    }
}

void *own_calloc(size_t count, size_t size_bytes) {
    if (size_bytes != 0 && count > SIZE_MAX / size_bytes) {
        errno = ENOMEM;
        return NULL;
    }
    void *block = own_malloc(count * size_bytes);
    return block == NULL || OWN_BUG ? block : memset(block, 0, count * size_bytes);
}

size_t own_malloc_usable_size(void *block) {
    return block == NULL ? 0 : ((struct block *)block - 1)->bytes;
}

void *own_realloc(void *block, size_t bytes) {
    size_t old_bytes = own_malloc_usable_size(block);
    void *moved = own_malloc(bytes);
    if (block != NULL && moved != NULL) {
        memcpy(moved, block, old_bytes < bytes ? old_bytes : bytes);
        own_free(block);
    }
    return moved;
}
