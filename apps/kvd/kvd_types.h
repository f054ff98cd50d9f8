/* SPDX-License-Identifier: ISC */
/* apps/kvd/kvd_types.h - what the files of kvd share: its state.
 *
 * A command goes through: parsed -> WAITING in the queue of every key it names -> run, when it is
 * first in all of them and what it needs of their values is known -> AFTER a batch that is not
 * durable yet, if it changed or saw what that holds -> DONE -> its reply goes out behind those of
 * the commands before it.
 *
 * A *key* here is one that commands are at work on; it knows the newest value, durable or not. The
 * queues take commands in the order they came, all of a command's keys at once, so no two commands
 * wait for each other. Whatever changes a key goes into the *next* batch; the store is given one
 * batch at a time: many commands share one write, and only the last value of a key is written. A
 * reply that shows a value waits until that value is durable. */
#ifndef KVD_TYPES_H
#define KVD_TYPES_H

#include <string.h>

#include "rung/addr.h"
#include "rung/kv.h"
#include "rung/log.h"
#include "rung/loop.h"
#include "rung/tcp.h"
#include "rung/timeout.h"

#include "kvd.h"
#include "kvd_parse.h"
#include "kvd_value.h"

#define KVD_INLINE 16384u       /* a value this long is read at once, without a reservation */
#define KVD_COPY 1024u          /* what is shorter is copied into the reply */
#define KVD_LOADS 2048u         /* values being read at once; beyond, new commands wait */
#define KVD_OUT_MAX 65536u      /* bytes of replies that wait for a client before it is not read */
#define KVD_CHUNK 4096u
#define KVD_PART 65536u         /* of a long value, lent to TCP at once: so that moving is seen */
#define KVD_SENDS 64u           /* pieces handed to TCP at once; a reply goes on when it has some */
#define KVD_CURSORS 1024u       /* scans under way that are remembered */

/* FACTS: whether it is there, how long it is, when it expires. RANGE: those bytes besides that one
 * command asks for. */
enum kvd_need { KVD_NEED_NOTHING, KVD_NEED_FACTS, KVD_NEED_RANGE, KVD_NEED_BYTES };
enum kvd_state { KVD_WAITING, KVD_AFTER, KVD_DONE };

struct kvd_conn;
struct kvd_cmd;
struct kvd_key;
struct kvd_space; /* a walk over the keys: kvd_keyspace.c */

/* A command's place in the queue of one key. */
struct kvd_slot {
    struct kvd_slot *next;
    struct kvd_cmd *cmd;
    struct kvd_key *key;
    struct kvd_bytes name; /* of the key: one of the command's words */
    uint8_t need;  /* enum kvd_need */
    bool queued;   /* false: the command stands there already, with another of its slots */
    bool counted;  /* one of cmd->waits */
};

/* What a key's value will be, some way into a transaction. */
struct kvd_plan {
    uint64_t size;
    bool exists;
    bool made; /* by the transaction, and not shown yet */
};

struct kvd_key {
    struct kvd_key *chain; /* in the table */
    uint64_t hash;
    struct kvd_bytes name;
    struct kvd_slot *first, *last; /* who waits for it, and who is at work on it */
    uint8_t known;    /* enum kvd_need: how much of the value */
    bool loading;
    bool exists;
    bool dirty;       /* in the next batch */
    bool running;     /* in the one at the store */
    int error;        /* reading it failed: what commands that need it answer */
    uint64_t size;    /* of the value */
    uint64_t expiry_ms;
    struct kvd_bytes value; /* KVD_NEED_BYTES; or as RANGE has it, */
    const struct kvd_cmd *range_of; /* for this command */
    struct kvd_key *next_dirty;
    struct kvd_key *next_starved; /* waits for memory to read it into, or for its turn */
    bool starved;
    struct kvd_plan plan; /* while a transaction is weighed */
};

/* A read on its way; then the hold of what was lent. */
struct kvd_read {
    struct kvd_hold hold; /* first: a pool finds it by its address */
    struct rung_kv_get get;
    struct kvd *kvd;
    struct kvd_key *key;
    bool range; /* of the first command's range, and no more */
    bool beyond; /* kvd->beyond: the one without room */
};

enum kvd_kind {
    KVD_SIMPLE,    /* +text */
    KVD_FAIL,      /* -text */
    KVD_FAIL_OWN,  /* -bytes */
    KVD_INTEGER,
    KVD_BULK,
    KVD_NIL,
    KVD_NIL_ARRAY,
    KVD_ARRAY,     /* of cmd->replies */
    KVD_NESTED,    /* of cmd->subs' replies */
    KVD_RAW,       /* bytes as they are */
};

struct kvd_reply {
    uint8_t kind; /* enum kvd_kind */
    union {
        int64_t number;
        const char *text;
    };
    struct kvd_bytes bytes;
};

enum { KVD_TO_END = 255 }; /* as kvd_op.last; no number of a word */

#define KVD_OP_NAME 16u /* a command's name and the zeros behind it */

struct kvd_op {
    char name[KVD_OP_NAME];
    /* Runs the command: first in the queues of all its keys, all that it needs being known. */
    void (*run)(struct kvd *kvd, struct kvd_cmd *cmd);
    int arity; /* words; negative: at least so many */
    uint8_t first, last, step; /* which words are keys; last KVD_TO_END: all others */
    uint8_t need;
    uint16_t flags;
};

enum kvd_flag {
    KVD_WRITES = 1u << 0,
    KVD_BARRIER = 1u << 1,  /* alone on its connection; starts something of its own */
    KVD_NO_MULTI = 1u << 2, /* cannot be part of a transaction */
    KVD_NOW = 1u << 3,      /* not queued in a transaction, but run */
    KVD_GROWS = 1u << 4,    /* takes room in the store: refused when a value would be too long */
};

struct kvd_cmd {
    struct kvd_cmd *next; /* of the connection's, or of a transaction's */
    struct kvd_cmd *link; /* in the list that it is in: ready, stalled, after, retried */
    struct kvd *kvd;
    struct kvd_conn *conn; /* NULL: nobody waits for the reply */
    const struct kvd_op *op;
    struct kvd_args args;
    uint64_t number; /* of its arrival at its keys */
    uint8_t state; /* enum kvd_state */
    bool saw_next, saw_running; /* what its reply rests on */
    bool wrote;   /* it changes something, and does not only wait for what others change */
    bool begun;   /* a barrier's turn has come */
    bool careful; /* one of kvd->careful */
    bool starved; /* there was no memory for its keys */
    uint32_t waits;
    uint32_t slot_count;
    uint32_t reply_count;
    uint32_t kept; /* bytes paid for while its client does not take what is before it */
    uint32_t weight; /* bytes of the work budget, until it is kept */
    struct kvd_slot *slots, few[1];
    struct kvd_reply reply;
    struct kvd_reply *replies;
    struct kvd_cmd *subs; /* a transaction's */
    uint32_t sub_count;
    void (*then)(struct kvd_cmd *cmd); /* one of our own is done; NULL: a connection's */
    void *arg; /* for then */
};

struct kvd_list_of_cmds {
    struct kvd_cmd *first, *last;
};

/* A piece of replies on its way to TCP. */
struct kvd_piece {
    struct rung_buf buf; /* first */
    struct kvd *kvd;
    struct kvd_conn *conn; /* there as long as hold is */
    struct kvd_hold *hold; /* NULL: its own text follows */
    uint32_t charged;
    uint8_t text[];
};

/* What has been written of the first command's reply, if it is long. All zero: nothing. */
struct kvd_said {
    struct kvd_cmd *sub; /* the transaction's that is being written, if nested */
    bool nested;
    uint32_t count;      /* of an array: what goes before its elements, and they */
    size_t at;           /* bytes of the present one */
};

enum kvd_wait {
    KVD_WAIT_NONE, KVD_WAIT_IDLE, KVD_WAIT_STALL, KVD_WAIT_LINGER, KVD_WAIT_HOLD, KVD_WAITS
};

struct kvd_conn {
    struct kvd *kvd;
    struct rung_tcp_conn *tcp;
    struct kvd_conn *next, *prev;
    struct kvd_conn *flush_next, *parked_next;
    struct rung_timeout wait; /* kind: enum kvd_wait */
    struct rung_timeout hold; /* HOLD, while a transaction has more than its share */
    uint64_t id;
    struct kvd_hold *rx; /* of the buffer being read; NULL: none */
    const uint8_t *rx_at, *rx_end;
    struct kvd_parser parser;
    struct kvd_cmd *reading;  /* gets the words of the command that is being read */
    struct kvd_cmd *barrier;  /* waits for those before it, or is at work; nothing is read */
    struct kvd_cmd *first, *last; /* in order, up to those whose replies are out */
    struct kvd_cmd *kept; /* up to this one they are paid for; NULL: none is */
    uint32_t cmd_count;
    struct kvd_cmd *multi_first, *multi_last; /* queued since MULTI */
    uint32_t multi_count;
    uint64_t multi_bytes;
    bool multi, multi_broken;
    struct kvd_piece *out, *out_last; /* not yet taken by TCP */
    uint64_t out_bytes;
    uint32_t out_count; /* of pieces */
    struct kvd_said said;
    uint32_t lent; /* pieces of values: in out, or TCP has them */
    uint64_t moved; /* bytes since its time to move began */
    uint64_t want; /* parked for so much of the query budget; 0: for room */
    uint8_t resp;  /* 2 or 3 */
    bool rx_waits, tx_waits; /* a call came short: an event will tell */
    bool flushing; /* in kvd->flush */
    bool parked;   /* in kvd->parked */
    bool refused;  /* one too many */
    bool lingers;  /* our side is shut: the client may close */
    uint32_t drained; /* bytes thrown away meanwhile */
    bool lost;     /* there was no memory for a reply: reset
                    * rather than answer out of step */
    bool ending;   /* nothing more is read; closed once all replies are taken */
    struct kvd_bytes name;
};

/* One change at the store. */
struct kvd_item {
    struct kvd_key *key;
    struct kvd_bytes value;
    struct kvd_tail tail;
};

struct kvd_cursor {
    uint64_t number; /* 0: none */
    size_t len;
    uint8_t key[RUNG_KV_KEY_MAX];
};

enum { KVD_SWEEP_KEYS = 32 };

/* A walk over all keys, in steps, for those that have expired. */
struct kvd_sweep {
    struct rung_kv_list list;
    struct rung_timer timer;
    bool listing, more; /* is at work; there are keys behind `after` */
    bool walking;       /* between the first key and the last */
    unsigned looking;   /* commands at work */
    uint64_t soonest_ms; /* first expiry known of since the walk began; 0: none */
    struct kvd_bytes found[KVD_SWEEP_KEYS];
    unsigned found_count;
    size_t after_len;
    char after[RUNG_KV_KEY_MAX];
};

struct kvd_batch {
    struct rung_kv_write write;
    struct kvd_item *items;
    struct rung_kv_change *changes;
    struct rung_vec *vecs;
    unsigned count, room;
    struct kvd_list_of_cmds after; /* commands that wait for it */
    bool running;
};

struct kvd {
    struct rung_platform *p;
    struct rung_tcp *tcp;
    struct rung_kv *kv;
    struct kvd_config config;
    struct kvd_parse_limits limits;
    char too_long[96]; /* limits.too_long */
    struct kvd_memory m;
    struct rung_tcp_listener *listener;
    struct rung_task accept_task;

    struct kvd_conn *conns;
    uint32_t conn_count, refused_count; /* open; of these, ones too many */
    uint32_t gone_count; /* let go and not yet freed, perhaps for what TCP still has */
    bool accept_waits; /* there are too many */
    uint64_t conn_ids;
    struct rung_timeouts timeouts;
    struct rung_timeout_queue wait[KVD_WAITS];

    const struct kvd_op *ops[256]; /* by a hash of their names */
    uint64_t seed[2]; /* of the keys' hash */
    struct kvd_key **table;
    size_t table_mask, key_count;
    unsigned loads;
    struct kvd_key *starved, **starved_end; /* for memory */
    bool beyond; /* a value is there that had no room */
    struct kvd_key *lined, **lined_end; /* for other reads to end: there are KVD_LOADS */

    uint64_t piece_count; /* with TCP or on the way there */
    struct kvd_list_of_cmds ready;   /* can run */
    struct kvd_list_of_cmds stalled; /* could, but for the next batch being full */
    bool running_ready;
    bool writing; /* the command that runs is one that writes: it has room in the next batch */

    struct kvd_key *dirty, *dirty_last; /* the next batch's */
    unsigned dirty_count;
    uint64_t dirty_bytes;
    struct kvd_list_of_cmds next_after;
    struct kvd_batch batch;
    int failed; /* what a write answered that may have happened or not; 0: none did */
    unsigned parked_long; /* connections that wait for a long command's memory */
    unsigned parked_line; /* that wait in line for room for more commands */
    uint64_t work_bound; /* of m.work_used, for more: m.work_max, but 0 while there is a line */
    uint64_t multi_bytes; /* of all transactions that wait for their EXEC */
    uint64_t short_until_ns; /* the query budget had no room for somebody; 0: never yet */
    uint64_t changes; /* that commands have made, ever */
    uint64_t arrivals; /* of commands, ever */
    unsigned careful; /* commands to be written one at a time, after a batch was refused */
    struct rung_task write_task;

    struct kvd_conn *flush; /* to send, and to read on */
    struct kvd_conn *parked, **parked_end; /* to read on when there is memory again */
    struct rung_task flush_task;

    struct kvd_cursor *cursors;
    uint64_t cursor_count;
    unsigned lists; /* at work */
    struct kvd_list_of_cmds wipes; /* wait for the next walk of FLUSHDB */
    bool wiping; /* one is at work */
    struct kvd_space *growing; /* whose reply may get long; NULL: none is */
    struct kvd_space *spaces, **spaces_end; /* wait for that */
    struct kvd_sweep sweep;
    struct rung_op *stopping;
    struct rung_task stop_task;
    struct kvd_stats stats;
};

#endif
