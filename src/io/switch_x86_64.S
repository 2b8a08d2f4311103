/*
 * The switch between two stacks: saves what the calling convention says a callee must keep, changes
 * the stack pointer, restores. mxcsr and the x87 control word are not touched: nobody here changes
 * them. Both stacks have the same shape at the moment of the change, so one set of unwind rules holds
 * before and after it. The jump instead of a return keeps the return predictor, which knows only the
 * old stack, out of it.
 */
#if defined(__x86_64__)
    .text
    .globl nw_switch
    .hidden nw_switch
    .type nw_switch, @function
    .p2align 4
/* void nw_switch(void **save_sp, void *load_sp) */
nw_switch:
    .cfi_startproc
    pushq %rbp
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %rbp, 0
    pushq %rbx
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %rbx, 0
    pushq %r12
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %r12, 0
    pushq %r13
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %r13, 0
    pushq %r14
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %r14, 0
    pushq %r15
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %r15, 0
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    .cfi_adjust_cfa_offset -8
    .cfi_restore %r15
    popq %r14
    .cfi_adjust_cfa_offset -8
    .cfi_restore %r14
    popq %r13
    .cfi_adjust_cfa_offset -8
    .cfi_restore %r13
    popq %r12
    .cfi_adjust_cfa_offset -8
    .cfi_restore %r12
    popq %rbx
    .cfi_adjust_cfa_offset -8
    .cfi_restore %rbx
    popq %rbp
    .cfi_adjust_cfa_offset -8
    .cfi_restore %rbp
    popq %rcx
    .cfi_adjust_cfa_offset -8
    .cfi_register %rip, %rcx
    jmp *%rcx
    .cfi_endproc
    .size nw_switch, . - nw_switch

    .globl nw_switch_entry
    .hidden nw_switch_entry
    .type nw_switch_entry, @function
    .p2align 4
/* Where a new stack begins: %r12 is the function, %r13 its argument. Unwinding ends here. */
nw_switch_entry:
    .cfi_startproc
    .cfi_undefined %rip
    .cfi_undefined %rbp
    xorl %ebp, %ebp
    movq %r13, %rdi
    call *%r12
    ud2
    .cfi_endproc
    .size nw_switch_entry, . - nw_switch_entry

    .section .note.GNU-stack, "", @progbits
#endif
