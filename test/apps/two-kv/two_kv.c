/* SPDX-License-Identifier: ISC */
/* test/apps/two-kv - reads a value from a KV in the image, writes it to a KV in memory, reads it
 * there and prints it: one app, one interface, two modules. */
#include <string.h>

#include "rung/loop.h"

#include "two_kv_app.h"

static const char two_kv_key[] = "note.txt";

struct two_kv {
    struct rung_platform *p;
    const struct two_kv_slots *slots;
    struct rung_kv_get get;
    struct rung_kv_write write;
    struct rung_kv_change change;
    struct rung_vec piece;
};

static void two_kv_fail(struct two_kv *app, const char *what, int result)
{
    rung_log(app->p, RUNG_LOG_ERROR, "two-kv", "%s: %s", what, rung_err_text(result));
    rung_loop_stop(app->p, 1);
}

static void two_kv_get(struct two_kv *app, struct rung_kv *kv,
                       void (*done)(struct rung_op *op, int result))
{
    app->get = (struct rung_kv_get){.op = {.done = done}, .key = two_kv_key,
                                    .key_len = strlen(two_kv_key), .len = RUNG_KV_ALL};
    rung_kv_get(kv, &app->get);
}

static void two_kv_copied(struct rung_op *op, int result)
{
    struct two_kv *app = rung_container_of(op, struct two_kv, get.op);
    if (result < 0) {
        two_kv_fail(app, "reading the copy", result);
        return;
    }
    rung_console_write(app->p, (const char *)app->get.value.data, app->get.value.len);
    rung_buf_release(&app->get.value);
    rung_loop_stop(app->p, 0);
}

static void two_kv_written(struct rung_op *op, int result)
{
    struct two_kv *app = rung_container_of(op, struct two_kv, write.op);
    rung_buf_release(&app->get.value);
    if (result < 0)
        two_kv_fail(app, "writing", result);
    else
        two_kv_get(app, app->slots->to, two_kv_copied);
}

static void two_kv_read(struct rung_op *op, int result)
{
    struct two_kv *app = rung_container_of(op, struct two_kv, get.op);
    if (result < 0) {
        two_kv_fail(app, "reading", result);
        return;
    }
    /* a vec serves both ways and is not const; write() only reads it */
    app->piece.len = app->get.value.len;
    memcpy(&app->piece.base, &app->get.value.data, sizeof(app->piece.base));
    app->change = (struct rung_kv_change){two_kv_key, strlen(two_kv_key), &app->piece, 1};
    app->write = (struct rung_kv_write){.op = {.done = two_kv_written}, .change = &app->change,
                                        .change_count = 1};
    rung_kv_write(app->slots->to, &app->write);
}

int two_kv_main(struct rung_platform *p, const struct two_kv_slots *slots)
{
    struct two_kv app = {.p = p, .slots = slots};
    two_kv_get(&app, slots->from, two_kv_read);
    return rung_loop_run(p);
}
