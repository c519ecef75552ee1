/* fiber: a stack and a place in the code, switched by hand.
 *
 * Virtual threads of the simulated world run on fibers of one OS thread. A switch saves the callee-saved registers on
 * the old stack and takes them from the new one (about 10 ns less than any switch through the kernel); it is announced
 * to AddressSanitizer. A fiber's entry function never returns. Not thread safe: all fibers belong to one OS thread. */
#ifndef HAKMEM_ORACLE_FIBER_H
#define HAKMEM_ORACLE_FIBER_H

#include <stddef.h>

struct fiber {
    void *stack_pointer; /* while it is not running */
    void *stack;         /* lowest address; NULL for the fiber that stands for the OS thread's own stack */
    size_t stack_bytes;
    void (*entry)(void *argument);
    void *argument;
    void *fake_stack; /* AddressSanitizer's, while it is not running */
};

/* Make `fiber` start at entry(argument) when it is switched to next; what it did before is forgotten. stack and
 * stack_bytes must be set. */
void fiber_prepare(struct fiber *fiber, void (*entry)(void *argument), void *argument);

/* Leave `from`, the running fiber, for `to`. Returns when somebody switches back. */
void fiber_switch(struct fiber *from, struct fiber *to);

/* Call function(argument), with all that the caller will need again on the stack, from *mark up: the registers that
 * functions must preserve are put there too. */
void fiber_call_marked(void **mark, void (*function)(void *argument), void *argument);

/* What a switch takes, in nanoseconds, the mean of many between two fibers; 0: no memory for a stack. */
double fiber_bench_switch_ns(void);

#endif
