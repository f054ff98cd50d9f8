/* SPDX-License-Identifier: ISC */
/* backends/xen/boot/machine.c - see machine.h. */
#include "xen/boot/machine.h"

#include <string.h>

#include "xen/boot/cpu.h"
#include "xen/boot/image.h"
#include "xen/bus/abi.h"
#include "xen/ground.h"
#include "xen/hypercall.h"
#include <xen/sched.h>

#define MACHINE_LEAF_FIRST 0x40000000u /* where hypervisors say their names */
#define MACHINE_LEAF_LAST 0x40010000u
#define MACHINE_LEAF_STEP 0x100u

#define MACHINE_PORT_DEBUG 0xe9
#define MACHINE_PORT_SERIAL 0x3f8
#define MACHINE_SERIAL_STATUS 0x3fd
#define MACHINE_SERIAL_READY 0x20
#define MACHINE_SERIAL_TRIES 100000

#define MACHINE_PORT_PM1A_Q35 0x604 /* ACPI's power button on QEMU's q35 and pc */
#define MACHINE_PORT_PM1A_CLOUD 0x600 /* and on cloud-hypervisor */
#define MACHINE_PM1A_OFF 0x2000
#define MACHINE_CLOUD_OFF 0x34

XEN_SEALED static bool machine_is_xen;
XEN_SEALED static bool machine_is_amd;

static bool machine_leaf_says(uint32_t leaf, const char name[12])
{
    uint32_t regs[4];
    xen_cpuid(leaf, regs);
    return memcmp(&regs[1], name, 12) == 0;
}

/* Leaf 0 says the maker as ebx, edx, ecx. */
static bool machine_maker(const char name[12])
{
    uint32_t regs[4];
    xen_cpuid(0, regs);
    return memcmp(&regs[1], name, 4) == 0 && memcmp(&regs[3], name + 4, 4) == 0
           && memcmp(&regs[2], name + 8, 4) == 0;
}

bool rung_xen_machine_init(void)
{
    machine_is_amd = machine_maker("AuthenticAMD") || machine_maker("HygonGenuine");
    for (uint32_t leaf = MACHINE_LEAF_FIRST; leaf < MACHINE_LEAF_LAST; leaf += MACHINE_LEAF_STEP)
        machine_is_xen = machine_is_xen || machine_leaf_says(leaf, "XenVMMXenVMM");
    return machine_is_xen;
}

/* No hypercall page: it would be a page of code that somebody else writes, and the choice between
 * two instructions is all that it is for. */
long rung_xen_hypercall(unsigned number, uintptr_t a, uintptr_t b, uintptr_t c)
{
    long result = (long)number;
    if (machine_is_amd)
        __asm__ volatile("vmmcall" : "+a"(result), "+D"(a), "+S"(b), "+d"(c) : : "memory");
    else
        __asm__ volatile("vmcall" : "+a"(result), "+D"(a), "+S"(b), "+d"(c) : : "memory");
    return result;
}

static void machine_serial(char c)
{
    for (unsigned i = 0; i < MACHINE_SERIAL_TRIES; i++)
        if (xen_inb(MACHINE_SERIAL_STATUS) & MACHINE_SERIAL_READY)
            break;
    xen_outb(MACHINE_PORT_SERIAL, (uint8_t)c);
}

void rung_xen_machine_write(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        xen_outb(MACHINE_PORT_DEBUG, (uint8_t)text[i]);
        if (machine_is_xen)
            continue;
        if (text[i] == '\n')
            machine_serial('\r');
        machine_serial(text[i]);
    }
}

void rung_xen_machine_end(unsigned reason)
{
    struct sched_shutdown shutdown = {.reason = reason};
    if (machine_is_xen) {
        rung_xen_sched_op(SCHEDOP_shutdown, &shutdown);
    } else {
        xen_outw(MACHINE_PORT_PM1A_Q35, MACHINE_PM1A_OFF);
        xen_outb(MACHINE_PORT_PM1A_CLOUD, MACHINE_CLOUD_OFF);
    }
    xen_halt();
}

void rung_xen_machine_crash(void)
{
    rung_xen_console_flush();
    rung_xen_machine_end(SHUTDOWN_crash);
}
