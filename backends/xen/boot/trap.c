/* SPDX-License-Identifier: ISC */
/* backends/xen/boot/trap.c - descriptor tables, and what an exception is made into. */
#include "xen/boot/trap.h"

#include <stdbool.h>

#include "xen/boot/cpu.h"
#include "xen/boot/image.h"
#include "xen/boot/machine.h"

_Noreturn void __stack_chk_fail(void);

#define TRAP_VECTORS 32u
#define TRAP_PAGE_FAULT 14u
#define TRAP_STUB_SIZE 16u

#define TRAP_PF_PRESENT 1u
#define TRAP_PF_WRITE 2u
#define TRAP_PF_RESERVED 8u
#define TRAP_PF_FETCH 16u

struct trap_gate {
    uint16_t offset_low, selector;
    uint8_t stack, type; /* which stack of the task's; 0x8e: present, interrupt gate */
    uint16_t offset_middle;
    uint32_t offset_high, reserved;
};

struct trap_task { /* what is left of the task state segment in long mode: stacks */
    uint32_t reserved0;
    uint64_t rsp[3];
    uint64_t reserved1;
    uint64_t stack[7];
    uint64_t reserved2;
    uint16_t reserved3, io_map;
} __attribute__((packed));

struct trap_pointer {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

XEN_SEALED static struct trap_gate trap_gates[TRAP_VECTORS];
XEN_SEALED static struct trap_task trap_task;
XEN_SEALED static uint64_t trap_segments[5];
static bool trap_crashing;

extern char rung_xen_trap_stubs[]; /* traps.S */

static void trap_make_segments(void)
{
    uint64_t base = (uintptr_t)&trap_task;
    trap_segments[1] = UINT64_C(0x00af9b000000ffff); /* 64-bit code, as in entry.S */
    trap_segments[2] = UINT64_C(0x00cf93000000ffff); /* data */
    trap_segments[3] = (sizeof(trap_task) - 1) | (base & 0xffffff) << 16 | UINT64_C(0x89) << 40
                       | (base >> 24 & 0xff) << 56;
    trap_segments[4] = base >> 32;
}

static void trap_make_gates(void)
{
    for (unsigned i = 0; i < TRAP_VECTORS; i++) {
        uint64_t stub = (uintptr_t)rung_xen_trap_stubs + i * TRAP_STUB_SIZE;
        trap_gates[i] = (struct trap_gate){
            .offset_low = (uint16_t)stub,
            .selector = XEN_CODE_SELECTOR,
            .stack = 1,
            .type = 0x8e,
            .offset_middle = (uint16_t)(stub >> 16),
            .offset_high = (uint32_t)(stub >> 32),
        };
    }
}

void rung_xen_trap_init(void)
{
    struct trap_pointer segments = {sizeof(trap_segments) - 1, (uintptr_t)trap_segments};
    struct trap_pointer gates = {sizeof(trap_gates) - 1, (uintptr_t)trap_gates};
    trap_task.stack[0] = (uintptr_t)rung_xen_fault_stack_end;
    trap_task.io_map = sizeof(trap_task); /* none */
    trap_make_segments();
    trap_make_gates();
    __asm__ volatile("lgdt %0" : : "m"(segments));
    __asm__ volatile("lidt %0" : : "m"(gates));
    __asm__ volatile("ltr %w0" : : "r"(XEN_TASK_SELECTOR));
}

static bool trap_within(uint64_t address, const char *start, const char *end)
{
    return address >= (uintptr_t)start && address < (uintptr_t)end;
}

/* What a page fault means to a programmer. */
static const char *trap_page_reason(uint64_t address, uint64_t error)
{
    if (trap_within(address, rung_xen_guard, rung_xen_stack)
        || trap_within(address, rung_xen_fault_guard, rung_xen_fault_stack))
        return "stack overflow";
    if (error & TRAP_PF_FETCH)
        return error & TRAP_PF_PRESENT ? "jump into data" : "jump to nowhere";
    if (address < XEN_PAGE_SIZE)
        return "null pointer";
    if (error & TRAP_PF_RESERVED)
        return "damaged page table";
    if (!(error & TRAP_PF_PRESENT))
        return "wild pointer";
    return trap_within(address, rung_xen_code, rung_xen_code_end) ? "write to code"
                                                                  : "write to a constant";
}

static const char *trap_reason(uint64_t vector)
{
    switch (vector) {
    case 0: return "division by zero";
    case 1: return "debug trap";
    case 2: return "non-maskable interrupt";
    case 3: return "breakpoint";
    case 6: return "impossible code reached"; /* ud2, or rubbish that was jumped to */
    case 8: return "double fault";
    case 12: return "wild stack pointer";
    case 13: return "protection fault"; /* in long mode mostly an address with wild upper bits */
    case 16:
    case 19: return "floating-point error";
    case 18: return "machine check";
    default: return "exception";
    }
}

/* At most once: whatever goes wrong on the way ends the domain without more words. */
static void trap_begin(void)
{
    if (trap_crashing)
        rung_xen_machine_crash();
    trap_crashing = true;
    rung_xen_print("error: xen: ");
}

static void trap_print_reason(const struct rung_xen_frame *frame)
{
    if (frame->vector == TRAP_PAGE_FAULT) {
        uint64_t address = xen_read_cr2();
        rung_xen_print(trap_page_reason(address, frame->error));
        rung_xen_print(frame->error & TRAP_PF_FETCH   ? ": execution of 0x"
                       : frame->error & TRAP_PF_WRITE ? ": write to 0x"
                                                      : ": read of 0x");
        rung_xen_print_hex(address, 1);
    } else {
        rung_xen_print(trap_reason(frame->vector));
        rung_xen_print(": vector ");
        rung_xen_print_number(frame->vector);
        rung_xen_print(", error code 0x");
        rung_xen_print_hex(frame->error, 1);
    }
    rung_xen_print(" in ");
    rung_xen_print_symbol(frame->rip);
    rung_xen_print("\n");
}

static void trap_print_registers(const struct rung_xen_frame *f)
{
    const struct {
        const char *name;
        uint64_t value;
    } registers[] = {
        {"rax ", f->rax}, {"rbx ", f->rbx}, {"rcx ", f->rcx}, {"rdx ", f->rdx},
        {"rsi ", f->rsi}, {"rdi ", f->rdi}, {"rbp ", f->rbp}, {"rsp ", f->rsp},
        {"r8  ", f->r8},  {"r9  ", f->r9},  {"r10 ", f->r10}, {"r11 ", f->r11},
        {"r12 ", f->r12}, {"r13 ", f->r13}, {"r14 ", f->r14}, {"r15 ", f->r15},
        {"rip ", f->rip}, {"flags ", f->rflags},
    };
    for (unsigned i = 0; i < sizeof(registers) / sizeof(registers[0]); i++) {
        rung_xen_print(i % 4 == 0 ? "  " : " ");
        rung_xen_print(registers[i].name);
        rung_xen_print_hex(registers[i].value, 16);
        if (i % 4 == 3)
            rung_xen_print("\n");
    }
    rung_xen_print("\n");
}

void rung_xen_trap(const struct rung_xen_frame *frame)
{
    trap_begin();
    trap_print_reason(frame);
    trap_print_registers(frame);
    rung_xen_print_backtrace(frame->rip, frame->rsp);
    rung_xen_machine_crash();
}

__attribute__((used)) void rung_xen_crash(const char *reason) /* the C library is linked later */
{
    trap_begin();
    rung_xen_print(reason);
    rung_xen_print("\n");
    rung_xen_print_backtrace(0, (uintptr_t)__builtin_frame_address(0) + sizeof(uint64_t));
    rung_xen_machine_crash();
}

/* Called by name from code that the compiler makes, after link-time optimisation has looked for who
 * is called. */
__attribute__((used)) _Noreturn void __stack_chk_fail(void)
{
    rung_xen_crash("stack smashed: a local array was written past its end");
}
