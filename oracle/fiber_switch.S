/* fiber_switch: the switch itself, for each architecture.
 *
 * void fiber_switch_raw(void **save_stack_pointer, void *load_stack_pointer)
 *     Push callee-saved registers, store the stack pointer through the first argument, load the second, pop, return.
 * void fiber_call_marked(void **mark, void (*function)(void *argument), void *argument)
 *     Push the same registers, store the stack pointer through the first argument, call, pop, return.
 * fiber_trampoline
 *     First return address of a new fiber: calls the function in one saved register with the argument in another. */

#if defined(__x86_64__)

    .macro push_saved
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    .endm
    .macro pop_saved
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    .endm

    .text
    .globl fiber_switch_raw
    .hidden fiber_switch_raw
    .type fiber_switch_raw, @function
fiber_switch_raw:
    push_saved
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    pop_saved
    ret
    .size fiber_switch_raw, . - fiber_switch_raw

    .globl fiber_trampoline
    .hidden fiber_trampoline
    .type fiber_trampoline, @function
fiber_trampoline:
    movq %r12, %rdi
    callq *%r13
    ud2
    .size fiber_trampoline, . - fiber_trampoline

    .globl fiber_call_marked
    .hidden fiber_call_marked
    .type fiber_call_marked, @function
fiber_call_marked:
    push_saved
    movq %rsp, (%rdi)
    subq $8, %rsp
    movq %rdx, %rdi
    callq *%rsi
    addq $8, %rsp
    pop_saved
    ret
    .size fiber_call_marked, . - fiber_call_marked

#elif defined(__aarch64__)

    .macro push_saved
    sub sp, sp, #160
    stp x19, x20, [sp, #0]
    stp x21, x22, [sp, #16]
    stp x23, x24, [sp, #32]
    stp x25, x26, [sp, #48]
    stp x27, x28, [sp, #64]
    stp x29, x30, [sp, #80]
    stp d8, d9, [sp, #96]
    stp d10, d11, [sp, #112]
    stp d12, d13, [sp, #128]
    stp d14, d15, [sp, #144]
    .endm

    .text
    .globl fiber_switch_raw
    .hidden fiber_switch_raw
    .type fiber_switch_raw, %function
fiber_switch_raw:
    push_saved
    mov x9, sp
    str x9, [x0]
    mov sp, x1
    ldp x19, x20, [sp, #0]
    ldp x21, x22, [sp, #16]
    ldp x23, x24, [sp, #32]
    ldp x25, x26, [sp, #48]
    ldp x27, x28, [sp, #64]
    ldp x29, x30, [sp, #80]
    ldp d8, d9, [sp, #96]
    ldp d10, d11, [sp, #112]
    ldp d12, d13, [sp, #128]
    ldp d14, d15, [sp, #144]
    add sp, sp, #160
    ret
    .size fiber_switch_raw, . - fiber_switch_raw

    .globl fiber_trampoline
    .hidden fiber_trampoline
    .type fiber_trampoline, %function
fiber_trampoline:
    mov x0, x19
    blr x20
    brk #1
    .size fiber_trampoline, . - fiber_trampoline

    .globl fiber_call_marked
    .hidden fiber_call_marked
    .type fiber_call_marked, %function
fiber_call_marked:
    push_saved
    mov x9, sp
    str x9, [x0]
    mov x0, x2
    blr x1
    ldp x29, x30, [sp, #80]
    add sp, sp, #160
    ret
    .size fiber_call_marked, . - fiber_call_marked

#else
#error "hakmem's fibers are written for x86-64 and aarch64"
#endif

    .section .note.GNU-stack, "", %progbits
