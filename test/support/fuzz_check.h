/* SPDX-License-Identifier: ISC */
/* test/support/fuzz_check.h - what must be so in a fuzzer, or it aborts, which is what the engine
 * looks for. */
#ifndef FUZZ_CHECK_H
#define FUZZ_CHECK_H

#include <stdio.h>
#include <stdlib.h>

#define FUZZ_CHECK(what) \
    do { \
        if (!(what)) { \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #what); \
            abort(); \
        } \
    } while (0)

#endif
