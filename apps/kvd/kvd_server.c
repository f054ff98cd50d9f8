/* SPDX-License-Identifier: ISC */
/* apps/kvd/kvd_server.c - the commands that are not about keys. */
#include <inttypes.h>
#include <stdio.h>

#include "kvd_int.h"

#define SERVER_VERSION "7.0.0" /* the Redis whose commands these are */

void kvd_cmd_ping(struct kvd *kvd, struct kvd_cmd *cmd)
{
    (void)kvd;
    if (cmd->args.count > 2)
        kvd_fail(cmd, "ERR wrong number of arguments for 'ping' command");
    else if (cmd->args.count == 2)
        kvd_bulk(cmd, kvd_arg(cmd, 1));
    else
        kvd_simple(cmd, "PONG");
}

void kvd_cmd_echo(struct kvd *kvd, struct kvd_cmd *cmd)
{
    struct kvd_bytes word = kvd_arg(cmd, 1);
    if (word.len > KVD_SMALL && kvd_reply_full(&kvd->m))
        kvd_fail_result(cmd, RUNG_E_NOMEM);
    else
        kvd_bulk(cmd, word);
}

void kvd_cmd_quit(struct kvd *kvd, struct kvd_cmd *cmd)
{
    (void)kvd;
    cmd->conn->ending = cmd->conn->lingers = true;
    kvd_ok(cmd);
}

void kvd_cmd_select(struct kvd *kvd, struct kvd_cmd *cmd)
{
    int64_t number;
    (void)kvd;
    if (!kvd_parse_integer(kvd_arg(cmd, 1), &number))
        kvd_fail(cmd, "ERR value is not an integer or out of range");
    else if (number != 0)
        kvd_fail(cmd, "ERR DB index is out of range; there is only 0");
    else
        kvd_ok(cmd);
}

/* A map is an array of twice the length in RESP2. */
static void server_map(struct kvd_text *t, const struct kvd_conn *c, unsigned pairs)
{
    bool map = c != NULL && c->resp >= 3;
    kvd_text_fmt(t, "%c%u\r\n", map ? '%' : '*', map ? pairs : 2 * pairs);
}

static bool client_name_good(struct kvd_bytes name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (name.at[i] < '!' || name.at[i] > '~')
            return false;
    }
    return name.len <= 256;
}

/* The name gets memory of its own: the command's may be a whole buffer of TCP's. */
static bool client_set_name(struct kvd *kvd, struct kvd_cmd *cmd, struct kvd_bytes name)
{
    struct kvd_conn *c = cmd->conn;
    if (!client_name_good(name)) {
        kvd_fail(cmd, "ERR a client name is at most 256 characters, without blanks");
        return false;
    }
    struct kvd_hold *hold = kvd_hold_own(&kvd->m, name.len + 1);
    if (hold == NULL) {
        kvd_fail_result(cmd, RUNG_E_NOMEM);
        return false;
    }
    if (name.len > 0)
        memcpy(kvd_hold_bytes(hold), name.at, name.len);
    kvd_bytes_drop(&kvd->m, &c->name);
    c->name = (struct kvd_bytes){kvd_hold_bytes(hold), name.len, hold};
    return true;
}

void kvd_cmd_client(struct kvd *kvd, struct kvd_cmd *cmd)
{
    struct kvd_conn *c = cmd->conn;
    struct kvd_bytes what = kvd_arg(cmd, 1);
    unsigned count = cmd->args.count;
    if (c == NULL) {
        kvd_ok(cmd); /* it has gone */
    } else if (kvd_word_is(what, "id") && count == 2) {
        kvd_integer(cmd, (int64_t)c->id);
    } else if (kvd_word_is(what, "getname") && count == 2) {
        if (c->name.len > 0)
            kvd_bulk(cmd, c->name);
    } else if (kvd_word_is(what, "setname") && count == 3) {
        if (client_set_name(kvd, cmd, kvd_arg(cmd, 2)))
            kvd_ok(cmd);
    } else if (kvd_word_is(what, "setinfo") && count == 4) {
        kvd_ok(cmd); /* nothing here shows it */
    } else {
        kvd_fail(cmd, "ERR CLIENT knows ID, GETNAME, SETNAME name and SETINFO attribute value");
    }
}

static void hello_reply(struct kvd *kvd, struct kvd_cmd *cmd)
{
    const struct kvd_conn *c = cmd->conn;
    struct kvd_text t;
    kvd_text_init(&t, &kvd->m, 4096);
    server_map(&t, c, 7);
    kvd_text_word(&t, "server");
    kvd_text_word(&t, "kvd");
    kvd_text_word(&t, "version");
    kvd_text_word(&t, SERVER_VERSION);
    kvd_text_word(&t, "proto");
    kvd_text_fmt(&t, ":%u\r\n", c->resp);
    kvd_text_word(&t, "id");
    kvd_text_fmt(&t, ":%" PRIu64 "\r\n", c->id);
    kvd_text_word(&t, "mode");
    kvd_text_word(&t, "standalone");
    kvd_text_word(&t, "role");
    kvd_text_word(&t, "master");
    kvd_text_word(&t, "modules");
    kvd_text_fmt(&t, "*0\r\n");
    kvd_text_reply(&t, cmd);
}

/* HELLO [version [SETNAME name]]. False: it has failed. */
static bool hello_options(struct kvd *kvd, struct kvd_cmd *cmd, uint8_t *resp)
{
    int64_t version;
    if (cmd->args.count > 1) {
        if (!kvd_parse_integer(kvd_arg(cmd, 1), &version) || version < 2 || version > 3) {
            kvd_fail(cmd, "NOPROTO unsupported protocol version");
            return false;
        }
        *resp = (uint8_t)version;
    }
    for (unsigned i = 2; i < cmd->args.count; i += 2) {
        struct kvd_bytes word = kvd_arg(cmd, i);
        if (kvd_word_is(word, "auth")) {
            kvd_fail(cmd, "ERR AUTH is not supported: this server has no passwords");
            return false;
        }
        if (!kvd_word_is(word, "setname") || i + 1 == cmd->args.count) {
            kvd_fail(cmd, "ERR syntax error in HELLO");
            return false;
        }
        if (!client_set_name(kvd, cmd, kvd_arg(cmd, i + 1)))
            return false;
    }
    return true;
}

void kvd_cmd_hello(struct kvd *kvd, struct kvd_cmd *cmd)
{
    struct kvd_conn *c = cmd->conn; /* a barrier: it is there, and no reply is under way */
    uint8_t resp = c->resp;
    if (hello_options(kvd, cmd, &resp)) {
        c->resp = resp;
        hello_reply(kvd, cmd);
    }
    kvd_cmd_done(cmd);
}

static void command_info(struct kvd_text *t, const struct kvd_op *op)
{
    int last = op->first == 0 ? 0 : op->last == KVD_TO_END ? -1 : op->last;
    kvd_text_fmt(t, "*6\r\n");
    kvd_text_word(t, op->name);
    kvd_text_fmt(t, ":%d\r\n*1\r\n+%s\r\n:%u\r\n:%d\r\n:%u\r\n", op->arity,
                 (op->flags & KVD_WRITES) != 0 ? "write" : "readonly", op->first, last, op->step);
}

static unsigned command_count(void)
{
    unsigned count = 0;
    while (kvd_op_at(count) != NULL)
        count++;
    return count;
}

void kvd_cmd_command(struct kvd *kvd, struct kvd_cmd *cmd)
{
    struct kvd_text t;
    struct kvd_bytes what = cmd->args.count > 1 ? kvd_arg(cmd, 1) : (struct kvd_bytes){0};
    kvd_text_init(&t, &kvd->m, kvd_reply_full(&kvd->m) ? KVD_SMALL : 1 << 20);
    if (cmd->args.count == 2 && kvd_word_is(what, "count")) {
        kvd_integer(cmd, command_count());
        return;
    }
    if (cmd->args.count == 1) {
        kvd_text_fmt(&t, "*%u\r\n", command_count());
        for (unsigned i = 0; kvd_op_at(i) != NULL; i++)
            command_info(&t, kvd_op_at(i));
    } else if (kvd_word_is(what, "list") && cmd->args.count == 2) {
        kvd_text_fmt(&t, "*%u\r\n", command_count());
        for (unsigned i = 0; kvd_op_at(i) != NULL; i++)
            kvd_text_word(&t, kvd_op_at(i)->name);
    } else if (kvd_word_is(what, "info")) {
        kvd_text_fmt(&t, "*%u\r\n", cmd->args.count - 2);
        for (unsigned i = 2; i < cmd->args.count; i++) {
            const struct kvd_op *op = kvd_op_find(kvd, kvd_arg(cmd, i));
            if (op != NULL)
                command_info(&t, op);
            else
                kvd_text_fmt(&t, cmd->conn != NULL && cmd->conn->resp >= 3 ? "_\r\n" : "*-1\r\n");
        }
    } else {
        kvd_fail(cmd, "ERR COMMAND knows COUNT, INFO and LIST");
        return;
    }
    kvd_text_reply(&t, cmd);
}
