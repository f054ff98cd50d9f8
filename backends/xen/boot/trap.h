/* SPDX-License-Identifier: ISC */
/* backends/xen/boot/trap.h - how a guest that cannot go on says so.
 * Model    Exceptions, failed assertions and a smashed stack end here: the reason, registers and a
 *          backtrace go to the console, and the domain is shut down as crashed. Nothing of the C
 *          library is used on the way, nor the heap, nor the loop: any of it may be what broke.
 * Units    None.
 * Owner    None.
 * Context  Any, even in the middle of writing to the console.
 * Errors   None of these come back. */
#ifndef RUNG_XEN_TRAP_H
#define RUNG_XEN_TRAP_H

#include <stdint.h>

struct rung_xen_frame { /* as traps.S and the processor push it */
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
    uint64_t vector, error, rip, cs, rflags, rsp, ss;
};

/* Takes exceptions from now on, on a stack of their own. */
void rung_xen_trap_init(void);

/* traps.S: an exception. */
_Noreturn void rung_xen_trap(const struct rung_xen_frame *frame);

/* Ends the guest as crashed: "error: xen: <reason>", and where we are. Declared for the C library
 * as well (libc/libc.h). */
_Noreturn void rung_xen_crash(const char *reason);

/* print.c: pieces of such a message, straight to the console. */
void rung_xen_print(const char *text);
void rung_xen_print_hex(uint64_t value, unsigned digits); /* at least so many */
void rung_xen_print_number(uint64_t value);

/* backtrace.c: the return addresses from that of the function at program_counter on, one per line;
 * "name+0x12" for an address of code. */
void rung_xen_print_backtrace(uint64_t program_counter, uint64_t stack_pointer);
void rung_xen_print_symbol(uint64_t address);

#endif
