/* SPDX-License-Identifier: ISC */
/* backends/xen/boot/entry.S - from the first instruction to C. Xen (or whoever knows PVH) starts us
 * in 32-bit protected mode without paging, with the address of struct hvm_start_info in ebx; see
 * xen/arch-x86/hvm/start_info.h. Here: long mode, the first gigabyte at its offset, a stack, the
 * canary. paging.c then takes away what nobody needs. */
#include <xen/elfnote.h>

#include "layout.h"

#define PHYSICAL(symbol) ((symbol) - XEN_OFFSET)

#define PAGE_PRESENT_WRITABLE 0x03
#define PAGE_LARGE 0x83         /* the same, 2 MiB */
#define CR4_PAE_SSE 0x620       /* PAE, OSFXSR, OSXMMEXCPT */
#define CR0_PAGING 0x80010033   /* PG, WP, NE, ET, MP, PE: no cache bits, no emulation */
#define MSR_EFER 0xc0000080
#define EFER_LME_NXE 0x900
#define CPUID_RDRAND 30         /* bit of leaf 1's ecx */

    .section .note.Xen, "a", @note
    .balign 4
    .long 4, 8, XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .quad PHYSICAL(rung_xen_entry)

    .section .text.entry, "ax", @progbits
    .code32
    .globl rung_xen_entry
    .type rung_xen_entry, @function
rung_xen_entry:
    cld
    mov $PHYSICAL(entry_pd), %edi
    mov $PAGE_LARGE, %eax
    mov $512, %ecx
1:  mov %eax, (%edi)
    add $0x200000, %eax
    add $8, %edi
    dec %ecx
    jnz 1b
    /* The same gigabyte twice: where we run now, and where we are linked. */
    movl $PHYSICAL(entry_pd) + PAGE_PRESENT_WRITABLE, PHYSICAL(entry_pdpt)
    movl $PHYSICAL(entry_pd) + PAGE_PRESENT_WRITABLE, PHYSICAL(entry_pdpt) + 8
    movl $PHYSICAL(entry_pdpt) + PAGE_PRESENT_WRITABLE, PHYSICAL(entry_pml4)
    mov $PHYSICAL(entry_pml4), %eax
    mov %eax, %cr3
    mov $CR4_PAE_SSE, %eax
    mov %eax, %cr4
    mov $MSR_EFER, %ecx
    rdmsr
    or $EFER_LME_NXE, %eax
    wrmsr
    mov $CR0_PAGING, %eax
    mov %eax, %cr0
    lgdt PHYSICAL(entry_gdt_low)
    ljmp $XEN_CODE_SELECTOR, $PHYSICAL(entry_long)

    .code64
entry_long:
    mov $entry_high, %eax /* its upper half is zero, and so is the address's */
    jmp *%rax
entry_high:
    lgdt entry_gdt_high
    mov $XEN_DATA_SELECTOR, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    xor %eax, %eax
    mov %eax, %fs
    mov %eax, %gs
    lldt %ax
    mov $rung_xen_stack_end, %esp
    movq $0, entry_pdpt
    mov %cr3, %rax
    mov %rax, %cr3
    fninit
    ldmxcsr entry_mxcsr
    mov %ebx, %ebp

    /* The canary, before any C that looks at it: from the processor's generator, or else from its
     * clock, which somebody may guess. Its lowest byte is zero, so that no string carries it. */
    mov $1, %eax
    xor %ecx, %ecx
    cpuid
    bt $CPUID_RDRAND, %ecx
    jnc 2f
    mov $10, %ecx
1:  rdrand %rax
    jc 3f
    dec %ecx
    jnz 1b
2:  rdtsc
    shl $32, %rdx
    or %rdx, %rax
    movabs $0x9e3779b97f4a7c15, %rdx
    imul %rdx, %rax
    mov %rax, %rdx
    shr $29, %rdx
    xor %rdx, %rax
3:  shl $8, %rax
    mov %rax, __stack_chk_guard

    mov %ebp, %edi
    xor %ebp, %ebp /* ends backtraces */
    call rung_xen_start
    ud2
    .size rung_xen_entry, . - rung_xen_entry

    .section .rodata.entry, "a", @progbits
    .balign 8
entry_gdt: /* until trap.c has made the real one */
    .quad 0, 0x00af9b000000ffff, 0x00cf93000000ffff
entry_gdt_low:
    .word 23
    .long PHYSICAL(entry_gdt)
entry_gdt_high:
    .word 23
    .quad entry_gdt
    .balign 4
entry_mxcsr:
    .long 0x1f80 /* as the ABI has it: all exceptions masked, round to nearest */

    /* The first tables, until paging.c has made better ones; then these are pages like others. */
    .section .bss.tables, "aw", @nobits
    .balign XEN_PAGE_SIZE
    .globl rung_xen_first_tables, rung_xen_first_tables_end
rung_xen_first_tables:
entry_pml4: .skip XEN_PAGE_SIZE
entry_pdpt: .skip XEN_PAGE_SIZE
entry_pd: .skip XEN_PAGE_SIZE
rung_xen_first_tables_end:

    .section .bss.sealed, "aw", @nobits
    .balign 8
    .globl __stack_chk_guard
    .type __stack_chk_guard, @object
__stack_chk_guard: .skip 8
    .size __stack_chk_guard, 8

    .section .note.GNU-stack, "", @progbits
