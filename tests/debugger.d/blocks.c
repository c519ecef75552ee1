/* What tests/debugger.sh looks at with gdb: a block of every tier, one that was freed, one that another thread freed,
 * and a heap whose thread has ended. It stops in stop_here. */
#include <pthread.h>
#include <stdlib.h>

enum { LEFT = 100, LEFT_BYTES = 90, SMALL_BYTES = 100, RUN_BYTES = 200000, BIG_BYTES = 20 << 20 };

void *left[LEFT];
void *small, *freed, *passed, *run, *big;

void stop_here(void);
__attribute__((noinline)) void stop_here(void) {
    __asm__ volatile("" ::: "memory");
}

static void *other(void *argument) {
    (void)argument;
    free(passed);
    for (int i = 0; i < LEFT; i++) {
        left[i] = malloc(LEFT_BYTES);
    }
    return NULL;
}

int main(void) {
    pthread_t thread;
    small = malloc(SMALL_BYTES);
    freed = malloc(SMALL_BYTES);
    passed = malloc(SMALL_BYTES);
    run = malloc(RUN_BYTES);
    big = malloc(BIG_BYTES);
    if (pthread_create(&thread, NULL, other, NULL) != 0 || pthread_join(thread, NULL) != 0) {
        return 2;
    }
    free(freed);
    stop_here();
    return 0;
}
