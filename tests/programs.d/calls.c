/* threads: a program that knows nothing of hakmem and uses malloc as programs do: on several threads at once, through
 * libc, before main, in destructors, across fork. Prints the same on every correct malloc.
 *
 * It makes more thread-specific keys than fit in a thread's own record, so that telling the end of a thread allocates.
 */
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 4, ROUNDS = 30, WORDS = 2000, KEYS = 60 };

static pthread_key_t keys[KEYS];
static char *before_main;
static char *mail[THREADS][WORDS];
static pthread_barrier_t turn;

static void last_words(void *value) {
    char *copy = strdup(value);
    free(value);
    free(copy);
}

__attribute__((constructor)) static void constructor(void) {
    for (int i = 0; i < KEYS; i++) {
        if (pthread_key_create(&keys[i], last_words) != 0) {
            abort();
        }
    }
    before_main = strdup("before main");
}

__attribute__((destructor)) static void destructor(void) {
    free(before_main);
    before_main = calloc(1, 100);
    free(before_main);
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Make words, sort them, send them to the next thread, which adds them up and frees them. */
static uint64_t round_of(unsigned index, unsigned round) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < WORDS; i++) {
        char *word = NULL;
        if (asprintf(&word, "%u.%0*u", index, (int)(i * 31 % 1500), i * round) < 0) {
            abort();
        }
        mail[index][i] = i % 4 == 0 ? realloc(word, strlen(word) + 1 + i) : word;
    }
    qsort(mail[index], WORDS, sizeof mail[index][0], by_text);
    (void)pthread_barrier_wait(&turn);
    char **theirs = mail[(index + 1) % THREADS];
    for (unsigned i = 0; i < WORDS; i++) {
        for (const char *byte = theirs[i]; *byte != '\0'; byte++) {
            sum = sum * 31 + (unsigned char)*byte;
        }
        free(theirs[i]);
    }
    (void)pthread_barrier_wait(&turn);
    return sum;
}

static void *work(void *argument) {
    char *first = malloc(512);
    unsigned index = (unsigned)(uintptr_t)argument;
    uint64_t sum = 0;
    for (unsigned i = 0; i < KEYS; i++) {
        if (pthread_setspecific(keys[i], strdup("value")) != 0) {
            abort();
        }
    }
    for (unsigned round = 0; round < ROUNDS; round++) {
        sum ^= round_of(index, round);
    }
    memset(first, (int)sum, 512);
    free(first);
    return (void *)(uintptr_t)sum;
}

static void check(const char *what, int holds) {
    printf("%s: %s\n", what, holds ? "yes" : "no");
}

static void single_calls(void) {
    void *aligned = NULL;
    check("posix_memalign", posix_memalign(&aligned, 256, 1000) == 0 && (uintptr_t)aligned % 256 == 0);
    check("usable", malloc_usable_size(aligned) >= 1000);
    free(aligned);
    aligned = aligned_alloc(4096, 8192);
    check("aligned_alloc", aligned != NULL && (uintptr_t)aligned % 4096 == 0);
    free(aligned);
    aligned = memalign(64, 10);
    check("memalign", aligned != NULL && (uintptr_t)aligned % 64 == 0);
    free(aligned);
    aligned = valloc(10);
    check("valloc", aligned != NULL && (uintptr_t)aligned % 4096 == 0);
    free(aligned);
    aligned = pvalloc(4097);
    check("pvalloc", aligned != NULL && (uintptr_t)aligned % 4096 == 0 && malloc_usable_size(aligned) >= 8192);
    free(aligned);
    volatile size_t huge = SIZE_MAX;
    errno = 0;
    check("calloc overflow", calloc(huge, 2) == NULL && errno == ENOMEM);
    errno = 0;
    check("reallocarray overflow", reallocarray(NULL, huge, 2) == NULL && errno == ENOMEM);
    errno = 0;
    check("pvalloc overflow", pvalloc(huge) == NULL && errno == ENOMEM);
    check("constructor", strcmp(before_main, "before main") == 0);
}

static void fork_and_work(void) {
    (void)fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        char *text = NULL;
        size_t size = 0;
        FILE *stream = open_memstream(&text, &size);
        for (int i = 0; i < 10000; i++) {
            fprintf(stream, "%d ", i);
        }
        (void)fclose(stream);
        int good = size == 48890;
        free(text);
        _exit(good ? 0 : 1);
    }
    int status = -1;
    check("fork", waitpid(child, &status, 0) == child && status == 0);
}

int main(void) {
    pthread_t threads[THREADS];
    single_calls();
    if (pthread_barrier_init(&turn, NULL, THREADS) != 0) {
        abort();
    }
    for (unsigned generation = 0; generation < 2; generation++) {
        for (uintptr_t i = 0; i < THREADS; i++) {
            if (pthread_create(&threads[i], NULL, work, (void *)i) != 0) {
                abort();
            }
        }
        for (unsigned i = 0; i < THREADS; i++) {
            void *sum;
            (void)pthread_join(threads[i], &sum);
            printf("thread %u: %016llx\n", i, (unsigned long long)(uintptr_t)sum);
        }
        fork_and_work();
    }
    return 7;
}
