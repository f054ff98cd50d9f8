/* SPDX-License-Identifier: ISC */
/* stacks/http/http1.h - HTTP/1.1 on any TCP, with llhttp as the parser.
 * Model    A connection serves one request at a time: what a client pipelines behind it stays
 *          unread in the buffers that TCP lent, which slows the client down. A connection with
 *          nothing to do holds no buffer; a request under way holds one `work` (http1_int.h) from a
 *          free list.
 * Owner    The state is the opener's and does not move; all else comes from the heap and goes back
 *          to it. Close with rung_http_close(&self->http, op).
 * Context  The loop of the platform it was opened on.
 * Errors   From rung_http1_open(): RUNG_E_RANGE, after one line that names the key. */
#ifndef RUNG_HTTP1_H
#define RUNG_HTTP1_H

#include "rung/http.h"
#include "rung/log.h"
#include "rung/loop.h"
#include "rung/tcp.h"
#include "rung/timeout.h"

#include "http1_module.h"

struct http1_conn;
struct http1_work;
struct http1_block;
struct http1_listener;

/* What a connection waits for, each with its own time-out. */
enum http1_wait {
    HTTP1_WAIT_NONE,
    HTTP1_WAIT_IDLE,   /* the first byte of a request */
    HTTP1_WAIT_HEAD,   /* the end of the request's head */
    HTTP1_WAIT_BODY,   /* the end of its body */
    HTTP1_WAIT_SEND,   /* the client, to take some of the response */
    HTTP1_WAIT_LINGER, /* the client, to close after us */
    HTTP1_WAITS
};

struct rung_http1 {
    struct rung_http http;
    struct rung_platform *p;
    struct rung_tcp *tcp;
    const char *slot;
    uint32_t max_header;
    uint32_t max_connections;
    uint64_t max_body;
    uint64_t memory; /* what all may hold of values and bodies; see http1_room.c */
    uint64_t held;   /* and do */
    enum rung_log_level access_log;

    struct http1_listener *listeners;
    struct http1_conn *conns; /* open */
    struct http1_conn *gone;  /* let go, with something still to come back */
    uint32_t conn_count;      /* open ones */
    uint32_t refused_count;   /* of these, ones that were told 503 on arrival */
    bool accept_paused;       /* too many are being told so: the rest waits in the backlog */
    struct rung_task accept_task;

    struct rung_timeouts timeouts;
    struct rung_timeout_queue wait[HTTP1_WAITS];

    struct http1_work *works; /* free ones */
    unsigned work_spares;
    unsigned work_count; /* in use */
    struct http1_block *blocks;
    unsigned block_spares;

    char date[40]; /* the Date line of this second */
    unsigned date_len;
    uint64_t date_until_ns;

    struct rung_op *closing;
    struct rung_task close_task;
    struct rung_timer close_timer; /* its end is the end of all answers' time */
};

enum rung_err rung_http1_open(struct rung_http1 *self, struct rung_platform *p,
                              const struct rung_http1_keys *keys,
                              const struct rung_http1_needs *needs);

#endif
