/* SPDX-License-Identifier: ISC */
/* apps/kvd/kvd.h - the server: keys of a store over TCP, in the language of Redis (RESP2, RESP3).
 * Model    A reply to a write means that the store has made it durable, if the store is. Replies
 *          come in the order of the commands on a connection. A command sees what was written
 *          before it on its connection, and each command, or transaction, happens at one moment
 *          for everybody.
 * Units    Bytes, nanoseconds where named so.
 * Owner    All is on the heap until it is stopped; the store and TCP are the caller's.
 * Context  The loop.
 * Errors   kvd_start(): those of rung_tcp_listen(), and NOMEM. Nothing is left behind then. */
#ifndef KVD_H
#define KVD_H

#include "rung/addr.h"
#include "rung/kv.h"
#include "rung/tcp.h"

struct kvd_config {
    struct rung_addr local;     /* family NONE: every address; with the port */
    uint32_t max_connections;   /* 1 or more: further ones are told so and closed */
    uint32_t max_pipeline;      /* commands of a connection at work at once: 1 or more */
    uint64_t max_value, max_query; /* longest value, longest command: 64 or more */
    uint64_t memory;            /* for long commands, values being read and replies not taken */
    uint64_t idle_timeout_ns;   /* nothing asked for so long; 0: never */
    uint64_t stall_timeout_ns;  /* half a command, or replies not taken, for so long; 0: never */
    uint32_t keepalive_s;       /* TCP's probes; 0: none */
    uint32_t busy_poll_us;     /* before the loop sleeps; rung_loop_busy_poll() */
    uint32_t sweep;             /* keys looked at for being expired, each second; 0: none */
};

struct kvd_stats {
    uint64_t started_ns, connections, refused, commands, batches, changes, expired, errors;
};

struct kvd;

/* 0, and then it serves. config->local gets the port that was given out; the rest is copied. */
int kvd_start(struct kvd **kvd, struct rung_platform *p, struct rung_tcp *tcp, struct rung_kv *kv,
              struct kvd_config *config);
/* Lets go of every client, waits for what the store is at work on, frees all, then op->done(0). */
void kvd_stop(struct kvd *kvd, struct rung_op *op);

#endif
