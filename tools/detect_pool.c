/* detect_pool: carries out trials, each in a process that was forked from this one with the world open, and shares its
 * results with us by memory that both have mapped. So a trial may die of what it does, and the next one begins with a
 * world that is as it should be.
 *
 * Seeds come in turn, the first one of all series first: a run that is cut has as many trials of each. Trials that need
 * the machine to themselves wait for the others to end. */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tools/detect.h"
#include "tools/terminal.h"
#include "tools/verb.h"

enum { POLL_MS = 5, PATIENCE_MS = 3000, WORDS_BYTES_MAX = 64 };

/* A place for a trial; pid 0: free. */
struct place {
    pid_t pid;
    struct detect_series *series;
    unsigned trial;
    uint64_t begun_ns;
    struct detect_shared *shared;
};

struct pool {
    struct detect_list *list;
    struct detect_store *store;
    struct place places[DETECT_JOBS_MAX];
    unsigned jobs, running;
    unsigned next; /* of all trials, in the order in which they come */
    unsigned total, done, found, done_before;
    bool broken; /* an engine cannot run */
};

static struct detect_series *series_of(const struct pool *pool, unsigned number, unsigned *trial) {
    *trial = number / pool->list->count;
    return &pool->list->series[number % pool->list->count];
}

static bool alone_is_running(const struct pool *pool) {
    for (unsigned i = 0; i < pool->jobs; i++) {
        if (pool->places[i].pid > 0 && pool->places[i].series->plan.engine->alone) {
            return true;
        }
    }
    return false;
}

/* In the trial's process. */
static _Noreturn void carry_out(const struct place *place) {
    const struct detect_plan *plan = &place->series->plan;
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    bool good = plan->engine->run(plan, (uint64_t)place->trial + 1, place->shared);
    _exit(good ? EXIT_CLEAN : EXIT_USAGE);
}

static bool start(struct pool *pool, struct place *place, struct detect_series *series, unsigned trial) {
    memset(&place->shared->trial, 0, sizeof place->shared->trial);
    place->shared->size_bytes = 0;
    place->series = series;
    place->trial = trial;
    place->begun_ns = clock_ns();
    fflush(NULL);
    place->pid = series->plan.engine->dies ? detect_fork_silent() : fork();
    if (place->pid == 0) {
        carry_out(place);
    }
    if (place->pid < 0) {
        perror("hakfuzz detect: cannot make a process");
        place->pid = 0;
        return false;
    }
    pool->running++;
    return true;
}

/* Give free places something to do. */
static void fill(struct pool *pool) {
    for (unsigned i = 0; i < pool->jobs && pool->next < pool->total && !pool->broken; i++) {
        unsigned trial;
        struct detect_series *series = series_of(pool, pool->next, &trial);
        while (series->trials[trial].done && ++pool->next < pool->total) {
            series = series_of(pool, pool->next, &trial);
        }
        bool alone = series->plan.engine->alone;
        if (pool->next == pool->total || alone_is_running(pool) || (alone && pool->running > 0)) {
            return;
        }
        if (pool->places[i].pid == 0) {
            pool->broken = !start(pool, &pool->places[i], series, trial);
            pool->next++;
        }
    }
}

static double seconds_of(const struct timeval *time) {
    return (double)time->tv_sec + (double)time->tv_usec / 1e6;
}

/* A process that its engine lets run into faults has found something when it dies; but not of a signal that came from
 * outside. */
static void judge_death(struct place *place, int status) {
    struct detect_trial *trial = &place->shared->trial;
    bool from_outside = WIFSIGNALED(status) && (WTERMSIG(status) == SIGTERM || WTERMSIG(status) == SIGKILL);
    if (!trial->done && place->series->plan.engine->dies && !from_outside) {
        trial->executions++; /* the one that it died of was not counted yet */
        trial->done = trial->found = true;
        snprintf(trial->check, sizeof trial->check, "%s", check_table[CHECK_CRASH].id);
    }
}

/* The engines may do a few more than they were told; that counts as not found in time. */
static void keep_to_limit(const struct detect_plan *plan, struct detect_trial *trial) {
    if (trial->executions > plan->max_runs) {
        trial->executions = plan->max_runs;
        trial->found = false;
    }
}

static void finish(struct pool *pool, struct place *place, int status, const struct rusage *usage) {
    const struct detect_plan *plan = &place->series->plan;
    struct detect_shared *shared = place->shared;
    struct detect_trial *trial = &shared->trial;
    place->pid = 0;
    pool->running--;
    judge_death(place, status);
    if (!trial->done) {
        pool->broken = true;
        return;
    }
    trial->seconds = (double)(clock_ns() - place->begun_ns) / 1e9;
    trial->core_seconds = seconds_of(&usage->ru_utime) + seconds_of(&usage->ru_stime);
    keep_to_limit(plan, trial);
    if (trial->found && shared->size_bytes > 0) {
        struct verdict verdict;
        trial->without_fault = detect_replay(plan, false, shared->bytes, shared->size_bytes, &verdict);
    }
    place->series->trials[place->trial] = *trial;
    pool->done++;
    pool->found += trial->found;
    pool->broken = pool->broken || (pool->store != NULL && !detect_store_add(pool->store, place->series, place->trial));
}

static void collect(struct pool *pool) {
    for (unsigned i = 0; i < pool->jobs; i++) {
        struct rusage usage;
        int status;
        struct place *place = &pool->places[i];
        if (place->pid > 0 && wait4(place->pid, &status, WNOHANG, &usage) == place->pid) {
            finish(pool, place, status, &usage);
        }
    }
}

/* Each series' trials take as long as those of it that are done; as all, where none is. */
static double seconds_left(const struct pool *pool) {
    double all = 0, left = 0;
    unsigned done = 0, unknown = 0;
    for (unsigned i = 0; i < pool->list->count; i++) {
        const struct detect_series *series = &pool->list->series[i];
        double seconds = 0;
        unsigned count = 0;
        for (unsigned t = 0; t < pool->list->trials; t++) {
            seconds += series->trials[t].seconds;
            count += series->trials[t].done;
        }
        all += seconds;
        done += count;
        left += count > 0 ? seconds / count * (pool->list->trials - count) : 0;
        unknown += count > 0 ? 0 : pool->list->trials;
    }
    left += done > 0 ? all / done * unknown : 0;
    return left / pool->jobs;
}

static void duration_words(double seconds, char *words, size_t capacity) {
    enum { MINUTE = 60, HOUR = 3600 };
    if (seconds < 2 * MINUTE) {
        snprintf(words, capacity, "%.0f s", ceil(seconds));
    } else if (seconds < 2 * HOUR) {
        snprintf(words, capacity, "%.0f min", seconds / MINUTE);
    } else {
        snprintf(words, capacity, "%.1f h", seconds / HOUR);
    }
}

static void show_progress(const struct pool *pool) {
    char left[WORDS_BYTES_MAX] = "";
    if (pool->done > pool->done_before) {
        duration_words(seconds_left(pool), left, sizeof left);
    }
    for (unsigned i = 0; i < pool->jobs; i++) {
        const struct place *place = &pool->places[i];
        if (place->pid > 0) {
            progress("%u of %u trials, %u found; %s with %s, seed %u%s%s", pool->done, pool->total, pool->found,
                     place->series->plan.fault->name, place->series->plan.engine->name, place->trial + 1,
                     left[0] != '\0' ? "; left about " : "", left);
            return;
        }
    }
}

static void pause_a_little(void) {
    nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000L}, NULL);
}

/* They are asked to end, so that they can clean up behind them; who does not is ended. What they come to is dropped. */
static void stop_all(struct pool *pool) {
    for (unsigned waited_ms = 0; pool->running > 0; waited_ms += POLL_MS) {
        for (unsigned i = 0; i < pool->jobs; i++) {
            struct place *place = &pool->places[i];
            if (place->pid > 0 && waited_ms % PATIENCE_MS == 0) {
                kill(place->pid, waited_ms == 0 ? SIGTERM : SIGKILL);
            }
            if (place->pid > 0 && waitpid(place->pid, NULL, WNOHANG) == place->pid) {
                place->pid = 0;
                pool->running--;
            }
        }
        pause_a_little();
    }
}

static bool open_places(struct pool *pool) {
    for (unsigned i = 0; i < pool->jobs; i++) {
        pool->places[i].shared = detect_map_shared(sizeof *pool->places[i].shared);
        if (pool->places[i].shared == NULL) {
            return false;
        }
    }
    return true;
}

static void close_places(struct pool *pool) {
    for (unsigned i = 0; i < pool->jobs && pool->places[i].shared != NULL; i++) {
        munmap(pool->places[i].shared, sizeof *pool->places[i].shared);
    }
}

static void run_all(struct pool *pool) {
    while (pool->done < pool->total && !pool->broken && !interrupted()) {
        unsigned done = pool->done;
        fill(pool);
        collect(pool);
        show_progress(pool);
        if (pool->done == done) {
            pause_a_little();
        }
    }
}

static void count_what_is_there(struct pool *pool) {
    pool->total = pool->list->count * pool->list->trials;
    for (unsigned i = 0; i < pool->total; i++) {
        unsigned trial;
        const struct detect_series *series = series_of(pool, i, &trial);
        pool->done_before += series->trials[trial].done;
        pool->found += series->trials[trial].found;
    }
    pool->done = pool->done_before;
}

bool detect_run(struct detect_list *list, unsigned jobs, const char *store) {
    static struct pool pool;
    pool = (struct pool){.list = list, .jobs = jobs};
    if (store != NULL && (pool.store = detect_store_open(store, list)) == NULL) {
        return false;
    }
    interrupts_watch();
    progress_begin();
    count_what_is_there(&pool);
    if (open_places(&pool)) {
        run_all(&pool);
    }
    stop_all(&pool);
    close_places(&pool);
    progress_end();
    detect_store_close(pool.store);
    if (pool.done == pool.total) {
        return true;
    }
    fprintf(stderr, "hakfuzz detect: stopped with %u of %u trials done%s%s%s\n", pool.done, pool.total,
            store != NULL ? "; the same command goes on from " : " (--store FILE keeps them)",
            store != NULL ? store : "", "");
    return false;
}
