/* SPDX-License-Identifier: ISC */
/* apps/kvd/kvd_life.c - connections come, wait and go. One time-out for each kind of waiting keeps
 * its queue sorted, and one timer serves all; what others wait for costs no timer operation. */
#include "kvd_int.h"
#include "rung/clock.h"

#define LIFE_LINGER_NS (2 * RUNG_NS_PER_S) /* how long a client may take to close after us */
#define LIFE_HURRY_NS RUNG_NS_PER_S /* to stall, while others wait for the memory it holds */

enum { LIFE_ACCEPTS = 64 /* at once, before others have their turn */ };

static void wait_leave(struct kvd_conn *c)
{
    if (c->wait == KVD_WAIT_NONE)
        return;
    struct kvd_queue *q = &c->kvd->wait[c->wait];
    if (c->wait_prev != NULL)
        c->wait_prev->wait_next = c->wait_next;
    else
        q->first = c->wait_next;
    if (c->wait_next != NULL)
        c->wait_next->wait_prev = c->wait_prev;
    else
        q->last = c->wait_prev;
    c->wait = KVD_WAIT_NONE;
}

static void wait_arm(struct kvd *kvd, uint64_t until_ns, uint64_t now_ns)
{
    if (kvd->wait_timer.active && until_ns >= kvd->wait_until_ns)
        return;
    kvd->wait_until_ns = until_ns;
    rung_timer_start(kvd->p, &kvd->wait_timer, until_ns > now_ns ? until_ns - now_ns : 0);
}

void kvd_wait(struct kvd_conn *c, enum kvd_wait wait)
{
    struct kvd *kvd = c->kvd;
    wait_leave(c);
    if (wait == KVD_WAIT_NONE || kvd->wait[wait].timeout_ns == 0)
        return;
    struct kvd_queue *q = &kvd->wait[wait];
    uint64_t now_ns = rung_loop_now_ns(kvd->p);
    c->wait = (uint8_t)wait;
    c->wait_until_ns = now_ns + q->timeout_ns;
    c->wait_next = NULL;
    c->wait_prev = q->last;
    if (q->last != NULL)
        q->last->wait_next = c;
    else
        q->first = c;
    q->last = c;
    wait_arm(kvd, c->wait_until_ns, now_ns);
}

/* A connection is idle while nothing is at work for it, and stalled while its client is to move. */
static void wait_over(struct kvd_conn *c, enum kvd_wait wait)
{
    wait_leave(c);
    if (wait == KVD_WAIT_IDLE && c->first != NULL)
        kvd_wait(c, wait);
    else if (wait == KVD_WAIT_STALL && c->out == NULL && (c->parked || c->first != NULL))
        kvd_wait(c, wait); /* it is we who are slow */
    else
        kvd_let_go(c, wait != KVD_WAIT_STALL);
}

/* When the first of a queue is over. */
static uint64_t wait_end(const struct kvd *kvd, enum kvd_wait wait)
{
    const struct kvd_queue *q = &kvd->wait[wait];
    uint64_t until_ns = q->first->wait_until_ns;
    if (wait == KVD_WAIT_STALL && q->timeout_ns > LIFE_HURRY_NS && kvd_reply_full(&kvd->m))
        until_ns -= q->timeout_ns - LIFE_HURRY_NS;
    return until_ns;
}

void kvd_wait_hurry(struct kvd *kvd)
{
    if (kvd->wait[KVD_WAIT_STALL].first != NULL)
        wait_arm(kvd, wait_end(kvd, KVD_WAIT_STALL), rung_loop_now_ns(kvd->p));
}

static void wait_sweep(struct rung_timer *timer)
{
    struct kvd *kvd = rung_container_of(timer, struct kvd, wait_timer);
    uint64_t now_ns = rung_loop_now_ns(kvd->p);
    for (unsigned i = 0; i < KVD_WAITS; i++) {
        struct kvd_queue *q = &kvd->wait[i];
        while (q->first != NULL && wait_end(kvd, (enum kvd_wait)i) <= now_ns)
            wait_over(q->first, (enum kvd_wait)i);
    }
    for (unsigned i = 0; i < KVD_WAITS; i++) {
        if (kvd->wait[i].first != NULL)
            wait_arm(kvd, wait_end(kvd, (enum kvd_wait)i), now_ns);
    }
}

void kvd_wait_init(struct kvd *kvd)
{
    kvd->wait_timer.fn = wait_sweep;
    kvd->wait[KVD_WAIT_IDLE].timeout_ns = rung_ns_bounded(kvd->config.idle_timeout_ns);
    kvd->wait[KVD_WAIT_STALL].timeout_ns = rung_ns_bounded(kvd->config.stall_timeout_ns);
    kvd->wait[KVD_WAIT_LINGER].timeout_ns = LIFE_LINGER_NS;
}

static void life_ready(struct rung_tcp_conn *tcp, unsigned events)
{
    struct kvd_conn *c = tcp->arg;
    if ((events & RUNG_TCP_DOWN) != 0) {
        kvd_let_go(c, false);
        return;
    }
    if ((events & RUNG_TCP_RX) != 0)
        c->rx_waits = false;
    if ((events & RUNG_TCP_TX) != 0) {
        c->tx_waits = false;
        kvd_flush(c);
    }
    if (c->wait == KVD_WAIT_LINGER)
        kvd_conn_end(c);
    else if ((events & RUNG_TCP_RX) != 0)
        kvd_conn_read(c);
}

static void life_begin(struct kvd *kvd, struct rung_tcp_conn *tcp)
{
    static const char refusal[] = "-ERR max number of clients reached\r\n";
    struct kvd_conn *c = rung_zalloc(kvd->p, 1, sizeof *c);
    if (c == NULL) {
        rung_log(kvd->p, RUNG_LOG_WARN, "kvd", "out of memory: a connection is reset");
        rung_tcp_abort(tcp);
        return;
    }
    c->kvd = kvd;
    c->tcp = tcp;
    c->id = ++kvd->conn_ids;
    c->parser.limits = &kvd->limits;
    c->resp = 2;
    c->wait = KVD_WAIT_NONE;
    tcp->arg = c;
    tcp->ready = life_ready;
    c->next = kvd->conns;
    if (c->next != NULL)
        c->next->prev = c;
    kvd->conns = c;
    kvd->stats.connections++;
    if (++kvd->conn_count - kvd->refused_count > kvd->config.max_connections) {
        kvd->stats.refused++;
        kvd->refused_count++;
        c->refused = c->ending = c->lingers = true;
        kvd_say(c, refusal, sizeof refusal - 1);
        kvd_flush(c);
        return;
    }
    if (kvd->config.keepalive_s > 0)
        rung_tcp_set(tcp, RUNG_TCP_KEEPALIVE, kvd->config.keepalive_s);
    c->rx_waits = true;
    kvd_wait(c, KVD_WAIT_IDLE);
}

void kvd_accept(struct rung_tcp_listener *listener)
{
    struct kvd *kvd = listener->arg;
    struct rung_tcp_conn *tcp;
    for (unsigned i = 0; i < LIFE_ACCEPTS; i++) {
        /* beyond this even those that are told so wait in the backlog */
        if (kvd->refused_count >= LIFE_ACCEPTS) {
            kvd->accept_waits = true;
            return;
        }
        if (rung_tcp_accept(listener, &tcp) != 1)
            return;
        life_begin(kvd, tcp);
    }
    rung_loop_defer(kvd->p, &kvd->accept_task);
}

void kvd_accept_task(struct rung_task *task)
{
    struct kvd *kvd = rung_container_of(task, struct kvd, accept_task);
    if (kvd->listener != NULL)
        kvd_accept(kvd->listener);
}

/* Nobody waits for these any more; those at work end by themselves. */
static void life_orphan(struct kvd_conn *c)
{
    for (struct kvd_cmd *cmd = c->first, *next; cmd != NULL; cmd = next) {
        next = cmd->next;
        cmd->conn = NULL;
        bool idle = cmd->state == KVD_DONE || (cmd == c->barrier && !cmd->begun);
        if (idle)
            kvd_cmd_free(cmd);
    }
    c->first = c->barrier = NULL;
    c->cmd_count = 0;
}

void kvd_let_go(struct kvd_conn *c, bool orderly)
{
    struct kvd *kvd = c->kvd;
    struct rung_tcp_conn *tcp = c->tcp;
    if (tcp == NULL)
        return;
    c->tcp = NULL;
    kvd_wait(c, KVD_WAIT_NONE);
    if (c->prev != NULL)
        c->prev->next = c->next;
    else
        kvd->conns = c->next;
    if (c->next != NULL)
        c->next->prev = c->prev;
    kvd->conn_count--;
    kvd->refused_count -= c->refused;
    if (orderly)
        rung_tcp_close(tcp);
    else
        rung_tcp_abort(tcp);
    kvd_pieces_drop(c);
    life_orphan(c);
    if (kvd->accept_waits) {
        kvd->accept_waits = false;
        rung_loop_defer(kvd->p, &kvd->accept_task);
    }
    kvd->gone_count++;
    kvd_flush(c); /* whoever called may still be at work on it */
}

void kvd_conn_free(struct kvd_conn *c)
{
    struct kvd *kvd = c->kvd;
    struct kvd_memory *m = &kvd->m;
    kvd_conn_unpark(c);
    if (c->reading != NULL) {
        kvd_parse_reset(&c->parser, m, &c->reading->args);
        kvd_cmd_free(c->reading);
    }
    kvd_conn_drop_rx(c);
    kvd_multi_drop(c);
    kvd_bytes_drop(m, &c->name);
    kvd->gone_count--;
    rung_free(kvd->p, c);
}
