/*
 * The bottom frame of every fiber: calls the function at 8(sp) with the argument at (sp) and never
 * returns. Unwinding ends here. The switch itself is inlined from switch.h.
 */
    .text
    .globl nw_switch_entry
    .hidden nw_switch_entry
    .type nw_switch_entry, %function
    .p2align 4
nw_switch_entry:
    .cfi_startproc
    .cfi_undefined x30
    .cfi_undefined x29
    mov x29, #0
    mov x30, #0
    ldp x0, x1, [sp]
    blr x1
    brk #0
    .cfi_endproc
    .size nw_switch_entry, . - nw_switch_entry

    .section .note.GNU-stack, "", %progbits
