/* bad_malloc: a library for LD_PRELOAD that is wrong on purpose, so that tests/programs is seen to find it.
 *
 * BAD_LEAK: one free in 4 does nothing. BAD_SPOIL: every thousandth realloc that moves or grows loses a byte. With
 * neither it has no malloc at all. */
#include <stddef.h>

#ifndef BAD_LEAK
#define BAD_LEAK 0
#endif
#ifndef BAD_SPOIL
#define BAD_SPOIL 0
#endif

/* glibc's own, by their other names */
void *__libc_malloc(size_t size_bytes);
void *__libc_realloc(void *block, size_t size_bytes);
void __libc_free(void *block);

#if BAD_LEAK || BAD_SPOIL
static _Thread_local unsigned calls;

void *malloc(size_t size_bytes);
void *realloc(void *block, size_t size_bytes);
void free(void *block);

void *malloc(size_t size_bytes) {
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
    if (!BAD_LEAK || ++calls % 4 != 0) {
        __libc_free(block);
    }
}
#endif
