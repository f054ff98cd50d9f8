/* SPDX-License-Identifier: ISC */
/* backends/unix/main.c - where a program begins on Unix. */
#include "rung/program.h"
#include "unix/unix.h"

int main(int argc, char **argv)
{
    struct rung_platform *p = rung_unix_new(argc, (const char *const *)argv);
    if (!p)
        return 1;
    int status = rung_program(p);
    rung_unix_free(p);
    return status;
}
