/* acts: what tests/record.sh records. `acts NAME` does one of the acts below; their sizes are numbers that nothing else
 * asks for, so that a test can find them in a recording. */
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void *volatile shared;

static void check(int good) {
    if (!good) {
        abort();
    }
}

static void act_names(void) {
    void *a = malloc(70001), *b = calloc(3, 70002), *c = aligned_alloc(64, 70016), *d = memalign(128, 70004), *e = NULL;
    check(posix_memalign(&e, 256, 70005) == 0);
    a = realloc(a, 70006);
    b = reallocarray(b, 2, 70007);
    void *f = realloc(NULL, 70008), *g = valloc(70009);
    check(realloc(f, 0) == NULL);
    check(malloc((size_t)1 << 62) == NULL); /* is no part of a recording */
    free(a);
    free(b);
    free(c);
    free(d);
    free(e);
    free(g);
    free(NULL);
}

static void *other_thread(void *unused) {
    (void)unused;
    free(shared);
    shared = malloc(71002);
    return NULL;
}

static void act_threads(void) {
    pthread_t thread;
    shared = malloc(71001);
    check(pthread_create(&thread, NULL, other_thread, NULL) == 0 && pthread_join(thread, NULL) == 0);
    shared = realloc(shared, 71003);
    free(shared);
}

static void in_child(void) {
    free(shared);
    free(malloc(72002));
    _exit(0);
}

static void wait_for(pid_t child) {
    int status;
    check(child > 0 && waitpid(child, &status, 0) == child && status == 0);
}

static void act_fork(void) {
    shared = malloc(72001);
    pid_t child = fork();
    if (child == 0) {
        in_child();
    }
    wait_for(child);
    free(shared);
}

/* Without libc's knowledge. */
static void act_clone(void) {
    shared = malloc(72001);
    pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
    if (child == 0) {
        in_child();
    }
    wait_for(child);
    free(shared);
}

static void act_exec(void) {
    char *arguments[] = {(char *)"acts", (char *)"names", NULL};
    shared = malloc(73001);
    execv("/proc/self/exe", arguments);
}

static void act_kill(void) {
    shared = malloc(74001);
    kill(getpid(), SIGKILL);
}

static void act_many(void) {
    for (int i = 0; i < 200000; i++) {
        free(malloc(75001));
    }
}

/* All descriptors are gone, and the numbers belong to others. */
static void act_close(void) {
    for (int i = 0; i < 1024; i++) {
        close(i);
    }
    check(open("/dev/null", O_RDWR) == 0);
    act_many();
    shared = malloc(76001);
    check(open("/dev/null", O_RDWR) == 1);
}

enum { MAILBOXES = 64, TURNS = 40000 };
static void *mailboxes[MAILBOXES];

/* Blocks change hands all the time, so addresses are soon used again by another thread. */
static void *trade(void *argument) {
    unsigned random = (unsigned)(size_t)argument;
    for (int i = 0; i < TURNS; i++) {
        random = random * 1103515245u + 12345u;
        void **box = &mailboxes[(random >> 16) % MAILBOXES];
        void *mine = malloc(16 + (random >> 8) % 64);
        mine = (random >> 24) % 4 == 0 ? realloc(mine, 2000 + (random >> 20) % 64) : mine;
        free(__atomic_exchange_n(box, mine, __ATOMIC_ACQ_REL));
        if (i % 8 == 0) {
            sched_yield();
        }
    }
    return NULL;
}

static void act_trade(void) {
    enum { TRADERS = 4 };
    pthread_t threads[TRADERS];
    for (size_t i = 0; i < TRADERS; i++) {
        check(pthread_create(&threads[i], NULL, trade, (void *)(i + 1)) == 0);
    }
    for (size_t i = 0; i < TRADERS; i++) {
        check(pthread_join(threads[i], NULL) == 0);
    }
}

static void *short_life(void *unused) {
    free(malloc(77001));
    return unused;
}

/* More threads, one after the other, than there could be chunks if each had its own: 3000 of 128 KiB. */
static void act_churn(void) {
    for (int i = 0; i < 3000; i++) {
        pthread_t thread;
        check(pthread_create(&thread, NULL, short_life, NULL) == 0 && pthread_join(thread, NULL) == 0);
    }
}

/* With handover.c behind: the other thread has the address before the call that gives it back returns. */
static void *take_over(void *unused) {
    (void)unused;
    void *same = malloc(78001);
    free(malloc(78002));
    return same;
}

static void hand_over(int by_realloc) {
    pthread_t thread;
    shared = malloc(78001);
    void *block = shared;
    check(pthread_create(&thread, NULL, take_over, NULL) == 0);
    if (by_realloc) {
        shared = realloc(block, 78003);
        free(shared);
    } else {
        free(block);
    }
    void *same;
    check(pthread_join(thread, &same) == 0 && same == block);
}

static void act_hand_over(void) {
    hand_over(0);
}

static void act_hand_over_by_realloc(void) {
    hand_over(1);
}

static const struct {
    const char *name;
    void (*act)(void);
} acts[] = {
    {"names", act_names}, {"threads", act_threads},    {"fork", act_fork},
    {"clone", act_clone}, {"exec", act_exec},          {"kill", act_kill},
    {"many", act_many},   {"close", act_close},        {"trade", act_trade},
    {"churn", act_churn}, {"handover", act_hand_over}, {"handover-realloc", act_hand_over_by_realloc},
};

int main(int argc, char **argv) {
    for (size_t i = 0; argc == 2 && i < sizeof acts / sizeof acts[0]; i++) {
        if (strcmp(argv[1], acts[i].name) == 0) {
            acts[i].act();
            return 7;
        }
    }
    return 2;
}
