/* component misuse: a program that breaks the rules, beside the promise that wrong pointers are refused.
 *
 * Four threads, one operation after the other: a pointer that is wrong while another thread allocates may be right by
 * the time it is looked at. Records mean what they mean for the whole allocator, but
 *
 *   free_sized s3             frees the block of slot s3 twice, or what it had last once more
 *   free_aligned_sized s3     frees it, and hands it to realloc, or what the slot had last
 *   verify s3                 frees the address one byte into the block of slot s3
 *   usable s3                 frees an address that is no block's of this allocator
 *
 * What a slot had last is forgotten once anybody has allocated, since from then on the address may be a block again, or
 * lie in memory that was divided anew, of which nothing is promised.
 *
 * A call that is refused does nothing, and the program goes on; all checks of the whole allocator hold. A call that is
 * carried out is the finding "misuse-undetected", a complaint about a pointer that is right is "invariant". */
#include <setjmp.h>
#include <string.h>

#include "allocator/hakmem.h"
#include "oracle/component.h"
#include "oracle/finding.h"
#include "oracle/run.h"

enum { SLOTS_MAX = 64 };

/* Whole words, without gaps. */
static struct { uintptr_t had[SLOTS_MAX]; /* by each slot, last; 0: nothing that is known to be free */ } state;

static jmp_buf refused;
static bool is_due; /* a complaint */

static void begin(void) {
    memset(&state, 0, sizeof state);
    is_due = false;
    run.level = 0;
}

static void complained(void) {
    if (is_due) {
        is_due = false;
        longjmp(refused, 1);
    }
}

static void call_free(void *pointer) {
    hak_free(pointer);
}

static void call_realloc(void *pointer) {
    (void)hak_realloc(pointer, 1);
}

/* The allocator complains at the beginning of a call, when it holds no lock and has changed nothing. */
static void misuse(void (*call)(void *pointer), uintptr_t address, const char *what) {
    run.now->applied = true;
    is_due = true;
    if (setjmp(refused) == 0) {
        call((void *)address);
        is_due = false;
        finding_raise(CHECK_MISUSE_UNDETECTED, (void *)address, "%s went through", what);
    }
}

/* Those of the slots that the record has freed. */
static void remember(const struct shadow_block *before) {
    for (uint8_t slot = 0; slot < run.program->header.slot_count; slot++) {
        if (before[slot].start != 0 && run.shadow.blocks[slot].start == 0) {
            state.had[slot] = before[slot].start;
        }
    }
}

static void freeing_record(void) {
    struct shadow_block before[SLOTS_MAX];
    memcpy(before, run.shadow.blocks, sizeof before);
    run_record();
    remember(before);
}

static void freed_record(void (*call)(void *pointer), const char *what) {
    uint8_t slot = run.now->record.slot;
    uintptr_t live = run.shadow.blocks[slot].start;
    if (live != 0) {
        run_free_slot(slot, OP_FREE);
        state.had[slot] = live;
    }
    if (state.had[slot] != 0) {
        misuse(call, state.had[slot], what);
    }
}

static void record(void) {
    uintptr_t live = run.shadow.blocks[run.now->record.slot].start;
    switch (run.now->record.op) {
    case OP_FREE:
    case OP_FREE_MANY:
        freeing_record();
        break;
    case OP_FREE_SIZED:
        freed_record(call_free, "a second free");
        break;
    case OP_FREE_ALIGNED_SIZED:
        freed_record(call_realloc, "realloc of a block that was freed");
        break;
    case OP_VERIFY:
        if (live != 0) {
            misuse(call_free, live + 1, "a free of an address inside a block");
        }
        break;
    case OP_USABLE:
        misuse(call_free, (uintptr_t)&state, "a free of an address that is no block's");
        break;
    case OP_WRITE:
    case OP_TRIM:
    case OP_CLOCK:
    case OP_CHECK:
    case OP_THREAD_END:
    case OP_THREAD_START:
        run_record();
        break;
    default:
        run_record();
        memset(&state, 0, sizeof state);
    }
}

static void final(void) {
    run_prove_heap();
    component_end_threads();
    run_final_free();
}

const struct component component_misuse = {.begin = begin,
                                           .record = record,
                                           .final = final,
                                           .state = &state,
                                           .state_bytes = sizeof state,
                                           .complained = complained};
