/* SPDX-License-Identifier: ISC */
/* backends/xen/heap_testing.h - pages for the heap's tests on the build machine, and its crash.
 * Model    An arena as small as a small guest's memory. Pages that are not out are poisoned under
 *          AddressSanitizer, those that come back must have been out, and the lowest run that is
 *          long enough is given. Some calls can be made to fail. */
#ifndef RUNG_XEN_HEAP_TESTING_H
#define RUNG_XEN_HEAP_TESTING_H

#include <setjmp.h>

#include "rung/base.h"

#define HEAP_TEST_PAGES 2048u /* 8 MiB */

struct heap_test {
    size_t pages_out;
    size_t most_out;       /* since somebody set it back */
    unsigned fail_every;   /* 0: never */
    unsigned gets;
    jmp_buf *crash;        /* where rung_xen_crash() goes; NULL: it fails the test */
    const char *reason;    /* the last crash's */
};
extern struct heap_test heap_test;

/* Runs free_it(block); whether the heap found damage. */
bool heap_test_crashes(void (*free_it)(void *block), void *block);

/* The same in a process of its own; whether it died of it, by the heap or by the processor. */
bool heap_test_dies(void (*free_it)(void *block), void *block);

#endif
