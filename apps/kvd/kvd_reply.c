/* SPDX-License-Identifier: ISC */
/* apps/kvd/kvd_reply.c - replies: what a command answers, and how that is written in RESP2 and
 * RESP3. */
#include <stdarg.h>
#include <stdio.h>

#include "kvd_int.h"

void kvd_simple(struct kvd_cmd *cmd, const char *text)
{
    cmd->reply.kind = KVD_SIMPLE;
    cmd->reply.text = text;
}

void kvd_ok(struct kvd_cmd *cmd)
{
    kvd_simple(cmd, "OK");
}

void kvd_fail(struct kvd_cmd *cmd, const char *text)
{
    cmd->reply.kind = KVD_FAIL;
    cmd->reply.text = text;
    cmd->kvd->stats.errors++;
}

void kvd_fail_fmt(struct kvd_cmd *cmd, const char *fmt, ...)
{
    char line[256];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    size_t n = len < (int)sizeof line ? (size_t)len : sizeof line - 1;
    struct kvd_hold *hold = kvd_hold_own(&cmd->kvd->m, n);
    if (hold == NULL) {
        kvd_fail(cmd, "OOM out of memory");
        return;
    }
    kvd_hold_charge(&cmd->kvd->m, hold, sizeof *hold + n);
    uint8_t *to = kvd_hold_bytes(hold);
    for (size_t i = 0; i < n; i++) { /* a client's own words may hold anything */
        uint8_t c = (uint8_t)line[i];
        to[i] = c < 0x20 || c == 0x7f ? '?' : c;
    }
    cmd->reply.kind = KVD_FAIL_OWN;
    cmd->reply.bytes = (struct kvd_bytes){to, n, hold};
    cmd->kvd->stats.errors++;
}

/* A store whose own work has failed says why in its log alone. */
static void fail_readonly(struct kvd_cmd *cmd)
{
    const struct kvd *kvd = cmd->kvd;
    if (kvd->failed != 0)
        kvd_fail_fmt(cmd, "READONLY the store is read-only until it is started anew: a write "
                     "has failed (%s)", rung_err_text(kvd->failed));
    else if (kvd->kv->info.max_batch > 0)
        kvd_fail(cmd, "READONLY the store is read-only until it is started anew: see the log");
    else
        kvd_fail(cmd, "READONLY the store is read-only");
}

void kvd_fail_result(struct kvd_cmd *cmd, int result)
{
    switch (result) {
    case RUNG_E_FULL:
        kvd_fail(cmd, "ERR the store is full, or its disk: nothing was changed; remove something, "
                 "or move to a bigger one");
        break;
    case RUNG_E_NOMEM:
        kvd_fail(cmd, "OOM out of memory: nothing was changed");
        break;
    case RUNG_E_READONLY:
        fail_readonly(cmd);
        break;
    case RUNG_E_TOOBIG:
    case RUNG_E_LIMIT:
        kvd_fail(cmd, "ERR longer than the store takes: nothing was changed");
        break;
    case RUNG_E_INVAL:
        kvd_fail(cmd, "ERR the store does not take such a key");
        break;
    case RUNG_E_CORRUPT:
        kvd_fail(cmd, "ERR the value is damaged on the disk");
        break;
    default:
        kvd_fail_fmt(cmd, "ERR the store failed: %s", rung_err_text(result));
    }
}

void kvd_integer(struct kvd_cmd *cmd, int64_t number)
{
    cmd->reply.kind = KVD_INTEGER;
    cmd->reply.number = number;
}

void kvd_nil(struct kvd_cmd *cmd)
{
    cmd->reply.kind = KVD_NIL;
}

void kvd_bulk(struct kvd_cmd *cmd, struct kvd_bytes bytes)
{
    cmd->reply.kind = KVD_BULK;
    cmd->reply.bytes = kvd_reply_ref(cmd, bytes);
}

struct kvd_bytes kvd_reply_ref(struct kvd_cmd *cmd, struct kvd_bytes bytes)
{
    struct kvd_hold *hold = bytes.hold;
    if (hold != NULL && bytes.len >= KVD_COPY && hold->charged < bytes.len)
        kvd_hold_charge(&cmd->kvd->m, hold, bytes.len - hold->charged);
    return kvd_bytes_ref(bytes);
}

bool kvd_array(struct kvd_cmd *cmd, uint32_t count)
{
    cmd->replies = rung_zalloc(cmd->kvd->p, count, sizeof cmd->replies[0]);
    if (cmd->replies == NULL) {
        kvd_fail_result(cmd, RUNG_E_NOMEM);
        return false;
    }
    for (uint32_t i = 0; i < count; i++)
        cmd->replies[i].kind = KVD_NIL;
    kvd_reply_take(&cmd->kvd->m, count * sizeof cmd->replies[0]);
    cmd->reply_count = count;
    cmd->reply.kind = KVD_ARRAY;
    return true;
}

void kvd_raw(struct kvd_cmd *cmd, struct kvd_hold *hold, size_t len)
{
    cmd->reply.kind = KVD_RAW;
    cmd->reply.bytes = (struct kvd_bytes){kvd_hold_bytes(hold), len, hold};
}

void kvd_reply_drop(struct kvd_cmd *cmd)
{
    struct kvd_memory *m = &cmd->kvd->m;
    kvd_bytes_drop(m, &cmd->reply.bytes);
    for (uint32_t i = 0; i < cmd->reply_count; i++)
        kvd_bytes_drop(m, &cmd->replies[i].bytes);
    if (cmd->replies != NULL)
        rung_free(m->p, cmd->replies);
    kvd_reply_give(m, cmd->reply_count * sizeof cmd->replies[0]);
    cmd->replies = NULL;
    cmd->reply_count = 0;
    for (struct kvd_cmd *sub = cmd->subs; sub != NULL; sub = sub->next)
        kvd_reply_drop(sub);
}

/* No buffer of TCP's is kept, which are few; nor anything that nobody has paid for. */
static void reply_keep(struct kvd_memory *m, struct kvd_bytes *bytes)
{
    struct kvd_hold *hold = bytes->hold, *own;
    if (hold == NULL || (hold->buf == NULL && hold->charged > 0))
        return;
    if (hold->buf == NULL) {
        kvd_hold_charge(m, hold, sizeof *hold + bytes->len);
        return;
    }
    own = kvd_hold_own(m, bytes->len);
    if (own == NULL)
        return;
    memcpy(kvd_hold_bytes(own), bytes->at, bytes->len);
    kvd_hold_charge(m, own, sizeof *own + bytes->len);
    size_t len = bytes->len;
    kvd_bytes_drop(m, bytes);
    *bytes = (struct kvd_bytes){kvd_hold_bytes(own), len, own};
}

void kvd_reply_keep(struct kvd_cmd *cmd)
{
    struct kvd_memory *m = &cmd->kvd->m;
    if (cmd->kept == 0) {
        cmd->kept = sizeof *cmd;
        kvd_reply_take(m, cmd->kept);
        kvd_cmd_weigh(cmd, 0);
    }
    reply_keep(m, &cmd->reply.bytes);
    for (uint32_t i = 0; i < cmd->reply_count; i++)
        reply_keep(m, &cmd->replies[i].bytes);
    for (struct kvd_cmd *sub = cmd->subs; sub != NULL; sub = sub->next)
        kvd_reply_keep(sub);
}

/* A type's mark, a number, and the end of the line. */
static void reply_number(struct kvd_conn *c, char mark, int64_t number)
{
    char text[24], *at = text + sizeof text;
    uint64_t left = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    *--at = '\n';
    *--at = '\r';
    do {
        *--at = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (number < 0)
        *--at = '-';
    *--at = mark;
    kvd_say(c, at, (size_t)(text + sizeof text - at));
}

static void reply_line(struct kvd_conn *c, char mark, const char *text, size_t len)
{
    kvd_say(c, &mark, 1);
    kvd_say(c, text, len);
    kvd_say(c, "\r\n", 2);
}

/* Goes on with a reply's bytes. False: there was no room for all of them. */
static bool reply_bytes(struct kvd_conn *c, struct kvd_bytes bytes)
{
    c->said.at = kvd_say_bytes(c, bytes, c->said.at);
    if (c->said.at < bytes.len)
        return false;
    c->said.at = 0;
    return true;
}

static bool reply_bulk(struct kvd_conn *c, struct kvd_bytes bytes)
{
    if (c->said.at == 0)
        reply_number(c, '$', (int64_t)bytes.len);
    if (!reply_bytes(c, bytes))
        return false;
    kvd_say(c, "\r\n", 2);
    return true;
}

static bool reply_one(struct kvd_conn *c, const struct kvd_reply *r)
{
    switch ((enum kvd_kind)r->kind) {
    case KVD_SIMPLE:
        reply_line(c, '+', r->text, strlen(r->text));
        break;
    case KVD_FAIL:
        reply_line(c, '-', r->text, strlen(r->text));
        break;
    case KVD_FAIL_OWN:
        reply_line(c, '-', (const char *)r->bytes.at, r->bytes.len);
        break;
    case KVD_INTEGER:
        reply_number(c, ':', r->number);
        break;
    case KVD_BULK:
        return reply_bulk(c, r->bytes);
    case KVD_RAW:
        return reply_bytes(c, r->bytes);
    default:
        if (c->resp >= 3)
            kvd_say(c, "_\r\n", 3);
        else
            kvd_say(c, r->kind == KVD_NIL_ARRAY ? "*-1\r\n" : "$-1\r\n", 5);
    }
    return true;
}

/* Of an array what one send takes; what has been said it holds no more. */
static bool reply_array(struct kvd_conn *c, struct kvd_cmd *cmd)
{
    struct kvd_said *said = &c->said;
    if (said->count == 0) {
        reply_number(c, '*', cmd->reply_count);
        said->count = 1;
    }
    for (; said->count <= cmd->reply_count; said->count++) {
        struct kvd_reply *r = &cmd->replies[said->count - 1];
        if (c->out_count >= KVD_SENDS || !reply_one(c, r))
            return false;
        kvd_bytes_drop(&c->kvd->m, &r->bytes);
    }
    said->count = 0;
    return true;
}

static bool reply_plain(struct kvd_conn *c, struct kvd_cmd *cmd)
{
    return cmd->reply.kind == KVD_ARRAY ? reply_array(c, cmd) : reply_one(c, &cmd->reply);
}

/* The same of a transaction's. */
static bool reply_nested(struct kvd_conn *c, struct kvd_cmd *cmd)
{
    struct kvd_said *said = &c->said;
    if (!said->nested) {
        reply_number(c, '*', cmd->sub_count);
        said->nested = true;
        said->sub = cmd->subs;
    }
    for (; said->sub != NULL; said->sub = said->sub->next) {
        if (c->out_count >= KVD_SENDS || !reply_plain(c, said->sub))
            return false;
        kvd_reply_drop(said->sub);
    }
    said->nested = false;
    return true;
}

bool kvd_reply_write(struct kvd_conn *c, struct kvd_cmd *cmd)
{
    return cmd->reply.kind == KVD_NESTED ? reply_nested(c, cmd) : reply_plain(c, cmd);
}
