/* SPDX-License-Identifier: ISC */
/* test/xen/guests/tiny.S - the smallest guest, to test the lab itself with: it says hello on Xen's
 * log, executes 30 million instructions, and shuts down for the reason that is the first letter of
 * its command line ('0' poweroff, '1' reboot, '3' crash), or sleeps for ever (any other). It stays
 * in the state that PVH guests begin in: 32 bits, no paging. */
    .equ NOTE_PHYS32_ENTRY, 18
    .equ XEN_LEAF_HYPERCALLS, 0x40000002
    .equ SCHED_OP, 29
    .equ SHUTDOWN, 2
    .equ COMMAND_LINE, 24               /* in struct hvm_start_info */

    .section .note.Xen, "a", @note
    .long 4, 4, NOTE_PHYS32_ENTRY
    .asciz "Xen"
    .long entry

    .code32
    .text
    .globl entry
entry:
    movl %ebx, %ebp                     /* struct hvm_start_info */
    movl $text, %esi
    movl $text_end - text, %ecx
    movw $0xe9, %dx
    rep outsb

    movl $XEN_LEAF_HYPERCALLS, %eax     /* which register makes Xen write the hypercall page */
    cpuid
    movl %ebx, %ecx
    movl $page, %eax
    xorl %edx, %edx
    wrmsr

    movl $10000000, %ecx
count:
    nop
    nop
    loop count

    movl COMMAND_LINE(%ebp), %esi
    movzbl (%esi), %eax
    subl $'0', %eax
    cmpl $3, %eax
    ja sleep
    movl %eax, reason
    movl $stack_end, %esp
    movl $SHUTDOWN, %ebx
    movl $reason, %ecx
    call page + SCHED_OP * 32
sleep:
    sti                                 /* a halt without interrupts is the end of a guest */
    hlt
    jmp sleep

    .data
text:
    .ascii "tiny: hello\n"
text_end:
    .balign 4
reason:
    .long 0
    .bss
    .balign 4096
page:
    .skip 4096
    .skip 64
stack_end:
