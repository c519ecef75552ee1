/* real_threads: which pthread runs which record. real_run.h says what an instance, its host and its lanes are. */
#include <limits.h>
#include <signal.h>
#include <string.h>

#include "oracle/real_run.h"

enum { LANE_STACK_BYTES = 512 * 1024, HOST_STACK_BYTES = 256 * 1024 };

static void thread_start(pthread_t *thread, size_t stack_bytes, void *(*function)(void *), void *argument) {
    pthread_attr_t attributes;
    int error = pthread_attr_init(&attributes);
    if (error == 0) {
        (void)pthread_attr_setstacksize(&attributes, stack_bytes);
        error = pthread_create(thread, &attributes, function, argument);
        (void)pthread_attr_destroy(&attributes);
    }
    if (error != 0) {
        real_cannot("a thread", error);
    }
    atomic_fetch_add_explicit(&real.shared->threads, 1, memory_order_relaxed);
}

/* As in the world: whatever is named is born, but by its end. */
static bool is_born_by(const struct record *record) {
    return !real_is_off(record) && record->op != OP_THREAD_END;
}

/* Carry out a record that is not off and no end. */
static void do_record(struct real_lane *lane, uint32_t index, const struct record *record) {
    lane->now = index;
    lane->record = *record;
    journal_begin(real.plan->journal, index, lane->index);
    real_announce(lane);
    real_operation(lane);
    journal_end(real.plan->journal, lane->applied, &lane->call);
    if (lane->instance->index == 0) {
        atomic_store_explicit(&real.shared->applied[index], lane->applied, memory_order_relaxed);
    }
    atomic_fetch_add_explicit(&real.shared->progress, 1, memory_order_relaxed);
}

/* --- free order --- */

/* The next record of the lane that is not off, from lane->next on; record_count when there is none. */
static uint32_t next_record(const struct real_lane *lane, struct record *record) {
    uint32_t i = lane->next;
    while (i < real.program->record_count) {
        *record = program_record(real.program, i);
        if (real.threads_of[i] == lane->index && !real_is_off(record)) {
            break;
        }
        i++;
    }
    return i;
}

/* The next record that some thread of the lane has to be there for. */
static uint32_t next_birth(struct real_lane *lane) {
    struct record record;
    uint32_t i = next_record(lane, &record);
    while (i < real.program->record_count && !is_born_by(&record)) {
        lane->next = i + 1;
        i = next_record(lane, &record);
    }
    lane->next = i;
    return i;
}

static void *free_lane(void *argument);

static void lane_ended(struct real_lane *lane) {
    if (next_birth(lane) < real.program->record_count) { /* another thread of that number, once this one is gone */
        lane->before = pthread_self();
        lane->has_before = true;
        pthread_t unused; /* it says itself who it is, before it ends */
        thread_start(&unused, LANE_STACK_BYTES, free_lane, lane);
        return;
    }
    pthread_mutex_lock(&lane->instance->lock);
    lane->thread = pthread_self();
    lane->finished = true;
    pthread_cond_signal(&lane->instance->changed);
    pthread_mutex_unlock(&lane->instance->lock);
}

static void *free_lane(void *argument) {
    struct real_lane *lane = argument;
    if (lane->has_before) {
        pthread_join(lane->before, NULL);
    } else {
        pthread_barrier_wait(&real.start);
    }
    struct record record;
    uint32_t i;
    while ((i = next_record(lane, &record)) < real.program->record_count) {
        lane->next = i + 1;
        if (record.op == OP_THREAD_END && lane->index != 0) {
            break; /* that the lane's record does something shows in the threads that are counted */
        }
        do_record(lane, i, &record);
    }
    lane_ended(lane);
    return NULL;
}

static bool lane_has_work(const struct real_lane *lane) {
    struct real_lane copy = *lane;
    return next_birth(&copy) < real.program->record_count;
}

static void run_free(struct real_instance *instance) {
    for (uint32_t i = 0; i < real.threads; i++) {
        struct real_lane *lane = &instance->lanes[i];
        lane->alive = next_birth(lane) < real.program->record_count;
        if (lane->alive) {
            pthread_t unused;
            thread_start(&unused, LANE_STACK_BYTES, free_lane, lane);
        }
    }
    for (uint32_t i = 0; i < real.threads; i++) {
        struct real_lane *lane = &instance->lanes[i];
        if (!lane->alive) {
            continue;
        }
        pthread_mutex_lock(&instance->lock);
        while (!lane->finished) {
            pthread_cond_wait(&instance->changed, &instance->lock);
        }
        pthread_mutex_unlock(&instance->lock);
        pthread_join(lane->thread, NULL);
    }
}

/* --- virtual order --- */

/* The lane goes on, the caller waits until it is the host's turn again. */
static void turn_give(struct real_lane *lane) {
    struct real_instance *instance = lane->instance;
    pthread_mutex_lock(&instance->lock);
    instance->turn = lane->index;
    pthread_cond_broadcast(&instance->changed);
    while (instance->turn != REAL_TURN_HOST) {
        pthread_cond_wait(&instance->changed, &instance->lock);
    }
    pthread_mutex_unlock(&instance->lock);
}

static void turn_wait(struct real_lane *lane) {
    struct real_instance *instance = lane->instance;
    pthread_mutex_lock(&instance->lock);
    while (instance->turn != lane->index) {
        pthread_cond_wait(&instance->changed, &instance->lock);
    }
    pthread_mutex_unlock(&instance->lock);
}

static void turn_return(struct real_lane *lane) {
    struct real_instance *instance = lane->instance;
    pthread_mutex_lock(&instance->lock);
    instance->turn = REAL_TURN_HOST;
    pthread_cond_broadcast(&instance->changed);
    pthread_mutex_unlock(&instance->lock);
}

static void *virtual_lane(void *argument) {
    struct real_lane *lane = argument;
    for (;;) {
        turn_wait(lane);
        bool leaves = lane->leaves;
        if (!leaves) {
            struct record record = program_record(real.program, lane->next);
            do_record(lane, lane->next, &record);
        }
        turn_return(lane);
        if (leaves) {
            return NULL;
        }
    }
}

/* What does not apply is noted all the same: it had its turn. */
static void note_nothing(const struct real_lane *lane, uint32_t index) {
    journal_begin(real.plan->journal, index, lane->index);
    journal_end(real.plan->journal, false, NULL);
}

/* Returns when the thread is gone. */
static void virtual_end(struct real_lane *lane) {
    lane->leaves = true;
    turn_give(lane);
    pthread_join(lane->thread, NULL);
    lane->leaves = lane->alive = false;
}

static void run_virtual(struct real_instance *instance) {
    for (uint32_t step = 0; step < real.program->record_count; step++) {
        uint32_t index = real.order[step];
        struct real_lane *lane = &instance->lanes[real.threads_of[index]];
        struct record record = program_record(real.program, index);
        if (!lane->alive && is_born_by(&record)) {
            thread_start(&lane->thread, LANE_STACK_BYTES, virtual_lane, lane);
            lane->alive = true;
        }
        if (real_is_off(&record) || !lane->alive) {
            note_nothing(lane, index);
            continue;
        }
        if (record.op == OP_THREAD_END && lane->index != 0) {
            lane->now = index;
            lane->record = record;
            journal_begin(real.plan->journal, index, lane->index);
            real_announce(lane); /* a malloc may have much to do then */
            virtual_end(lane);
            journal_end(real.plan->journal, true, NULL);
        } else {
            lane->next = index;
            turn_give(lane);
        }
    }
    for (uint32_t i = real.threads; i-- > 0;) { /* as in the world, the first thread is the last one */
        if (instance->lanes[i].alive) {
            virtual_end(&instance->lanes[i]);
        }
    }
}

/* --- instances --- */

static void *host(void *argument) {
    struct real_instance *instance = argument;
    if (real.plan->order == REAL_ORDER_VIRTUAL) {
        run_virtual(instance);
    } else {
        run_free(instance);
    }
    return NULL;
}

static void instance_begin(struct real_instance *instance, uint32_t index) {
    instance->index = index;
    instance->turn = REAL_TURN_HOST;
    pthread_mutex_init(&instance->lock, NULL);
    pthread_cond_init(&instance->changed, NULL);
    for (uint32_t i = 0; i < real.threads; i++) {
        struct real_lane *lane = &instance->lanes[i];
        uint32_t writes = lane->writes; /* patterns of one time are not those of the next */
        *lane = (struct real_lane){.instance = instance, .index = (uint8_t)i, .writes = writes};
    }
}

static void instance_end(struct real_instance *instance) {
    for (uint32_t i = 0; i < real.threads; i++) {
        const struct real_lane *lane = &instance->lanes[i];
        atomic_fetch_add_explicit(&real.shared->operations, lane->operations, memory_order_relaxed);
        atomic_fetch_add_explicit(&real.shared->skipped, lane->skipped, memory_order_relaxed);
        atomic_fetch_add_explicit(&real.shared->not_carried, lane->not_carried, memory_order_relaxed);
    }
    pthread_mutex_destroy(&instance->lock);
    pthread_cond_destroy(&instance->changed);
}

void real_run_instances(void) {
    unsigned first_threads = 0;
    for (uint32_t i = 0; i < real.plan->instances; i++) {
        instance_begin(&real.instances[i], i);
        for (uint32_t k = 0; k < real.threads; k++) {
            first_threads += lane_has_work(&real.instances[i].lanes[k]);
        }
    }
    pthread_barrier_init(&real.start, NULL, first_threads == 0 ? 1 : first_threads);
    for (uint32_t i = 0; i < real.plan->instances; i++) {
        thread_start(&real.instances[i].host, HOST_STACK_BYTES, host, &real.instances[i]);
    }
    for (uint32_t i = 0; i < real.plan->instances; i++) {
        pthread_join(real.instances[i].host, NULL);
    }
    pthread_barrier_destroy(&real.start);
    for (uint32_t i = 0; i < real.plan->instances; i++) {
        instance_end(&real.instances[i]);
    }
}
