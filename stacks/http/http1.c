/* SPDX-License-Identifier: ISC */
/* stacks/http/http1.c - the module's face: keys, listen, unlisten, close. */
#include "http1_int.h"

#define HTTP1_LINGER_NS (2 * RUNG_NS_PER_S) /* how long a client may take to close after us */
#define HTTP1_GRACE_NS (2 * RUNG_NS_PER_S)  /* and, at close, to take the rest of its answer */

static struct rung_http1 *http1_of(struct rung_http *http)
{
    return rung_container_of(http, struct rung_http1, http);
}

void rung_http1_listener_put(struct http1_listener *l)
{
    if (--l->refs == 0)
        rung_free(l->http1->p, l);
}

static void http1_accept_ready(struct rung_tcp_listener *tcp)
{
    rung_http1_accept(tcp->arg);
}

static void http1_accept_more(struct rung_task *task)
{
    struct rung_http1 *h = rung_container_of(task, struct rung_http1, accept_task);
    for (struct http1_listener *l = h->listeners; l != NULL; l = l->next)
        rung_http1_accept(l);
}

static int http1_listen(struct rung_http *http, struct rung_http_server *server)
{
    struct rung_http1 *h = http1_of(http);
    struct rung_tcp_listen how = {.local = server->local};
    struct http1_listener *l = rung_zalloc(h->p, 1, sizeof *l);
    assert(server->on_request != NULL);
    if (l == NULL)
        return RUNG_E_NOMEM;
    int err = rung_tcp_listen(h->tcp, &how, &l->tcp);
    if (err != RUNG_OK) {
        rung_free(h->p, l);
        return err;
    }
    l->http1 = h;
    l->server = server;
    l->refs = 1;
    l->next = h->listeners;
    h->listeners = l;
    l->tcp->arg = l;
    l->tcp->ready = http1_accept_ready;
    server->local = l->tcp->local;
    server->module[0] = l;
    return RUNG_OK;
}

static void http1_unlisten(struct rung_http *http, struct rung_http_server *server)
{
    struct rung_http1 *h = http1_of(http);
    struct http1_listener *l = server->module[0], **link = &h->listeners;
    while (*link != l)
        link = &(*link)->next;
    *link = l->next;
    rung_tcp_unlisten(l->tcp);
    l->tcp = NULL;
    l->server = NULL;
    server->module[0] = NULL;
    /* Each finds out by itself, from the loop: this call may come from inside one of them. */
    for (struct http1_conn *c = h->conns; c != NULL; c = c->next) {
        if (c->listener == l)
            rung_loop_defer(h->p, &c->task);
    }
    rung_http1_listener_put(l);
}

void rung_http1_close_check(struct rung_http1 *h)
{
    struct rung_op *op = h->closing;
    if (op == NULL || h->close_task.active || h->conns != NULL || h->gone != NULL)
        return;
    h->closing = NULL;
    rung_timeouts_end(&h->timeouts);
    rung_timer_stop(h->p, &h->close_timer);
    rung_loop_undefer(h->p, &h->accept_task);
    rung_http1_pool_empty(h);
    rung_op_finish(h->p, op, RUNG_OK);
}

/* A connection whose time ends with the server's: unless all it waits for is that TCP brings the
 * rest of an answer across. NULL: there is none. */
static struct http1_conn *http1_at_an_end(struct rung_http1 *h)
{
    for (struct http1_conn *c = h->conns; c != NULL; c = c->next) {
        if (c->state != HTTP1_LINGER || c->held == 0)
            return c;
    }
    return NULL;
}

static void http1_close_task(struct rung_task *task)
{
    struct rung_http1 *h = rung_container_of(task, struct rung_http1, close_task);
    struct http1_conn *c;
    while (h->listeners != NULL)
        http1_unlisten(&h->http, h->listeners->server);
    while ((c = http1_at_an_end(h)) != NULL) {
        if (c->state == HTTP1_IDLE && c->held > 0)
            rung_http1_linger(c);
        else
            rung_http1_let_go(c, false);
    }
    for (struct http1_conn *next, *gone = h->gone; gone != NULL; gone = next) {
        next = gone->next;
        if (gone->work != NULL) { /* the app will not answer it any more */
            struct http1_work *w = gone->work;
            gone->work = NULL;
            rung_http1_work_put(w);
        }
    }
    if (h->conns != NULL)
        rung_timer_start(h->p, &h->close_timer, HTTP1_GRACE_NS);
    rung_http1_close_check(h);
}

static void http1_close_late(struct rung_timer *timer)
{
    struct rung_http1 *h = rung_container_of(timer, struct rung_http1, close_timer);
    while (h->closing != NULL && h->conns != NULL)
        rung_http1_let_go(h->conns, false);
}

/* From a task, for it may be called inside on_request(). */
static void http1_close(struct rung_http *http, struct rung_op *op)
{
    struct rung_http1 *h = http1_of(http);
    assert(h->closing == NULL);
    h->closing = op;
    rung_loop_defer(h->p, &h->close_task);
}

static const char *http1_header(struct rung_http_request *request, const char *name)
{
    return rung_http1_header(request, name);
}

static void http1_respond(struct rung_http_request *request, const struct rung_http_response *r)
{
    rung_http1_respond(request, r);
}

static void http1_respond_kv(struct rung_http_request *request, struct rung_kv *kv)
{
    rung_http1_respond_kv(request, kv);
}

/* A size within its range, or an error that names the key. */
static bool http1_in_range(struct rung_http1 *h, const char *key, uint64_t value, uint64_t least,
                           uint64_t most)
{
    if (value >= least && value <= most)
        return true;
    rung_log(h->p, RUNG_LOG_ERROR, h->slot, "%s.%s=%llu is out of range; give %llu to %llu",
             h->slot, key, (unsigned long long)value, (unsigned long long)least,
             (unsigned long long)most);
    return false;
}

enum rung_err rung_http1_open(struct rung_http1 *self, struct rung_platform *p,
                              const struct rung_http1_keys *keys,
                              const struct rung_http1_needs *needs)
{
    uint64_t max_header = rung_http1_key_max_header(keys);
    *self = (struct rung_http1){.p = p, .tcp = needs->tcp, .slot = keys->slot};
    rung_http_init(&self->http, &rung_http1_http_ops);
    self->max_body = rung_http1_key_max_body(keys);
    self->memory = rung_http1_key_memory(keys);
    if (self->memory == 0)
        self->memory = UINT64_MAX;
    else if (self->memory < self->max_body)
        self->memory = self->max_body;
    self->max_connections = rung_http1_key_max_connections(keys);
    self->access_log = rung_http1_key_access_log(keys);
    if (!http1_in_range(self, "max-header", max_header, 256, 1 << 20)
        || !http1_in_range(self, "max-body", self->max_body, 0, 1 << 30)
        || !http1_in_range(self, "max-connections", self->max_connections, 1, 1 << 30))
        return RUNG_E_RANGE;
    self->max_header = (uint32_t)max_header;
    self->wait[HTTP1_WAIT_IDLE].length_ns = rung_ns_bounded(rung_http1_key_idle_timeout(keys));
    self->wait[HTTP1_WAIT_HEAD].length_ns = rung_ns_bounded(rung_http1_key_header_timeout(keys));
    self->wait[HTTP1_WAIT_BODY].length_ns = rung_ns_bounded(rung_http1_key_body_timeout(keys));
    self->wait[HTTP1_WAIT_SEND].length_ns = rung_ns_bounded(rung_http1_key_send_timeout(keys));
    self->wait[HTTP1_WAIT_LINGER].length_ns = HTTP1_LINGER_NS;
    rung_http1_wait_init(self);
    self->accept_task.fn = http1_accept_more;
    self->close_task.fn = http1_close_task;
    self->close_timer.fn = http1_close_late;
    return RUNG_OK;
}

const struct rung_http_ops rung_http1_http_ops = RUNG_HTTP_TABLE("http1", http1);
