/* SPDX-License-Identifier: ISC */
/* backends/virtual/sink.c - sink.h in memory, kept to be read by the test. Like the log it uses
 * malloc() and not the platform's heap, which is for the code under test alone. */
#include "rung/sink.h"

#include <stdlib.h>
#include <string.h>

#include "virtual/sink.h"
#include "virtual/virtual.h"

struct rung_sink {
    struct rung_platform *p;
    struct rung_sink *next;
    char *name;
    uint8_t *bytes;
    size_t len, room;
    bool open;
    struct rung_op *op; /* a write that waits, since sinks are stalled */
    const struct rung_vec *vec;
    unsigned vec_count;
};

static struct rung_sink *sink_find(struct rung_platform *p, const char *name)
{
    struct rung_sink *sink = rung_virtual_sinks(p)->all;
    while (sink && strcmp(sink->name, name) != 0)
        sink = sink->next;
    return sink;
}

enum rung_err rung_sink_open(struct rung_platform *p, const char *name, struct rung_sink **out)
{
    struct virtual_sinks *sinks = rung_virtual_sinks(p);
    struct rung_sink *sink = sink_find(p, name);
    if (sinks->fail)
        return sinks->fail;
    if (!sink) {
        size_t size = strlen(name) + 1;
        sink = calloc(1, sizeof(*sink));
        char *copy = malloc(size);
        if (!sink || !copy) {
            free(sink);
            free(copy);
            return RUNG_E_NOMEM;
        }
        memcpy(copy, name, size);
        sink->p = p;
        sink->name = copy;
        sink->next = sinks->all;
        sinks->all = sink;
    }
    assert(!sink->open);
    sink->open = true;
    sink->len = 0;
    *out = sink;
    return RUNG_OK;
}

static int sink_add(struct rung_sink *sink, const void *bytes, size_t len)
{
    if (sink->len + len > sink->room) {
        size_t room = 2 * (sink->len + len);
        uint8_t *grown = realloc(sink->bytes, room);
        if (!grown)
            return RUNG_E_FULL;
        sink->bytes = grown;
        sink->room = room;
    }
    if (len > 0)
        memcpy(sink->bytes + sink->len, bytes, len);
    sink->len += len;
    return RUNG_OK;
}

static void sink_perform(struct rung_sink *sink)
{
    struct rung_op *op = sink->op;
    int err = rung_virtual_sinks(sink->p)->fail;
    for (unsigned i = 0; i < sink->vec_count && !err; i++)
        err = sink_add(sink, sink->vec[i].base, sink->vec[i].len);
    sink->op = NULL;
    rung_op_finish(sink->p, op, err);
}

void rung_sink_write(struct rung_sink *sink, struct rung_op *op, const struct rung_vec vec[],
                     unsigned n)
{
    assert(sink->open && !sink->op && n <= RUNG_SINK_VECS);
    sink->op = op;
    sink->vec = vec;
    sink->vec_count = n;
    op->cancel = NULL;
    if (!rung_virtual_sinks(sink->p)->stalled)
        sink_perform(sink);
}

void rung_sink_cancel(struct rung_sink *sink)
{
    struct rung_op *op = sink->op;
    if (!op)
        return;
    sink->op = NULL;
    rung_op_finish(sink->p, op, RUNG_E_CANCELED);
}

void rung_sink_close(struct rung_sink *sink, struct rung_op *op)
{
    assert(sink->open && !sink->op);
    sink->open = false;
    rung_op_finish(sink->p, op, rung_virtual_sinks(sink->p)->fail);
}

void rung_virtual_sinks_free(struct virtual_sinks *sinks)
{
    while (sinks->all) {
        struct rung_sink *sink = sinks->all;
        sinks->all = sink->next;
        free(sink->bytes);
        free(sink->name);
        free(sink);
    }
}

const uint8_t *rung_virtual_sink(struct rung_platform *p, const char *name, size_t *len)
{
    const struct rung_sink *sink = sink_find(p, name);
    *len = sink ? sink->len : 0;
    return sink ? sink->bytes : NULL;
}

bool rung_virtual_sink_is_open(struct rung_platform *p, const char *name)
{
    const struct rung_sink *sink = sink_find(p, name);
    return sink && sink->open;
}

void rung_virtual_sinks_stall(struct rung_platform *p, bool on)
{
    struct virtual_sinks *sinks = rung_virtual_sinks(p);
    sinks->stalled = on;
    for (struct rung_sink *sink = sinks->all; sink && !on; sink = sink->next) {
        if (sink->op)
            sink_perform(sink);
    }
}

void rung_virtual_sinks_fail(struct rung_platform *p, enum rung_err err)
{
    rung_virtual_sinks(p)->fail = err;
}
