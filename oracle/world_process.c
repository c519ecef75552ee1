/* world_process: operations that are about the whole process: fork, and options that change on the way. */
#include <string.h>

#include "allocator/process.h"
#include "allocator/root.h"
#include "oracle/component.h"
#include "oracle/finding.h"
#include "oracle/preset.h"
#include "oracle/run.h"

/* It did nothing, as far as the child is concerned. */
static void tell_cut_off(uint8_t thread) {
    uint8_t running = run.thread;
    struct operation *now = run.now;
    run.thread = thread;
    run.now = &run.threads[thread].operation;
    run.now->applied = false;
    run_observe_end();
    run.thread = running;
    run.now = now;
}

/* Operations that the other threads were in the middle of do not exist in the child. */
static void others_cut_off(void) {
    uint32_t cut_off = scheduler_forget_others();
    run.step += cut_off;
    run.lost += cut_off;
    run.inside = 0;
    run.claimed = 0;
    for (uint8_t i = 0; i < PROGRAM_THREADS_MAX; i++) {
        if (i != run.thread && run.threads[i].operation.inside) {
            if (run.observer != NULL) {
                tell_cut_off(i);
            }
            run.threads[i].operation = (struct operation){0};
            run_fiber_forget(i);
        }
    }
}

/* What a fork's parent does, then what its child does: that has one thread, every lock is new, and the other threads'
 * heaps have lost their owners. Threads that are named again are born anew. Where another thread is in the middle of an
 * operation, which would be lost with what it holds, the child goes on only in the component that is about that. */
void run_fork(void) {
    run.now->applied = true;
    run_enter(NO_SLOT);
    hak_fork_prepare();
    hak_fork_parent(); /* what the parent does; it goes on as if nothing had been */
    hak_fork_prepare();
    bool may_lose = run.component != NULL && run.component->process_start != NULL;
    if (run.inside > 1 && !may_lose) {
        hak_fork_parent();
        run_leave(NO_SLOT);
        return;
    }
    run_leave(NO_SLOT);
    hak_fork_child();
    if (run.level != 0) {
        others_cut_off();
    }
    for (uint8_t i = 0; i < PROGRAM_THREADS_MAX; i++) {
        if (i != run.thread) {
            run.threads[i].root = (struct hak_thread)HAK_THREAD_INITIAL;
            run.alive -= run.threads[i].alive;
            run.threads[i].alive = false;
        }
    }
    run_weak_forked();
}

/* Users cannot do this, but each of these values could have been the first. */
void run_option(void) {
    const struct choice_info *choice = &choice_table[record_option_choice(&run.now->record)];
    const char *name = hak_option_table[choice->option].name;
    char text[16];
    struct hak_print print;
    run.now->applied = true;
    hak_print_open_text(&print, text, sizeof text);
    hak_option_print_value(choice->option, choice->values[record_option_value(&run.now->record)], &print);
    size_t length = hak_print_close(&print);
    if (!hak_option_set(&hak_root.options, name, strlen(name), text, length)) {
        finding_raise(CHECK_INVARIANT, NULL, "%s is no value of option %s, which printed it", text, name);
    }
    if (hak_load(&hak_root.started, relaxed) != 0) { /* else the process is not started, and will do it then */
        hak_ace_configure(&hak_root.ace, &hak_root.options);
    }
    run_thrift_options();
}
