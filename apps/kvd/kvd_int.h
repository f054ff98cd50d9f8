/* SPDX-License-Identifier: ISC */
/* apps/kvd/kvd_int.h - what the files of kvd share: its functions, by the file that has them. */
#ifndef KVD_INT_H
#define KVD_INT_H

#include "kvd_types.h"

/* kvd_command.c */
void kvd_ops_init(struct kvd *kvd);
const struct kvd_op *kvd_op_find(const struct kvd *kvd, struct kvd_bytes name);
const struct kvd_op *kvd_op_at(unsigned index); /* NULL behind the last */
struct kvd_cmd *kvd_cmd_new(struct kvd *kvd, struct kvd_conn *conn);
void kvd_cmd_free(struct kvd_cmd *cmd);
void kvd_cmd_start(struct kvd_cmd *cmd);  /* queues it at its keys */
void kvd_cmd_ready(struct kvd *kvd, struct kvd_cmd *cmd);
void kvd_run_ready(struct kvd *kvd);
void kvd_cmd_over(struct kvd_cmd *cmd);   /* it has run: out of the queues */
void kvd_cmd_done(struct kvd_cmd *cmd);   /* its reply may go out */
/* Into the queues of its keys. False: no memory, and it is in none. The caller wakes the keys. */
bool kvd_cmd_enter(struct kvd_cmd *cmd, bool in_front);
void kvd_cmd_entered(struct kvd_cmd *cmd); /* does that */

/* kvd_dispatch.c */
void kvd_cmd_take(struct kvd_cmd *cmd); /* a command has been read: starts it */
void kvd_cmd_answer(struct kvd_cmd *cmd); /* its reply is there: it only waits for its turn */
/* One that no client has sent: its words are keys, all of them. */
void kvd_cmd_start_own(struct kvd_cmd *cmd, const struct kvd_op *op);
bool kvd_exec_slots(struct kvd_cmd *cmd); /* a transaction's; false: it has failed */
void kvd_exec_start(struct kvd_cmd *cmd); /* kvd_multi.c */

/* kvd_table.c */
uint64_t kvd_key_hash(const struct kvd *kvd, struct kvd_bytes name);
struct kvd_key *kvd_key_get(struct kvd *kvd, struct kvd_bytes name); /* made if need be; NULL */

/* kvd_key.c */
void kvd_key_put(struct kvd *kvd, struct kvd_key *key); /* nobody may need it any more */
void kvd_key_enqueue(struct kvd *kvd, struct kvd_slot *slot, bool in_front);
void kvd_key_leave(struct kvd *kvd, struct kvd_slot *slot);
/* It is not there, or that is not known (enum kvd_need): nothing is left of a value, nor of when it
 * expires. */
void kvd_key_empty(struct kvd *kvd, struct kvd_key *key, uint8_t known);
void kvd_key_forget(struct kvd *kvd, struct kvd_key *key); /* what is known of its value */
void kvd_key_wake(struct kvd *kvd, struct kvd_key *key);
void kvd_keys_feed(struct kvd *kvd); /* memory has come back: reads that waited for it */
void kvd_memory_back(struct kvd *kvd); /* some may have */

/* kvd_keyspace.c */
void kvd_spaces_feed(struct kvd *kvd); /* a walk that waits for its turn may have it */

/* kvd_change.c: what commands do to keys, whose values are then written. */
bool kvd_exists(struct kvd *kvd, struct kvd_key *key); /* false also: it has expired just now */
void kvd_set(struct kvd *kvd, struct kvd_key *key, struct kvd_bytes value, uint64_t expiry_ms);
/* To the first len bytes of a hold of our own, which is paid for: one reference is given away. */
void kvd_set_new(struct kvd *kvd, struct kvd_key *key, struct kvd_hold *hold, size_t len,
                 uint64_t expiry_ms);
void kvd_remove(struct kvd *kvd, struct kvd_key *key);
uint64_t kvd_wall_ms(struct kvd *kvd);

/* kvd_batch.c */
void kvd_dirty(struct kvd *kvd, struct kvd_key *key, uint64_t bytes);
bool kvd_batch_room(const struct kvd *kvd, const struct kvd_cmd *cmd);
/* Whether the command that runs may change the key: a reader has not been given room before. */
bool kvd_batch_takes(const struct kvd *kvd, const struct kvd_key *key);
void kvd_batch_end(struct kvd *kvd);
void kvd_batch_task(struct rung_task *task);

/* kvd_reply.c */
void kvd_simple(struct kvd_cmd *cmd, const char *text);
void kvd_ok(struct kvd_cmd *cmd);
void kvd_fail(struct kvd_cmd *cmd, const char *text); /* with its code: "ERR no such key" */
void kvd_fail_fmt(struct kvd_cmd *cmd, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void kvd_fail_result(struct kvd_cmd *cmd, int result); /* of the store */
void kvd_integer(struct kvd_cmd *cmd, int64_t number);
void kvd_nil(struct kvd_cmd *cmd);
void kvd_bulk(struct kvd_cmd *cmd, struct kvd_bytes bytes); /* takes a reference of its own */
/* One to be shown: what a command has brought along, and its reply holds longer, is paid for. */
struct kvd_bytes kvd_reply_ref(struct kvd_cmd *cmd, struct kvd_bytes bytes);
/* cmd->replies are nil, to be filled. False: it has failed. */
bool kvd_array(struct kvd_cmd *cmd, uint32_t count);
void kvd_raw(struct kvd_cmd *cmd, struct kvd_hold *hold, size_t len); /* the hold is the reply's */
void kvd_reply_drop(struct kvd_cmd *cmd);
void kvd_reply_keep(struct kvd_cmd *cmd); /* its client is slow: it is paid for, and TCP's bytes are
                                           * given back */
/* To c->out, or goes on with it. False: for want of room there not all of it. */
bool kvd_reply_write(struct kvd_conn *c, struct kvd_cmd *cmd);
void kvd_say(struct kvd_conn *c, const char *text, size_t len);

/* kvd_text.c: a growing text of ours, for replies that are made at once. */
struct kvd_text {
    struct kvd_memory *m;
    struct kvd_hold *hold;
    size_t len, room, max;
    bool failed; /* no memory, or longer than max */
};
void kvd_text_init(struct kvd_text *t, struct kvd_memory *m, size_t max);
void kvd_text_add(struct kvd_text *t, const void *bytes, size_t len);
void kvd_text_fmt(struct kvd_text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void kvd_text_bulk(struct kvd_text *t, const void *bytes, size_t len);
void kvd_text_word(struct kvd_text *t, const char *word); /* as a bulk */
void kvd_text_reply(struct kvd_text *t, struct kvd_cmd *cmd); /* or an error; t is used up */
void kvd_text_drop(struct kvd_text *t);

/* kvd_conn.c: reading. */
void kvd_conn_read(struct kvd_conn *c);
void kvd_conn_end(struct kvd_conn *c); /* all that it will be told is with TCP */
void kvd_conn_drop_rx(struct kvd_conn *c);
bool kvd_conn_holds(const struct kvd_conn *c);
bool kvd_conn_rests(const struct kvd_conn *c); /* nothing is half read, or not yet taken */
void kvd_conn_unpark(struct kvd_conn *c);
void kvd_conns_feed_long(struct kvd *kvd); /* those that wait for the query budget */
void kvd_conns_feed_line(struct kvd *kvd); /* those that wait for room for more commands */

/* kvd_life.c: coming, waiting, going. */
void kvd_accept(struct rung_tcp_listener *listener);
void kvd_accept_task(struct rung_task *task);
void kvd_let_go(struct kvd_conn *c, bool orderly); /* it is freed later */
void kvd_conn_free(struct kvd_conn *c);
void kvd_multi_drop(struct kvd_conn *c);
void kvd_wait(struct kvd_conn *c, enum kvd_wait wait);
void kvd_wait_hurry(struct kvd *kvd); /* others wait for memory that stalled clients hold */
void kvd_wait_short(struct kvd_conn *c); /* it is refused for want of the query budget */
void kvd_wait_moves(struct kvd_conn *c); /* enough has come from its client */
bool kvd_wait_for_query(const struct kvd *kvd); /* somebody waits for the query budget */
void kvd_wait_hold(struct kvd_conn *c);  /* what it has queued since MULTI is more, or none */
void kvd_wait_init(struct kvd *kvd);

/* kvd_send.c: writing. */
void kvd_flush(struct kvd_conn *c); /* soon */
void kvd_flush_task(struct rung_task *task);
void kvd_pieces_drop(struct kvd_conn *c);
/* From there on, at least a part of a long one. Gives up to where, from its start too. */
size_t kvd_say_bytes(struct kvd_conn *c, struct kvd_bytes bytes, size_t from);

/* kvd.c */
void kvd_stop_check(struct kvd *kvd);

/* kvd_sweep.c */
void kvd_sweep_init(struct kvd *kvd);
void kvd_sweep_expiry(struct kvd *kvd, uint64_t expiry_ms); /* a key was given one */
void kvd_sweep_stop(struct kvd *kvd);

/* kvd_number.c, kvd_glob.c */
bool kvd_parse_integer(struct kvd_bytes word, int64_t *number);
bool kvd_word_is(struct kvd_bytes word, const char *lower); /* letters of either case */
/* Adds to *steps how long it took: at most about the product of the lengths. */
bool kvd_glob(struct kvd_bytes pattern, struct kvd_bytes name, uint64_t *steps);
#define KVD_PATTERN 4096u /* bytes of patterns that a command may have */
size_t kvd_glob_literal(struct kvd_bytes pattern); /* how many bytes every name begins with */

/* kvd_string.c: which bytes of a value of that size GETRANGE asks for. False: it says no numbers,
 * and asks for none. */
bool kvd_range(const struct kvd_cmd *cmd, uint64_t size, uint64_t *first, uint64_t *len);

/* kvd_set.c: a time in units of so many ms, from now on or since 1970. False: no such time. */
bool kvd_parse_expiry(struct kvd *kvd, struct kvd_bytes word, unsigned unit, bool absolute,
                      int64_t *expiry_ms);

/* kvd_info.c */
#define KVD_INFO_MOST 2048u /* bytes that INFO answers with */

/* The commands: void kvd_cmd_get(struct kvd *kvd, struct kvd_cmd *cmd) and so on. */
#define KVD_COMMANDS(X) \
    X(append) X(client) X(command) X(config) X(dbsize) X(decr) X(decrby) X(del) X(discard) \
    X(echo) \
    X(exec) X(exists) X(expire) X(flushdb) X(get) X(getrange) X(hello) X(incr) X(incrby) X(info) \
    X(keys) X(mget) X(mset) X(multi) X(persist) X(ping) X(quit) X(scan) X(select) X(set) X(setnx) \
    X(strlen) X(ttl) X(type) X(unwatch) X(watch)
#define KVD_DECLARE(name) void kvd_cmd_##name(struct kvd *kvd, struct kvd_cmd *cmd);
KVD_COMMANDS(KVD_DECLARE)

static inline void kvd_push(struct kvd_list_of_cmds *list, struct kvd_cmd *cmd)
{
    cmd->link = NULL;
    if (list->first != NULL)
        list->last->link = cmd;
    else
        list->first = cmd;
    list->last = cmd;
}

static inline struct kvd_cmd *kvd_pop(struct kvd_list_of_cmds *list)
{
    struct kvd_cmd *cmd = list->first;
    if (cmd != NULL)
        list->first = cmd->link;
    return cmd;
}

/* So many bytes of the work budget are it. */
static inline void kvd_cmd_weigh(struct kvd_cmd *cmd, uint32_t weight)
{
    cmd->kvd->m.work_used += (uint64_t)weight - cmd->weight;
    cmd->weight = weight;
}

static inline struct kvd_bytes kvd_arg(const struct kvd_cmd *cmd, unsigned index)
{
    return cmd->args.arg[index];
}

static inline struct kvd_key *kvd_key_of(const struct kvd_cmd *cmd, unsigned index)
{
    return cmd->slots[index].key;
}

#endif
