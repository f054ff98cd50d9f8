/* SPDX-License-Identifier: ISC */
/* backends/xen/boot/traps.S - where the processor goes on an exception: one stub of 16 bytes for
 * each of the 32 vectors, which brings the stack into one shape (struct rung_xen_frame), then C.
 * None of them comes back. */
    .section .text.traps, "ax", @progbits
    .balign 16
    .globl rung_xen_trap_stubs
    .type rung_xen_trap_stubs, @function
rung_xen_trap_stubs:
    .set vector, 0
    .rept 32
    .balign 16
    /* These push an error code themselves: 8, 10 to 14, 17, 21, 29, 30. */
    .if !((0x60227d00 >> vector) & 1)
    push $0
    .endif
    push $vector
    jmp traps_common
    .set vector, vector + 1
    .endr
    .size rung_xen_trap_stubs, . - rung_xen_trap_stubs

    .type traps_common, @function
traps_common:
    push %rax
    push %rcx
    push %rdx
    push %rbx
    push %rbp
    push %rsi
    push %rdi
    push %r8
    push %r9
    push %r10
    push %r11
    push %r12
    push %r13
    push %r14
    push %r15
    cld
    mov %rsp, %rdi
    and $-16, %rsp
    call rung_xen_trap
    ud2
    .size traps_common, . - traps_common

    .section .note.GNU-stack, "", @progbits
