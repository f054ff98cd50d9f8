/* SPDX-License-Identifier: ISC */
/* test/support/test_platform_xen.h - what only the platform of a Xen domain has for tests. */
#ifndef TEST_PLATFORM_XEN_H
#define TEST_PLATFORM_XEN_H

#include "rung/base.h"

/* Runs the loop until what has been asked of xenstore has come back. A platform that is begun anew
 * would lose the kernel's own tasks otherwise. */
void test_platform_settle(struct rung_platform *p);

#endif
