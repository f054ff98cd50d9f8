/* SPDX-License-Identifier: ISC */
/* backends/unix/main.c - where a program begins on Unix. */
#include "rung/log.h"
#include "rung/program.h"
#include "unix/unix.h"

int main(int argc, char **argv)
{
    struct rung_platform *p = rung_unix_new(argc, (const char *const *)argv);
    if (!p)
        return 1;
    int status = rung_program(p);
    if (status == 0 && rung_unix_output_lost(p)) { /* whoever asked for the output must know */
        rung_log(p, RUNG_LOG_ERROR, "unix", "standard output cannot be written to: is it closed, "
                 "or its disk full?");
        status = 1;
    }
    rung_unix_free(p);
    return status;
}
