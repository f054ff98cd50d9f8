/* SPDX-License-Identifier: ISC */
/* test/support/test_process.h - what a Unix process may be denied: descriptors, and low ports.
 * Model    Acts on the whole process: a case turns it on around the calls that must feel it.
 * Context  The test's main flow. All calls fail the running cmocka test when something is wrong. */
#ifndef TEST_PROCESS_H
#define TEST_PROCESS_H

#include "rung/base.h"

/* Puts the limit of descriptors down to those that are open, or up again. */
void test_process_descriptors(bool none);

/* Takes the right to ports below 1024 away, or gives it back. False: anyone has it here. */
bool test_process_unprivileged(bool on);

#endif
