/* world: one execution from reset to verdict.
 *
 * Fibers: main prepares, switches to the thread of the first step, and is switched back to when all steps are done or a
 * finding was raised. A thread's fiber carries out its steps as long as the next step is its own, then switches
 * straight to the thread whose turn it is; where operations may overlap, it also does so in the middle of one. A
 * finding abandons the fibers as they are; the next run begins them anew. */
#include "oracle/world.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "allocator/process.h"
#include "allocator/root.h"
#include "oracle/beside.h"
#include "oracle/component.h"
#include "oracle/fault.h"
#include "oracle/feedback.h"
#include "oracle/finding.h"
#include "oracle/preset.h"
#include "oracle/run.h"
#include "oracle/schedule.h"
#include "oracle/sim.h"
#include "oracle/site.h"

#if HAK_ASAN
#include <sanitizer/asan_interface.h>
#endif

struct hak_faults hak_faults;
struct run run;

static struct world_totals totals;

enum { FIBER_STACK_BYTES = 512 * 1024, STACK_GUARD_BYTES = 64 * 1024, SIGNAL_STACK_BYTES = 128 * 1024 };

/* --- for debuggers --- */

__attribute__((used)) volatile uint32_t world_stop_at = UINT32_MAX; /* written by nobody here */

__attribute__((noinline)) void world_at_finding(const struct verdict *verdict) {
    __asm__ volatile("" ::"r"(verdict) : "memory");
}

__attribute__((noinline)) void world_at_operation(uint32_t index, uint8_t thread, const struct record *record) {
    __asm__ volatile("" ::"r"(index), "r"(thread), "r"(record) : "memory");
}

/* --- findings --- */

void finding_raise(enum check check, const void *subject, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    if (!run.active || run.raising) {
        fputs("hakmem: a finding outside of a run: ", stderr);
        vfprintf(stderr, format, arguments);
        fputc('\n', stderr);
        abort();
    }
    run.raising = true;
    run.failed = true;
    hak_shim.level = 0;
    struct verdict *verdict = run.verdict;
    verdict->check = check;
    vsnprintf(verdict->message, sizeof verdict->message, format, arguments);
    va_end(arguments);
    world_at_finding(verdict);
    if (sim_in_arena((uintptr_t)subject)) { /* what lies elsewhere has another address in every process */
        run.now->subject = (uintptr_t)subject;
    } else if (!sim_in_arena(run.now->subject)) {
        run.now->subject = 0;
    }
    fiber_switch(&run.threads[run.thread].fiber, &run.main);
    abort(); /* nobody switches back to a fiber that raised a finding */
}

void run_abandon(void) {
    run.abandoned = true;
    hak_shim.level = 0;
    fiber_switch(&run.threads[run.thread].fiber, &run.main);
    abort(); /* nobody switches back to a run that was left */
}

static void verdict_finish(struct verdict *verdict) {
    verdict->record = run.now->index;
    verdict->operations = run.operations;
    verdict->trace_hash = run.trace;
    verdict->fault_reached = hak_faults.reached;
    verdict->fault_triggered = hak_faults.triggered;
}

/* --- crashes --- */

static const int crash_signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
enum { CRASH_SIGNALS = sizeof crash_signals / sizeof crash_signals[0] };
static struct sigaction crash_before[CRASH_SIGNALS];

static void crash_handler(int number, siginfo_t *info, void *context) {
    (void)context;
    if (run.active && !run.raising) {
        bool inside = sim_in_arena((uintptr_t)info->si_addr);
        finding_raise(CHECK_CRASH, NULL, "%s at %s", strsignal(number),
                      inside ? "an address of the arena" : "an address outside the arena");
    }
    for (unsigned i = 0; i < CRASH_SIGNALS; i++) {
        sigaction(crash_signals[i], &crash_before[i], NULL);
    }
    raise(number);
}

#if HAK_ASAN
/* The sanitizer reports and ends the process; before that, say the same in our words. */
static void sanitizer_report(const char *text) {
    (void)text;
    if (run.active && !run.raising) {
        run.raising = true;
        run.verdict->check = CHECK_CRASH;
        snprintf(run.verdict->message, sizeof run.verdict->message, "a sanitizer stopped the allocator");
        run_write_signature(CHECK_CRASH, run.verdict->signature, sizeof run.verdict->signature);
        verdict_finish(run.verdict);
        world_at_finding(run.verdict);
        run_print_report(stderr);
        world_print_finding(run.target, run.verdict, stderr);
    }
}

/* UndefinedBehaviorSanitizer has no callback to register, but calls this. */
void __ubsan_on_report(void);
void __ubsan_on_report(void) {
    sanitizer_report("");
}
#endif

static void crash_handlers_install(void) {
#if HAK_ASAN
    __asan_set_error_report_callback(sanitizer_report);
    (void)crash_handler;
#else
    static char signal_stack[SIGNAL_STACK_BYTES];
    sigaltstack(&(stack_t){.ss_sp = signal_stack, .ss_size = sizeof signal_stack}, NULL);
    struct sigaction action = {.sa_sigaction = crash_handler, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    for (unsigned i = 0; i < CRASH_SIGNALS; i++) {
        sigaction(crash_signals[i], &action, &crash_before[i]);
    }
#endif
}

/* --- steps --- */

static uint8_t step_thread(uint32_t step) {
    static const uint8_t final_thread[FINAL_COUNT] = {0, 1, 2, 3, 0};
    uint32_t records = run.program->record_count;
    return step < records ? run.threads_of[run.order[step]] : final_thread[step - records];
}

void run_thread_end(void) {
    if (run.thread != 0 && run.threads[run.thread].alive) {
        run.now->applied = true;
        run_enter(NO_SLOT);
        hak_thread_exit();
        run_leave(NO_SLOT);
        run_weak_ended();
        run.threads[run.thread].alive = false;
        run.alive--;
    }
}

static void step_record(uint32_t index) {
    run.now->index = index;
    run.now->record = program_record(run.program, index);
    run.now->slot = run.now->record.slot;
    run.now->applied = false;
    run_forget_subject();
    if (HAK_UNLIKELY(index == world_stop_at)) {
        world_at_operation(index, run.thread, &run.now->record);
    }
    if ((run.program->header.ops_off >> run.now->record.op & 1) == 0 || run.now->record.op == OP_NOP) {
        bool is_behind_end = run.component != NULL && run.component->frees_behind_end && hak_thread.ended &&
                             (run.now->record.op == OP_FREE || run.now->record.op == OP_FREE_MANY);
        if (!run.threads[run.thread].alive && !is_behind_end && run.now->record.op != OP_THREAD_END &&
            run.now->record.op != OP_NOP) {
            hak_thread = (struct hak_thread)HAK_THREAD_INITIAL; /* another thread of that number */
            run.threads[run.thread].alive = true;
            run.alive++;
            run.alive_most = run.alive > run.alive_most ? run.alive : run.alive_most;
            run_weak_born();
            run.now->applied = run.now->record.op == OP_THREAD_START;
        }
        errno = 0;
        if (run.component != NULL) {
            run.component->record();
        } else {
            run_record();
        }
    }
    if (run.now->applied) {
        feedback_operation();
    }
    run.operations += run.now->applied;
    run_trace((uint64_t)index << 8 | (unsigned)run.now->record.op);
    if (run.program->header.clock_step_ms != 0) {
        sim_advance_clock(run.program->header.clock_step_ms);
    }
    if (HAK_UNLIKELY(run.observer != NULL)) {
        run_observe_end();
    }
}

static void step_final(enum final_step final) {
    run.now->index = run.program->record_count;
    run_forget_subject();
    if (run.component != NULL) {
        if (final == FINAL_FREE) {
            sim_fail_stop();
            run.component->final();
        }
    } else if (final == FINAL_CHECK) {
        run_prove_heap();
    } else if (final == FINAL_FREE) {
        run_final_free();
    } else if (run.threads[run.thread].alive) {
        run_thread_end();
    }
    if (run.observer != NULL) {
        run_observe_end();
    }
}

static void thread_main(void *argument);

/* The running fiber stays where it is; the thread root goes with it. */
void run_switch_to(uint8_t next, const struct hak_site *site, uint32_t yield) {
    uint8_t previous = run.thread;
    struct virtual_thread *from = &run.threads[previous];
    struct virtual_thread *to = &run.threads[next];
    struct thread_switch *noted = &run.switches[run.switch_count++ % SWITCHES_KEPT];
    noted->step = run.step;
    noted->from = previous;
    noted->to = next;
    noted->site = site;
    noted->age = 0;
    if (site != NULL) {
        noted->index = from->operation.index;
        noted->yield = yield;
        totals.switches++;
        if (HAK_UNLIKELY(run.observer != NULL)) {
            run_observe_switch(noted);
        }
    }
    from->root = hak_thread;
    hak_thread = to->root;
    run.thread = next;
    run.now = &to->operation;
    if (!to->prepared) {
        to->prepared = true;
        fiber_prepare(&to->fiber, thread_main, to);
    }
    fiber_switch(&from->fiber, &to->fiber);
}

/* Records at level 1: this thread's turn has come, until there are none left for anybody. */
static void interleave(uint8_t self) {
    while (run.step < run.program->record_count) {
        step_record(scheduler_take());
        scheduler_finish();
        run.step++;
        uint8_t next = scheduler_next();
        if (next != self && next != SCHEDULER_NOBODY) {
            run_switch_to(next, NULL, 0);
        }
    }
}

static bool step_has_work(uint32_t step) {
    uint32_t records = run.program->record_count;
    bool ends_thread = step > records && step < records + FINAL_FREE;
    return !ends_thread || run.threads[step - records].alive;
}

static void thread_main(void *argument) {
    struct virtual_thread *self = argument;
    uint32_t records = run.program->record_count;
    if (run.component != NULL && !run.begun) { /* here, where it may raise a finding */
        run.begun = true;
        if (run.component->process_start == NULL) {
            hak_process_start();
        }
        run.component->begin();
    }
    if (run.level != 0) {
        interleave((uint8_t)(self - run.threads));
        run.level = 0; /* one step after the other, from here on */
    }
    while (run.step < run.step_count) {
        if (!step_has_work(run.step)) {
            run.step++;
            continue;
        }
        uint8_t next = step_thread(run.step);
        if (&run.threads[next] != self) {
            run_switch_to(next, NULL, 0);
            continue;
        }
        uint32_t step = run.step++;
        if (step < records) {
            step_record(run.order[step]);
        } else {
            step_final((enum final_step)(step - records));
        }
    }
    fiber_switch(&self->fiber, &run.main);
    abort();
}

/* --- runs --- */

static void run_begin(const struct target_info *target, const struct program *program, struct verdict *verdict) {
    run.target = target;
    run.component = component_find(target->component);
    run.is_beside = target == &target_table[TARGET_DIFFERENTIAL];
    run.program = program;
    run.verdict = verdict;
    for (uint32_t i = 0; i < PROGRAM_THREADS_MAX; i++) {
        run.threads[i].root = (struct hak_thread)HAK_THREAD_INITIAL;
        run.threads[i].prepared = run.threads[i].alive = false;
        run.threads[i].operation = (struct operation){0};
    }
    run.now = &run.threads[0].operation;
    run.inside = 0;
    run.lost = 0;
    run.claimed = 0;
    run.threads[0].alive = true;
    run.alive = run.alive_most = 1;
    run.raising = run.failed = run.abandoned = run.begun = false;
    run.thread = 0;
    run.step = 0;
    run.step_count = program->record_count + FINAL_COUNT;
    run.writes = 0;
    run.trace = UINT64_C(0x243f6a8885a308d3);
    run.operations = run.event_count = run.switch_count = 0;
    run_forget_subject();
    hak_note_store(&hak_faults.reached, 0);
    hak_note_store(&hak_faults.triggered, 0);
    feedback_begin();
    for (uint32_t i = 0; i < program->record_count; i++) {
        run.threads_of[i] = (uint8_t)(program_record_thread(program, i) & (target->threads - 1U));
    }
    schedule_order(program, run.threads_of, target->threads, run.order);
    run.level = scheduler_level(program, target->threads);
    if (run.level != 0) {
        run.thread = scheduler_begin(program, target->threads);
        run.now = &run.threads[run.thread].operation;
    }
    if (run.level == LEVEL_WEAK) {
        run_weak_begin();
    }
}

/* Everything as world_open made it. A run that ended well has freed all its blocks; a finding leaves what it leaves. */
static void world_reset(bool deep) {
    sim_reset(deep);
    memset(&hak_root, 0, sizeof hak_root);
    hak_thread = (struct hak_thread)HAK_THREAD_INITIAL;
}

void run_fiber_forget(uint8_t thread) {
    run.threads[thread].prepared = false;
#if HAK_ASAN
    __asan_unpoison_memory_region(run.threads[thread].fiber.stack, run.threads[thread].fiber.stack_bytes);
#endif
}

static void fibers_forget(void) {
    for (uint8_t i = 0; i < PROGRAM_THREADS_MAX; i++) {
        run_fiber_forget(i);
    }
}

enum check world_run(const struct target_info *target, const struct program *program, FILE *report,
                     struct verdict *verdict) {
    *verdict = (struct verdict){.check = CHECK_NONE};
    run_begin(target, program, verdict);
    const struct program_header *header = &program->header;
    sim_set_knobs(&(struct sim_knobs){header->placement, target->failures ? header->fail_every : 0});
    hak_root.geometry = &hak_geometries[header->geometry % HAK_GEOMETRY_COUNT];
    preset_apply(&hak_root.options, header->preset % PRESET_COUNT);
    run_thrift_begin();
    run.active = true;
    struct virtual_thread *first = &run.threads[run.thread];
    first->prepared = true;
    fiber_prepare(&first->fiber, thread_main, first);
    fiber_switch(&run.main, &first->fiber);
    verdict_finish(verdict);
    if (run.failed) {
        run_write_signature(verdict->check, verdict->signature, sizeof verdict->signature);
        if (run.observer != NULL) {
            run_observe_finding();
        }
        if (report != NULL) {
            run_print_report(report);
        }
    }
    if (run.failed || run.abandoned) {
        fibers_forget();
        memset(&run.shadow, 0, sizeof run.shadow);
    }
    run.active = false;
    if (run.is_beside) {
        beside_end();
    }
    world_reset(run.failed);
    totals.executions++;
    totals.operations += run.operations;
    totals.dirty_pages = sim_cleared_pages();
    return verdict->check;
}

uint64_t world_state_hash(void) {
    uint64_t hash = sim_memory_hash();
    const unsigned char *root = (const unsigned char *)&hak_root;
    for (size_t i = 0; i < sizeof hak_root; i++) {
        hash = (hash ^ root[i]) * UINT64_C(0x100000001b3);
    }
    return hash ^ (uint64_t)(hak_thread.heap != &hak_heap_none);
}

struct world_totals world_totals(void) {
    return totals;
}

bool world_arm_fault(const char *name) {
    int fault = fault_find(name);
    if (fault < 0) {
        return false;
    }
    memset(&hak_faults, 0, sizeof hak_faults);
    hak_faults.armed = (enum hak_fault)fault;
    return true;
}

/* --- life --- */

static int stacks_open(char *why, size_t why_bytes) {
    for (uint32_t i = 0; i < PROGRAM_THREADS_MAX; i++) {
        char *stack = mmap(NULL, FIBER_STACK_BYTES + STACK_GUARD_BYTES, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
        if (stack == MAP_FAILED || mprotect(stack, STACK_GUARD_BYTES, PROT_NONE) != 0) {
            snprintf(why, why_bytes, "cannot map a fiber's stack: %s", strerror(errno));
            return -1;
        }
        run.threads[i].fiber.stack = stack + STACK_GUARD_BYTES; /* below it a page that traps */
        run.threads[i].fiber.stack_bytes = FIBER_STACK_BYTES;
    }
    return 0;
}

int world_open(char *why, size_t why_bytes) {
    if (sim_open(why, why_bytes) != 0 || stacks_open(why, why_bytes) != 0) {
        return -1;
    }
    site_open();
    crash_handlers_install();
    world_reset(true);
    run.untouched_hash = world_state_hash();
    return 0;
}

void world_close(void) {
    for (uint32_t i = 0; i < PROGRAM_THREADS_MAX; i++) {
        if (run.threads[i].fiber.stack != NULL) {
            munmap((char *)run.threads[i].fiber.stack - STACK_GUARD_BYTES, FIBER_STACK_BYTES + STACK_GUARD_BYTES);
            run.threads[i].fiber.stack = NULL;
        }
    }
    sim_close();
}
