/* fiber: first frames, and what AddressSanitizer must know. */
#include "oracle/fiber.h"

#include <stdint.h>
#include <string.h>

#include "allocator/config.h"

#if HAK_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

void fiber_switch_raw(void **save_stack_pointer, void *load_stack_pointer);
void fiber_trampoline(void);

static struct fiber *leaving; /* who switched last: its stack is the one that was left */

static void switch_begin(struct fiber *from, struct fiber *to) {
    leaving = from;
#if HAK_ASAN
    __sanitizer_start_switch_fiber(&from->fake_stack, to->stack, to->stack_bytes);
#else
    (void)to;
#endif
}

/* Runs on the new stack. The OS thread's own stack is unknown until it has been left once. */
static void switch_end(struct fiber *to) {
#if HAK_ASAN
    const void *left_stack;
    size_t left_bytes;
    __sanitizer_finish_switch_fiber(to->fake_stack, &left_stack, &left_bytes);
    if (leaving->stack == NULL) {
        leaving->stack = (void *)(uintptr_t)left_stack;
        leaving->stack_bytes = left_bytes;
    }
#else
    (void)to;
#endif
}

static void fiber_first(void *self) {
    struct fiber *fiber = self;
    switch_end(fiber);
    fiber->entry(fiber->argument);
}

/* The frame that fiber_switch_raw pops: registers in the order it restores them, then the return address. */
#if defined(__x86_64__)
enum {
    FRAME_WORDS = 8,
    FRAME_ARGUMENT = 3,
    FRAME_FUNCTION = 2,
    FRAME_RETURN = 6,
    FRAME_DROP_WORDS = 9
}; /* 16-aligned at the call */
#else
enum { FRAME_WORDS = 20, FRAME_ARGUMENT = 0, FRAME_FUNCTION = 1, FRAME_RETURN = 11, FRAME_DROP_WORDS = 20 };
#endif

void fiber_prepare(struct fiber *fiber, void (*entry)(void *argument), void *argument) {
    fiber->entry = entry;
    fiber->argument = argument;
    fiber->fake_stack = NULL;
    uintptr_t top = ((uintptr_t)fiber->stack + fiber->stack_bytes) & ~(uintptr_t)15;
    uintptr_t *frame = (uintptr_t *)top - FRAME_DROP_WORDS;
#if HAK_ASAN
    __asan_unpoison_memory_region(frame, FRAME_WORDS * sizeof *frame);
#endif
    memset(frame, 0, FRAME_WORDS * sizeof *frame);
    frame[FRAME_ARGUMENT] = (uintptr_t)fiber;
    frame[FRAME_FUNCTION] = (uintptr_t)fiber_first;
    frame[FRAME_RETURN] = (uintptr_t)fiber_trampoline;
    fiber->stack_pointer = frame;
}

void fiber_switch(struct fiber *from, struct fiber *to) {
    switch_begin(from, to);
    fiber_switch_raw(&from->stack_pointer, to->stack_pointer);
    switch_end(from);
}
