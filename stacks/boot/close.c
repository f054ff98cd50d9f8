/* SPDX-License-Identifier: ISC */
/* stacks/boot/close.c - what became of opening, and waiting for one module after another to let
 * go. */
#include "boot.h"

#include "rung/log.h"

enum rung_boot_status rung_boot_opened(enum rung_err err)
{
    switch (err) {
    case RUNG_OK: return RUNG_BOOT_GO;
    case RUNG_E_RANGE: return RUNG_BOOT_USAGE;
    default: return RUNG_BOOT_FAILED;
    }
}

static void closer_done(struct rung_op *op, int result)
{
    struct rung_boot_closer *closer = rung_container_of(op, struct rung_boot_closer, op);
    closer->done = true;
    closer->result = result;
    if (result < 0)
        rung_log(closer->p, RUNG_LOG_ERROR, closer->slot, "closing: %s", rung_err_text(result));
    rung_loop_stop(closer->p, 0);
}

struct rung_op *rung_boot_closing(struct rung_boot_closer *closer, struct rung_platform *p,
                                  const char *slot)
{
    *closer = (struct rung_boot_closer){.op = {.done = closer_done}, .p = p, .slot = slot};
    return &closer->op;
}

int rung_boot_wait(struct rung_boot_closer *closer, int status)
{
    while (!closer->done) /* a signal may stop the loop before the module is through */
        rung_loop_run(closer->p);
    return status == 0 && closer->result < 0 ? RUNG_BOOT_FAILED : status;
}
