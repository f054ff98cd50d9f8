/* SPDX-License-Identifier: ISC */
/* backends/virtual/sink.h - sinks that a test reads and disturbs. Only for the files that make up
 * the virtual platform. */
#ifndef RUNG_VIRTUAL_SINK_H
#define RUNG_VIRTUAL_SINK_H

#include "rung/base.h"

struct rung_sink;

struct virtual_sinks {
    struct rung_sink *all; /* open and closed, the newest first */
    enum rung_err fail;    /* what calls answer, if not RUNG_OK */
    bool stalled;
};

/* platform.c: those of a platform. */
struct virtual_sinks *rung_virtual_sinks(struct rung_platform *p);

/* Frees what is left of them with the platform. */
void rung_virtual_sinks_free(struct virtual_sinks *sinks);

#endif
