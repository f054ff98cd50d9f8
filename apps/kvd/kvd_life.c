/* SPDX-License-Identifier: ISC */
/* apps/kvd/kvd_life.c - connections come, wait and go. */
#include "kvd_int.h"
#include "rung/clock.h"

#define LIFE_LINGER_NS (2 * RUNG_NS_PER_S) /* how long a client may take to close after us */
#define LIFE_HURRY_NS RUNG_NS_PER_S /* to stall, while others wait for the memory it holds */
#define LIFE_LATE_NS (RUNG_NS_PER_S / 4) /* that a timer may be */

enum { LIFE_ACCEPTS = 64 /* at once, before others have their turn */ };

void kvd_wait(struct kvd_conn *c, enum kvd_wait wait)
{
    rung_timeout_start(&c->kvd->timeouts, &c->wait, wait);
}

static void wait_let_go(struct kvd_conn *c, unsigned kind)
{
    bool orderly = kind == KVD_WAIT_IDLE || kind == KVD_WAIT_LINGER;
    if (!orderly)
        rung_log(c->kvd->p, RUNG_LOG_DEBUG, "kvd", "client %llu is reset: %s",
                 (unsigned long long)c->id,
                 kind == KVD_WAIT_HOLD ? "others have no room for a command, and its transaction "
                                         "does not go on"
                                       : "it stopped within a command, or takes no replies");
    kvd_let_go(c, orderly);
}

/* A transaction that has more than its share of what all together may have, and whose client does
 * not go on, is in the way of others: but only when there are any. */
void kvd_wait_hold(struct kvd_conn *c)
{
    struct kvd *kvd = c->kvd;
    if (c->multi_bytes <= kvd->m.query_max / 2 / kvd->config.max_connections)
        rung_timeout_stop(&kvd->timeouts, &c->hold);
    else if (c->hold.kind == KVD_WAIT_NONE)
        rung_timeout_start(&kvd->timeouts, &c->hold, KVD_WAIT_HOLD);
}

void kvd_wait_moves(struct kvd_conn *c)
{
    if (c->wait.kind == KVD_WAIT_STALL)
        kvd_wait(c, KVD_WAIT_STALL);
    if (c->hold.kind == KVD_WAIT_HOLD)
        rung_timeout_start(&c->kvd->timeouts, &c->hold, KVD_WAIT_HOLD);
}

/* Or was refused just now and may come again. */
bool kvd_wait_for_query(const struct kvd *kvd)
{
    return kvd->parked_long > 0 || rung_loop_now_ns(kvd->p) < kvd->short_until_ns;
}

/* Whether it is we who are slow. */
static bool wait_slow(const struct kvd_conn *c)
{
    return c->out == NULL && c->lent == 0 && (c->parked || c->first != NULL);
}

static void wait_hold_over(struct kvd_conn *c)
{
    if (wait_slow(c) || !kvd_wait_for_query(c->kvd))
        rung_timeout_start(&c->kvd->timeouts, &c->hold, KVD_WAIT_HOLD);
    else
        wait_let_go(c, KVD_WAIT_HOLD);
}

/* A connection is idle while nothing is at work for it, and stalled while its client is to move. */
static void wait_over(struct rung_timeouts *set, struct rung_timeout *waiter, unsigned kind)
{
    if (kind == KVD_WAIT_HOLD) {
        wait_hold_over(rung_container_of(waiter, struct kvd_conn, hold));
        return;
    }
    struct kvd_conn *c = rung_container_of(waiter, struct kvd_conn, wait);
    bool hurried = waiter->due_ns > rung_loop_now_ns(set->p);
    if (kind == KVD_WAIT_IDLE && (c->first != NULL || c->parked))
        rung_timeout_start(set, waiter, kind);
    else if (kind == KVD_WAIT_STALL && wait_slow(c))
        rung_timeout_start(set, waiter, kind);
    else if (hurried && !kvd_reply_full(&c->kvd->m) && !kvd_conn_holds(c))
        rung_timeout_start(set, waiter, kind); /* what it holds is not what others wait for */
    else
        wait_let_go(c, kind);
}

static uint64_t wait_sooner_ns(struct rung_timeouts *set, unsigned kind)
{
    const struct kvd *kvd = rung_container_of(set, struct kvd, timeouts);
    uint64_t length_ns = set->queues[kind].length_ns;
    bool hurry = (kind == KVD_WAIT_STALL && (kvd_reply_full(&kvd->m) || kvd_wait_for_query(kvd)))
                 || (kind == KVD_WAIT_HOLD && kvd_wait_for_query(kvd));
    return hurry && length_ns > LIFE_HURRY_NS ? length_ns - LIFE_HURRY_NS : 0;
}

void kvd_wait_short(struct kvd_conn *c)
{
    struct kvd *kvd = c->kvd;
    if (c->hold.kind != KVD_WAIT_NONE)
        return; /* it has more than its share already */
    kvd->short_until_ns = rung_loop_now_ns(kvd->p) + LIFE_HURRY_NS + LIFE_LATE_NS;
    kvd_wait_hurry(kvd);
}

void kvd_wait_hurry(struct kvd *kvd)
{
    rung_timeouts_look(&kvd->timeouts);
}

void kvd_wait_init(struct kvd *kvd)
{
    kvd->timeouts.over = wait_over;
    kvd->timeouts.sooner_ns = wait_sooner_ns;
    kvd->wait[KVD_WAIT_IDLE].length_ns = rung_ns_bounded(kvd->config.idle_timeout_ns);
    kvd->wait[KVD_WAIT_STALL].length_ns = rung_ns_bounded(kvd->config.stall_timeout_ns);
    kvd->wait[KVD_WAIT_HOLD].length_ns = rung_ns_bounded(kvd->config.stall_timeout_ns);
    kvd->wait[KVD_WAIT_LINGER].length_ns = LIFE_LINGER_NS;
    rung_timeouts_init(&kvd->timeouts, kvd->p, kvd->wait, KVD_WAITS);
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
    if (c->wait.kind == KVD_WAIT_LINGER)
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
    c->first = c->barrier = c->kept = NULL;
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
    rung_timeout_stop(&kvd->timeouts, &c->hold);
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
        c->reading = NULL;
    }
    kvd_conn_drop_rx(c);
    kvd_multi_drop(c);
    kvd_bytes_drop(m, &c->name);
    if (c->lent > 0)
        return; /* the last of them comes here again */
    kvd->gone_count--;
    rung_free(kvd->p, c);
}
