/* bad_malloc: a library for LD_PRELOAD that is wrong on purpose, so that tests/programs and bench/run are seen to find
 * it.
 *
 * BAD_LEAK: one free in 4 does nothing. BAD_SPOIL: every thousandth realloc that moves or grows loses a byte.
 * BAD_TWICE: every tenth malloc hands out the same memory. BAD_CRASH: the malloc of that number crashes. With none of
 * them it has no malloc at all. */
#include <stddef.h>

#ifndef BAD_LEAK
#define BAD_LEAK 0
#endif
#ifndef BAD_SPOIL
#define BAD_SPOIL 0
#endif
#ifndef BAD_TWICE
#define BAD_TWICE 0
#endif
#ifndef BAD_CRASH
#define BAD_CRASH 0
#endif

/* glibc's own, by their other names */
void *__libc_malloc(size_t size_bytes);
void *__libc_realloc(void *block, size_t size_bytes);
void __libc_free(void *block);

#if BAD_LEAK || BAD_SPOIL || BAD_TWICE || BAD_CRASH
static _Thread_local unsigned calls;
static _Alignas(16) char shared[256];

void *malloc(size_t size_bytes);
void *realloc(void *block, size_t size_bytes);
void free(void *block);

void *malloc(size_t size_bytes) {
    if (BAD_CRASH && ++calls == BAD_CRASH) {
        __builtin_trap();
    }
    if (BAD_TWICE && size_bytes <= sizeof shared && ++calls % 10 == 0) {
        return shared;
    }
    return __libc_malloc(size_bytes);
}

void *realloc(void *block, size_t size_bytes) {
    char *moved = __libc_realloc(block, size_bytes);
    if (BAD_SPOIL && moved != NULL && block != NULL && size_bytes > 0 && ++calls % 1000 == 0) {
        moved[0] = (char)(moved[0] + 1);
    }
    return moved;
}

void free(void *block) {
    if (block != shared && (!BAD_LEAK || ++calls % 4 != 0)) {
        __libc_free(block);
    }
}
#endif
