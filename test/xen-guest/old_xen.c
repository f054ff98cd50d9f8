/* SPDX-License-Identifier: ISC */
/* test/xen-guest/old_xen.c - an image on a Xen that gives the newest version that is too old; the
 * linker takes this function for the kernel's own. Its program must not be started. */
#include <stdio.h>

#include "rung/program.h"
#include "xen/hypercall.h"

long rung_xen_version(int cmd, void *arg)
{
    (void)cmd;
    (void)arg;
    return 4 << 16 | 16;
}

int rung_program(struct rung_platform *p)
{
    (void)p;
    printf("guest: has started\n");
    return 0;
}
