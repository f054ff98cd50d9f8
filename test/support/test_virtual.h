/* SPDX-License-Identifier: ISC */
/* test/support/test_virtual.h - the virtual platform's own calls (time, sinks, the log), for unit
 * tests of portable modules: those run on no other, and know no ground. */
#ifndef TEST_VIRTUAL_H
#define TEST_VIRTUAL_H

#include "virtual/virtual.h"

#endif
