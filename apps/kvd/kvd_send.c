/* SPDX-License-Identifier: ISC */
/* apps/kvd/kvd_send.c - replies on their way to TCP. What has become ready in one turn of the loop
 * goes out together: short replies are gathered in chunks, long values go out of the memory that
 * the store has lent. */
#include "kvd_int.h"

enum { SEND_ROUNDS = 4 /* of KVD_SENDS pieces, before others have their turn */ };

/* TCP needs a piece of a value no more. */
static void piece_back(struct kvd_conn *c)
{
    if (--c->lent == 0 && c->tcp == NULL)
        kvd_flush(c); /* it was there for this alone */
    else if (c->wait.kind == KVD_WAIT_STALL)
        kvd_wait(c, kvd_conn_rests(c) ? KVD_WAIT_IDLE : KVD_WAIT_STALL); /* it moves */
}

static void piece_release(struct rung_buf *buf)
{
    struct kvd_piece *piece = rung_container_of(buf, struct kvd_piece, buf);
    struct kvd *kvd = piece->kvd;
    kvd_reply_give(&kvd->m, piece->charged);
    if (piece->hold != NULL) {
        kvd_hold_drop(&kvd->m, piece->hold);
        piece_back(piece->conn);
        kvd_give(&kvd->m, &kvd->m.pieces, piece);
    } else {
        kvd_give(&kvd->m, &kvd->m.chunks, piece);
    }
    kvd->piece_count--;
    kvd_memory_back(kvd);
    kvd_stop_check(kvd);
}

/* A new last piece of the connection's. NULL: no memory, and the connection is lost. */
static struct kvd_piece *piece_add(struct kvd_conn *c, struct kvd_pool *pool, size_t charged)
{
    struct kvd *kvd = c->kvd;
    struct kvd_piece *piece = kvd_take(&kvd->m, pool);
    if (piece == NULL) {
        c->lost = true;
        return NULL;
    }
    piece->kvd = kvd;
    piece->conn = c;
    piece->hold = NULL;
    piece->charged = (uint32_t)charged;
    piece->buf = (struct rung_buf){.data = piece->text, .release = piece_release};
    kvd_reply_take(&kvd->m, charged);
    kvd->piece_count++;
    c->out_count++;
    if (c->out == NULL)
        c->out = piece;
    else
        c->out_last->buf.next = &piece->buf;
    c->out_last = piece;
    return piece;
}

void kvd_say(struct kvd_conn *c, const char *text, size_t len)
{
    while (len > 0 && !c->lost) {
        struct kvd_piece *piece = c->out != NULL ? c->out_last : NULL;
        if (piece == NULL || piece->hold != NULL || piece->buf.len == KVD_CHUNK) {
            piece = piece_add(c, &c->kvd->m.chunks, sizeof *piece + KVD_CHUNK);
            if (piece == NULL)
                return;
        }
        size_t n = KVD_CHUNK - piece->buf.len;
        n = n < len ? n : len;
        memcpy(piece->text + piece->buf.len, text, n);
        piece->buf.len += n;
        c->out_bytes += n;
        text += n;
        len -= n;
    }
}

size_t kvd_say_bytes(struct kvd_conn *c, struct kvd_bytes bytes, size_t from)
{
    bool lent = bytes.hold != NULL && bytes.hold->buf != NULL; /* by TCP, which has few */
    if (bytes.len < KVD_COPY || bytes.hold == NULL || lent) {
        kvd_say(c, (const char *)bytes.at, bytes.len);
        return bytes.len;
    }
    do {
        struct kvd_piece *piece = piece_add(c, &c->kvd->m.pieces, sizeof *piece);
        if (piece == NULL)
            return bytes.len;
        size_t left = bytes.len - from;
        piece->hold = kvd_bytes_ref(bytes).hold;
        c->lent++;
        piece->buf.data = bytes.at + from;
        piece->buf.len = left < KVD_PART ? left : KVD_PART;
        c->out_bytes += piece->buf.len;
        from += piece->buf.len;
    } while (from < bytes.len && c->out_count < KVD_SENDS);
    return from;
}

void kvd_pieces_drop(struct kvd_conn *c)
{
    while (c->out != NULL) {
        struct kvd_piece *piece = c->out;
        struct rung_buf *next = piece->buf.next;
        c->out = next != NULL ? rung_container_of(next, struct kvd_piece, buf) : NULL;
        rung_buf_release(&piece->buf);
    }
    c->out_bytes = c->out_count = 0;
}

/* Hands to TCP what it takes. False: the connection is dead. */
static bool send_some(struct kvd_conn *c)
{
    while (c->out != NULL && !c->tx_waits) {
        struct rung_buf *bufs[KVD_SENDS];
        size_t lens[KVD_SENDS];
        unsigned n = 0;
        struct rung_buf *buf = &c->out->buf;
        for (; n < KVD_SENDS && buf != NULL; buf = buf->next) {
            lens[n] = buf->len;
            bufs[n++] = buf;
        }
        int k = rung_tcp_send(c->tcp, bufs, n); /* what is taken is not to be looked at again */
        if (k < 0)
            return false;
        c->out_count -= (unsigned)k;
        for (int i = 0; i < k; i++)
            c->out_bytes -= lens[i];
        struct rung_buf *left = (unsigned)k < n ? bufs[k] : buf;
        c->out = left != NULL ? rung_container_of(left, struct kvd_piece, buf) : NULL;
        c->tx_waits = (unsigned)k < n;
        if (k > 0 && c->wait.kind == KVD_WAIT_STALL)
            kvd_wait(c, KVD_WAIT_STALL); /* it moves */
    }
    return true;
}

void kvd_flush(struct kvd_conn *c)
{
    struct kvd *kvd = c->kvd;
    if (c->flushing)
        return;
    c->flushing = true;
    c->flush_next = kvd->flush;
    kvd->flush = c;
    rung_loop_defer(kvd->p, &kvd->flush_task);
}

/* Replies of those that are done, up to the first that is not, or is longer than there is room. */
static void flush_replies(struct kvd_conn *c)
{
    while (c->first != NULL && c->first->state == KVD_DONE && c->out_bytes < KVD_OUT_MAX) {
        struct kvd_cmd *cmd = c->first;
        if (!kvd_reply_write(c, cmd))
            break;
        c->first = cmd->next;
        c->cmd_count--;
        if (c->barrier == cmd)
            c->barrier = NULL;
        if (c->kept == cmd)
            c->kept = NULL;
        kvd_cmd_free(cmd);
    }
    struct kvd_cmd *barrier = c->barrier;
    if (barrier != NULL && barrier == c->first && !barrier->begun) {
        barrier->begun = true;
        barrier->op->run(c->kvd, barrier);
    }
}

/* The client is slow: what is done and waits for that is kept for as little as it can be, and paid
 * for, so that others who wait for the memory have an end of it: also where nothing is left to pay
 * with, for it is there already, and nobody is at work on it any more. */
static void keep_replies(struct kvd_conn *c)
{
    struct kvd_cmd *cmd = c->kept != NULL ? c->kept->next : c->first;
    for (; cmd != NULL && cmd->state == KVD_DONE; cmd = cmd->next) {
        kvd_reply_keep(cmd);
        c->kept = cmd;
    }
}

/* Writes and sends for as long as TCP takes it, up to so much. False: the connection is dead. */
static bool flush_some(struct kvd_conn *c)
{
    for (unsigned i = 0; i < SEND_ROUNDS; i++) {
        flush_replies(c);
        if (c->lost || !send_some(c))
            return false;
        if (c->tx_waits || c->first == NULL || c->first->state != KVD_DONE)
            break;
    }
    return true;
}

static void flush_one(struct kvd_conn *c)
{
    if (c->tcp == NULL) {
        kvd_conn_free(c);
        return;
    }
    if (!flush_some(c)) {
        kvd_let_go(c, false);
        return;
    }
    if (c->tx_waits)
        keep_replies(c);
    else if (c->first != NULL && c->first->state == KVD_DONE)
        kvd_flush(c); /* the rest, after others have had their turn */
    if (c->ending && c->out == NULL && c->first == NULL)
        kvd_conn_end(c);
    else
        kvd_conn_read(c);
}

void kvd_flush_task(struct rung_task *task)
{
    struct kvd *kvd = rung_container_of(task, struct kvd, flush_task);
    if (kvd->starved != NULL)
        kvd_keys_feed(kvd);
    kvd_spaces_feed(kvd);
    if (kvd->parked_long > 0)
        kvd_conns_feed_long(kvd);
    struct kvd_conn *list = kvd->flush;
    kvd->flush = NULL;
    while (list != NULL) {
        struct kvd_conn *c = list;
        list = c->flush_next;
        c->flushing = false;
        flush_one(c);
    }
    if (kvd->parked_line > 0)
        kvd_conns_feed_line(kvd); /* with what these have given back */
    kvd_run_ready(kvd);
    if (kvd_reply_full(&kvd->m))
        kvd_wait_hurry(kvd);
    kvd_stop_check(kvd);
}
