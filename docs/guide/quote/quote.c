/* SPDX-License-Identifier: ISC */
/* docs/guide/quote/quote.c - the guide's example: whoever connects gets a line from a store. */
#include <string.h>

#include "rung/heap.h"
#include "rung/kv.h"
#include "rung/log.h"
#include "rung/loop.h"
#include "rung/tcp.h"

#include "quote_app.h"

struct quote {
    struct rung_platform *p;
    const struct quote_slots *slots;
    unsigned asked; /* requests that the store has */
    bool leaving;
};

/* One visitor: a request to the store, and the buffer that carries its answer. */
struct quote_visit {
    struct rung_platform *p;
    struct quote *quote; /* until the store has answered */
    struct rung_tcp_conn *conn;
    struct rung_kv_get get;
    struct rung_buf line;
};

/* TCP is done with the line, or will not send it: what the store lent goes back. */
static void quote_sent(struct rung_buf *line)
{
    struct quote_visit *visit = rung_container_of(line, struct quote_visit, line);
    rung_buf_release(&visit->get.value);
    rung_free(visit->p, visit);
}

static void quote_found(struct rung_op *op, int result)
{
    struct quote_visit *visit = rung_container_of(op, struct quote_visit, get.op);
    struct rung_tcp_conn *conn = visit->conn;
    struct rung_buf *line = &visit->line;
    if (--visit->quote->asked == 0 && visit->quote->leaving)
        rung_loop_stop(visit->p, 0);
    if (result < 0) {
        rung_log(visit->p, RUNG_LOG_WARN, "quote", "no line: %s", rung_err_text(result));
        rung_tcp_abort(conn);
        rung_free(visit->p, visit);
        return;
    }
    *line = (struct rung_buf){
        .data = visit->get.value.data, .len = visit->get.value.len, .release = quote_sent};
    if (line->len == 0 || rung_tcp_send(conn, &line, 1) != 1)
        quote_sent(line); /* nobody took it, so it is still ours */
    rung_tcp_close(conn); /* once the line is out */
}

static void quote_accept(struct rung_tcp_listener *listener)
{
    struct quote *quote = listener->arg;
    const char *name = quote_key_name(&quote->slots->keys);
    struct rung_tcp_conn *conn;
    while (rung_tcp_accept(listener, &conn) == 1) {
        struct quote_visit *visit = rung_zalloc(quote->p, 1, sizeof(*visit));
        if (!visit) {
            rung_tcp_abort(conn);
            continue;
        }
        visit->p = quote->p;
        visit->quote = quote;
        visit->conn = conn;
        visit->get = (struct rung_kv_get){.op = {.done = quote_found}, .key = name,
                                          .key_len = strlen(name), .len = RUNG_KV_ALL};
        quote->asked++;
        rung_kv_get(quote->slots->lines, &visit->get);
    }
}

int quote_main(struct rung_platform *p, const struct quote_slots *slots)
{
    struct quote quote = {.p = p, .slots = slots};
    char text[RUNG_ADDR_TEXT];
    struct rung_tcp_listener *listener;
    struct rung_tcp_listen how = {.local.port = quote_key_port(&slots->keys)};
    int err = rung_tcp_listen(slots->tcp, &how, &listener);
    if (err < 0) {
        rung_log(p, RUNG_LOG_ERROR, "quote", "port %u: %s; choose another with --port=N",
                 how.local.port, rung_err_text(err));
        return 1;
    }
    listener->arg = &quote;
    listener->ready = quote_accept;
    rung_log(p, RUNG_LOG_INFO, "quote", "a line for everybody on %s",
             rung_addr_format(&listener->local, text));
    int status = rung_loop_run(p);
    rung_tcp_unlisten(listener);
    quote.leaving = true;
    if (quote.asked > 0) /* their answers come to where quote is */
        rung_loop_run(p);
    return status;
}
