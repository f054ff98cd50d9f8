/* SPDX-License-Identifier: ISC */
/* backends/xen/sink.c - sink.h: a guest has no files, and the one console is for words. Opening a
 * sink is refused, so that no other call can come. */
#include "rung/sink.h"

enum rung_err rung_sink_open(struct rung_platform *p, const char *name, struct rung_sink **sink)
{
    (void)p;
    (void)name;
    (void)sink;
    return RUNG_E_NOTSUP;
}

void rung_sink_write(struct rung_sink *sink, struct rung_op *op, const struct rung_vec vec[],
                     unsigned n)
{
    (void)sink;
    (void)op;
    (void)vec;
    (void)n;
    assert(!"no sink has been opened");
}

void rung_sink_cancel(struct rung_sink *sink)
{
    (void)sink;
    assert(!"no sink has been opened");
}

void rung_sink_close(struct rung_sink *sink, struct rung_op *op)
{
    (void)sink;
    (void)op;
    assert(!"no sink has been opened");
}
