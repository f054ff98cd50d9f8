/* SPDX-License-Identifier: ISC */
/* backends/xen/boot/machine.h - is there a Xen, and how does one end here.
 * Model    What works before anything else does: finding the hypervisor, a console of last resort
 *          (Xen's own log, or a debug port and a serial line if there is no Xen), and the ways out.
 * Units    None.
 * Owner    None.
 * Context  Any.
 * Errors   None. */
#ifndef RUNG_XEN_MACHINE_H
#define RUNG_XEN_MACHINE_H

#include "rung/base.h"

/* Looks for Xen in the processor's identification. Before any hypercall. */
bool rung_xen_machine_init(void);

/* Writes where somebody may look who started us in the wrong way. */
void rung_xen_machine_write(const char *text, size_t len);

/* Ends the domain for reason, one of xen/sched.h's SHUTDOWN_*; without Xen: powers off, as far as
 * the usual emulators listen. */
_Noreturn void rung_xen_machine_end(unsigned reason);

/* The same with SHUTDOWN_crash, once the console has been read. */
_Noreturn void rung_xen_machine_crash(void);

#endif
