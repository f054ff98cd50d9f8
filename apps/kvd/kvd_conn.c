/* SPDX-License-Identifier: ISC */
/* apps/kvd/kvd_conn.c - reading a connection: from TCP's buffers to commands, for as long as there
 * is room for what they will need. Where there is none, nothing is read, and TCP slows the client
 * down. */
#include "kvd_int.h"

enum {
    CONN_STEPS = 4096,      /* commands before others have their turn */
    CONN_MOVES = 16384,     /* bytes of a long command that are progress */
    CONN_SECONDS = 64,      /* while others wait, in which all that it holds has to come */
    CONN_DRAIN = 1 << 20,   /* bytes read and thrown away while lingering */
    CONN_STALLED = 64,      /* commands that wait for the next batch before new ones do */
};

void kvd_conn_drop_rx(struct kvd_conn *c)
{
    if (c->rx != NULL)
        kvd_hold_drop(&c->kvd->m, c->rx);
    c->rx = NULL;
}

/* Whether what everybody shares is used up, and clients may be long in giving it back. */
static bool conn_stuck(const struct kvd *kvd)
{
    return kvd->loads >= KVD_LOADS || kvd_reply_full(&kvd->m) || kvd->stalled.first != NULL;
}

/* Or in this turn at least. */
static bool conn_crowded(const struct kvd *kvd)
{
    return conn_stuck(kvd) || kvd->m.work_used >= kvd->work_bound;
}

/* While there is a line, who has something at work goes behind it. */
static void conn_bound(struct kvd *kvd)
{
    kvd->work_bound = kvd->parked_line > 0 ? 0 : kvd->m.work_max;
}

/* want: of the query budget; 0: room for more commands. */
static void conn_park(struct kvd_conn *c, uint64_t want)
{
    struct kvd *kvd = c->kvd;
    if (c->parked)
        return;
    c->parked = true;
    c->want = want;
    c->parked_next = NULL;
    *kvd->parked_end = c;
    kvd->parked_end = &c->parked_next;
    kvd->parked_long += want > 0;
    kvd->parked_line += want == 0;
    conn_bound(kvd);
}

static void conn_unlink(struct kvd_conn **link)
{
    struct kvd_conn *c = *link;
    struct kvd *kvd = c->kvd;
    *link = c->parked_next;
    if (*link == NULL)
        kvd->parked_end = link;
    c->parked = false;
    kvd->parked_long -= c->want > 0;
    kvd->parked_line -= c->want == 0;
    conn_bound(kvd);
}

void kvd_conn_unpark(struct kvd_conn *c)
{
    struct kvd_conn **link = &c->kvd->parked;
    if (!c->parked)
        return;
    while (*link != c)
        link = &(*link)->parked_next;
    conn_unlink(link);
}

/* As far as the budget goes: whom it goes to is read before who has given it back, and before what
 * comes in. */
void kvd_conns_feed_long(struct kvd *kvd)
{
    uint64_t room = kvd->m.query_max - kvd->m.query_used;
    for (struct kvd_conn **link = &kvd->parked, *c; (c = *link) != NULL;) {
        if (c->want == 0 || c->want > room) {
            link = &c->parked_next;
            continue;
        }
        room -= c->want;
        conn_unlink(link);
        if (c->tcp != NULL) {
            c->moved = 0; /* only now it is its client who is to move */
            kvd_wait(c, KVD_WAIT_STALL);
        }
        kvd_flush(c);
    }
}

/* From the head of the line on; who has not enough of it goes to its end. */
void kvd_conns_feed_line(struct kvd *kvd)
{
    struct kvd_conn **link = &kvd->parked, *c;
    for (unsigned left = kvd->parked_line; left > 0; left--) {
        kvd->work_bound = kvd->m.work_max; /* those who wait are behind this one */
        if (conn_crowded(kvd))
            break;
        while ((c = *link)->want > 0)
            link = &c->parked_next;
        conn_unlink(link);
        kvd->work_bound = kvd->m.work_max;
        kvd_conn_read(c);
    }
    conn_bound(kvd);
}

/* Nothing of it is at work, and it has taken all replies. */
static bool conn_is_free(const struct kvd_conn *c)
{
    return c->cmd_count == 0 && c->out == NULL;
}

/* Whether it is in the line and that moves: a command at a time meanwhile would cost more than it
 * gains. */
static bool conn_lines_up(const struct kvd_conn *c)
{
    return c->parked && c->want == 0 && !conn_stuck(c->kvd);
}

/* Whether it has memory that others may be waiting for: then a byte now and then is not enough. */
bool kvd_conn_holds(const struct kvd_conn *c)
{
    return c->hold.kind != KVD_WAIT_NONE || (c->reading != NULL && c->reading->args.granted > 0);
}

/* How many bytes it takes to keep what it holds for the next second, or more if nobody waits. */
static uint64_t conn_moves(const struct kvd_conn *c)
{
    uint64_t held = c->multi_bytes + (c->reading != NULL ? c->reading->args.granted : 0);
    if (!kvd_conn_holds(c))
        return 0;
    if (held / CONN_SECONDS <= CONN_MOVES || !kvd_wait_for_query(c->kvd))
        return CONN_MOVES;
    return held / CONN_SECONDS;
}

/* Takes a buffer from TCP. False: none, or the end. */
static bool conn_receive(struct kvd_conn *c)
{
    struct rung_buf *buf;
    if (c->rx_waits)
        return false;
    int k = rung_tcp_recv(c->tcp, &buf, 1);
    if (k == 0) {
        c->rx_waits = true;
        return false;
    }
    if (k == RUNG_E_EOF) {
        c->ending = true;
        kvd_flush(c); /* what it has asked for it still gets */
        return false;
    }
    if (k < 0) {
        kvd_let_go(c, false);
        return false;
    }
    c->rx = kvd_hold_lent(&c->kvd->m, buf);
    if (c->rx == NULL) {
        rung_buf_release(buf);
        kvd_let_go(c, false);
        return false;
    }
    c->rx_at = buf->data;
    c->rx_end = buf->data + buf->len;
    c->moved += buf->len;
    if (c->moved >= conn_moves(c)) {
        c->moved = 0;
        kvd_wait_moves(c);
    }
    return true;
}

/* In a crowd those still get a command in who have nothing at work and nothing to take: a client
 * that does not read must not keep others from being served. */
static bool conn_may_read(struct kvd_conn *c)
{
    if (c->tcp == NULL || c->ending || c->barrier != NULL || c->kvd->stopping != NULL
        || c->cmd_count >= c->kvd->config.max_pipeline || c->out_bytes >= KVD_OUT_MAX)
        return false;
    if ((conn_is_free(c) && !conn_lines_up(c)) || !conn_crowded(c->kvd))
        return true;
    if (c->rx != NULL && c->rx_at == c->rx_end && c->parser.state == KVD_AT_START)
        kvd_conn_drop_rx(c);
    if (c->rx != NULL || conn_receive(c)) /* who has asked for nothing more is in no line */
        conn_park(c, 0);
    return false;
}

/* An answer to what was no command. */
static void conn_answer(struct kvd_conn *c, const char *text)
{
    struct kvd_cmd *cmd = c->reading;
    c->reading = NULL;
    kvd_args_drop(&c->kvd->m, &cmd->args);
    kvd_fail_fmt(cmd, "%s%s", strncmp(text, "OOM ", 4) == 0 ? "" : "ERR ", text);
    kvd_cmd_answer(cmd);
    c->multi_broken = c->multi_broken || c->multi;
}

/* The connection cannot be understood any more. */
static void conn_protocol_error(struct kvd_conn *c)
{
    struct kvd_args none;
    conn_answer(c, c->parser.error);
    kvd_args_init(&none);
    kvd_parse_reset(&c->parser, &c->kvd->m, &none);
    kvd_conn_drop_rx(c);
    c->ending = true;
    c->lingers = true;
}

/* What is left of TCP's buffer becomes our own: TCP has few, and everybody waits for them. False:
 * there is no memory. */
static bool conn_own_rx(struct kvd_conn *c)
{
    struct kvd_memory *m = &c->kvd->m;
    size_t len = (size_t)(c->rx_end - c->rx_at);
    struct kvd_hold *own = kvd_hold_own(m, len);
    if (own == NULL)
        return false;
    memcpy(kvd_hold_bytes(own), c->rx_at, len);
    kvd_hold_charge(m, own, len);
    if (c->reading != NULL && !kvd_args_keep(m, &c->reading->args, c->rx)) {
        kvd_hold_drop(m, own);
        return false;
    }
    kvd_conn_drop_rx(c);
    c->rx = own;
    c->rx_at = kvd_hold_bytes(own);
    c->rx_end = c->rx_at + len;
    return true;
}

/* The same for one that waits for memory. False also: those that wait have enough of it. */
static bool conn_keep_rx(struct kvd_conn *c)
{
    const struct kvd_memory *m = &c->kvd->m;
    const struct kvd_args *args = &c->reading->args;
    size_t len = (size_t)(c->rx_end - c->rx_at);
    if (m->reply_used + len > m->reply_max / 2 || args->own + kvd_args_in(args, c->rx) > KVD_SMALL)
        return false;
    return conn_own_rx(c);
}

/* Bytes for a long command are asked for. False: it waits for them, and holds nothing meanwhile
 * that others wait for. */
static bool conn_reserve(struct kvd_conn *c)
{
    struct kvd_memory *m = &c->kvd->m;
    struct kvd_args *args = &c->reading->args;
    if (kvd_query_take(m, c->parser.want)) {
        if (c->want > 0)
            kvd_conn_unpark(c); /* it may have come to it out of its turn */
        args->granted += c->parser.want;
        return true;
    }
    if (args->granted == 0 && c->parser.want <= m->query_max) {
        if (c->rx->buf != NULL && conn_keep_rx(c))
            return true; /* and asks again: words that were TCP's count now */
        if (c->rx->buf == NULL) {
            if (c->want == 0) /* else it keeps its place */
                kvd_conn_unpark(c); /* it may be in the line for more commands */
            conn_park(c, c->parser.want);
            kvd_wait_hurry(c->kvd);
            return false;
        }
    }
    if (c->parser.want <= m->query_max)
        kvd_wait_short(c);
    kvd_parse_refuse(&c->parser, m, args, "OOM too many long commands at once");
    return true;
}

/* A web page can make a browser send lines of its choice to this machine, in a POST. Redis ends
 * such a connection too. */
static bool conn_is_http(const struct kvd_cmd *cmd)
{
    return cmd->args.count > 0
           && (kvd_word_is(cmd->args.arg[0], "post") || kvd_word_is(cmd->args.arg[0], "host:"));
}

/* One step of reading. False: nothing more for now. */
static bool conn_step(struct kvd_conn *c)
{
    struct kvd *kvd = c->kvd;
    if (c->rx == NULL && !conn_receive(c))
        return false;
    if (c->reading == NULL)
        c->reading = kvd_cmd_new(kvd, c);
    if (c->reading == NULL) {
        kvd_let_go(c, false);
        return false;
    }
    struct kvd_cmd *cmd = c->reading;
    switch (kvd_parse(&c->parser, &kvd->m, &cmd->args, c->rx, &c->rx_at, c->rx_end)) {
    case KVD_PARSE_MORE:
        kvd_conn_drop_rx(c);
        return true;
    case KVD_PARSE_READY:
        if (conn_is_http(cmd)) {
            c->parser.error = "Protocol error: this is no HTTP server";
            conn_protocol_error(c);
            return false;
        }
        if (c->parser.refused != NULL) {
            conn_answer(c, c->parser.refused);
            c->parser.refused = NULL;
        } else {
            c->reading = NULL;
            kvd_cmd_take(cmd);
        }
        return true;
    case KVD_PARSE_RESERVE:
        return conn_reserve(c);
    default:
        conn_protocol_error(c);
        return false;
    }
}

bool kvd_conn_rests(const struct kvd_conn *c)
{
    return c->out == NULL && c->lent == 0 && c->parser.state == KVD_AT_START;
}

/* Between commands a connection holds nothing. */
static void conn_rest(struct kvd_conn *c)
{
    if (c->reading != NULL && c->parser.state == KVD_AT_START && c->reading->args.count == 0) {
        kvd_cmd_free(c->reading);
        c->reading = NULL;
    }
    if (kvd_conn_rests(c))
        kvd_wait(c, KVD_WAIT_IDLE);
    else if (c->wait.kind != KVD_WAIT_STALL)
        kvd_wait(c, KVD_WAIT_STALL);
}

static void conn_drain(struct kvd_conn *c)
{
    struct rung_buf *buf;
    int k;
    while ((k = rung_tcp_recv(c->tcp, &buf, 1)) > 0) {
        c->drained += (uint32_t)buf->len;
        rung_buf_release(buf);
        if (c->drained > CONN_DRAIN)
            break;
    }
    if (k != 0)
        kvd_let_go(c, k != RUNG_E_RESET && k != RUNG_E_TIMEDOUT);
}

void kvd_conn_end(struct kvd_conn *c)
{
    if (!c->lingers) {
        kvd_let_go(c, true);
        return;
    }
    if (c->wait.kind != KVD_WAIT_LINGER) { /* a close with bytes unread would be a reset */
        rung_tcp_shutdown(c->tcp);
        kvd_wait(c, KVD_WAIT_LINGER);
    }
    conn_drain(c);
}

void kvd_conn_read(struct kvd_conn *c)
{
    struct kvd *kvd = c->kvd;
    unsigned steps = 0;
    while (conn_may_read(c) && conn_step(c)) {
        if (++steps == CONN_STEPS) {
            kvd_flush(c);
            break;
        }
    }
    kvd_run_ready(kvd);
    if (c->tcp == NULL || c->wait.kind == KVD_WAIT_LINGER)
        return;
    if (c->tx_waits && c->rx != NULL && c->rx->buf != NULL && !kvd_reply_full(&kvd->m))
        (void)conn_own_rx(c); /* its client may never take the replies */
    conn_rest(c);
    if (steps > 0) /* in this turn, behind what the store completes in it */
        rung_loop_defer(kvd->p, &kvd->flush_task);
}
