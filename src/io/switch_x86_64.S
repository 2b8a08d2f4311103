/*
 * The bottom frame of every fiber: calls 8(%rsp) with the argument (%rsp) and never returns.
 * Unwinding ends here. The switch itself is inlined from switch.h.
 */
    .text
    .globl nw_switch_entry
    .hidden nw_switch_entry
    .type nw_switch_entry, @function
    .p2align 4
nw_switch_entry:
    .cfi_startproc
    .cfi_undefined %rip
    .cfi_undefined %rbp
    xorl %ebp, %ebp
    movq (%rsp), %rdi
    call *8(%rsp)
    ud2
    .cfi_endproc
    .size nw_switch_entry, . - nw_switch_entry

    .section .note.GNU-stack, "", @progbits
