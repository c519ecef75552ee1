/* real_child: the process in which programs run on real threads, from its first step to its end. */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "oracle/real_run.h"
#include "oracle/schedule.h"

struct real real;

/* --- the ends --- */

static void tell_faults(void) {
    if (real.plan->backend->trial.faults != NULL) {
        real.shared->faults = real.plan->backend->trial.faults();
    }
}

void real_raise(const struct real_lane *lane, enum check check, const char *format, ...) {
    struct real_shared *shared = real.shared;
    if (atomic_exchange(&shared->raised, 1) != 0) {
        for (;;) {
            pause(); /* somebody else's finding ends the process */
        }
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(shared->message, sizeof shared->message, format, arguments);
    va_end(arguments);
    shared->check = check;
    shared->record = lane->now;
    tell_faults();
    atomic_store(&shared->told, 1);
    _exit(REAL_EXIT_FINDING);
}

void real_cannot(const char *what, int error) {
    if (atomic_exchange(&real.shared->raised, 1) == 0) {
        snprintf(real.shared->message, sizeof real.shared->message, "the system refuses %s: %s", what, strerror(error));
        _exit(REAL_EXIT_CANNOT);
    }
    for (;;) {
        pause();
    }
}

/* --- what it is about, for findings that the process does not survive --- */

static bool is_virtual(void) {
    return real.plan->order == REAL_ORDER_VIRTUAL;
}

static void store(_Atomic uint64_t *word, uint64_t value) {
    atomic_store_explicit(word, value, memory_order_relaxed);
}

void real_announce(const struct real_lane *lane) {
    if (is_virtual()) {
        atomic_store_explicit(&real.shared->now, lane->now, memory_order_relaxed);
        atomic_store_explicit(&real.shared->is_remote, 0, memory_order_relaxed);
        store(&real.shared->subject, 0);
        store(&real.shared->subject_bytes,
              lane->now < real.program->record_count ? record_size_bytes(&lane->record) : 0);
    }
}

void real_subject(const struct real_lane *lane, uintptr_t start, size_t bytes, uint8_t born_on) {
    if (is_virtual()) {
        store(&real.shared->subject, start);
        store(&real.shared->subject_bytes, bytes);
        atomic_store_explicit(&real.shared->is_remote, 1U + (born_on != lane->index), memory_order_relaxed);
    }
}

void real_note(enum journal_kind kind, uint8_t slot, const struct shadow_block *block) {
    size_t bytes = kind == JOURNAL_GREW ? block->claimed_bytes : block->requested_bytes;
    journal_note(
        real.plan->journal,
        &(struct journal_change){
            .kind = (uint8_t)kind, .slot = slot, .born_on = block->thread, .start = block->start, .bytes = bytes});
}

/* --- the run --- */

void real_prove(const struct real_lane *lane, size_t live_blocks) {
    bool broken_count = false;
    const char *broken =
        real.plan->backend->trial.prove != NULL ? real.plan->backend->trial.prove(live_blocks, &broken_count) : NULL;
    if (broken != NULL) {
        bool sentinel = strstr(broken, " I3:") != NULL;
        real_raise(lane,
                   broken_count ? CHECK_BLOCK_LOST
                   : sentinel   ? CHECK_SENTINEL_IN_LIST
                                : CHECK_ACCOUNTING,
                   "%s", broken);
    }
}

static void *map(size_t bytes) {
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        real_cannot("memory", errno);
    }
    return memory;
}

/* Nobody else is there: what is live, is in slots. */
static void finish_time(void) {
    struct real_lane *first = &real.instances[0].lanes[0];
    size_t live_blocks = 0;
    for (uint32_t i = 0; i < real.plan->instances; i++) {
        real.instances[i].lanes[0].now = real.program->record_count;
        live_blocks += real_live_blocks(&real.instances[i]);
    }
    real_prove(first, live_blocks);
    for (uint32_t i = 0; i < real.plan->instances; i++) {
        journal_begin(real.plan->journal, real.program->record_count, 0);
        real_announce(&real.instances[i].lanes[0]);
        real_free_all(&real.instances[i].lanes[0]);
        journal_end(real.plan->journal, true, NULL);
    }
    if (real.plan->backend->trim != NULL) {
        (void)real.plan->backend->trim(0);
    }
    real_prove(first, 0);
    atomic_fetch_add(&real.shared->times, 1);
}

void real_child(void) {
    const struct real_plan *plan = real.plan;
    const struct program_header *header = &real.program->header;
    real.threads = plan->target->threads;
    real.board.count = (size_t)plan->instances * header->slot_count;
    real.board.words = map(real.board.count * sizeof *real.board.words);
    real.instances = map(plan->instances * sizeof *real.instances);
    for (uint32_t i = 0; i < real.program->record_count; i++) {
        real.threads_of[i] = (uint8_t)(program_record_thread(real.program, i) & (real.threads - 1U));
    }
    schedule_order(real.program, real.threads_of, (uint8_t)real.threads, real.order);
    if (plan->backend->trial.begin != NULL) {
        plan->backend->trial.begin(plan->fault, header->geometry, header->preset);
    }
    for (uint64_t i = 0; i < plan->times; i++) {
        real_run_instances();
        finish_time();
    }
    tell_faults();
    if (plan->at_end != NULL) {
        plan->at_end();
    }
    atomic_store(&real.shared->finished, 1);
    _exit(REAL_EXIT_CLEAN);
}
