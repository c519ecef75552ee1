/* handover: a malloc behind the recorder in which a block changes hands at the worst moment. A library for LD_PRELOAD.
 *
 * HANDOVER_BYTES is asked for twice: first by a thread that frees or reallocates the block, then by another, whose
 * malloc waits for that. The free or realloc returns only when the other thread has the same address and asks for the
 * next block. Its calloc calls malloc by its public name, as a malloc may. */
#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

enum { HANDOVER_BYTES = 78001, NEXT_BYTES = 78002 };

void *__libc_malloc(size_t size_bytes);
void *__libc_realloc(void *block, size_t size_bytes);
void __libc_free(void *block);

void *malloc(size_t size_bytes);
void *calloc(size_t count, size_t size_bytes);
void *realloc(void *block, size_t size_bytes);
void free(void *block);

static _Atomic(void *) block_out;
static _Atomic(void *) offered;
static _Atomic int taken;

static void offer(void *block) {
    atomic_store(&block_out, NULL);
    atomic_store(&offered, block);
    while (!atomic_load(&taken)) {
        sched_yield();
    }
}

void *malloc(size_t size_bytes) {
    if (size_bytes == NEXT_BYTES) {
        atomic_store(&taken, 1);
    }
    if (size_bytes != HANDOVER_BYTES) {
        return __libc_malloc(size_bytes);
    }
    if (atomic_load(&block_out) == NULL && atomic_load(&offered) == NULL) {
        atomic_store(&block_out, __libc_malloc(size_bytes));
        return atomic_load(&block_out);
    }
    void *block;
    while ((block = atomic_exchange(&offered, NULL)) == NULL) {
        sched_yield();
    }
    return block;
}

void *calloc(size_t count, size_t size_bytes) {
    void *block = malloc(count * size_bytes);
    return block != NULL ? memset(block, 0, count * size_bytes) : NULL;
}

void *realloc(void *block, size_t size_bytes) {
    if (block != NULL && block == atomic_load(&block_out)) {
        void *moved = __libc_malloc(size_bytes);
        memcpy(moved, block, size_bytes < HANDOVER_BYTES ? size_bytes : HANDOVER_BYTES);
        offer(block);
        return moved;
    }
    return __libc_realloc(block, size_bytes);
}

void free(void *block) {
    if (block != NULL && block == atomic_load(&block_out)) {
        offer(block);
    } else {
        __libc_free(block);
    }
}
