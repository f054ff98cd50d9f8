/* SPDX-License-Identifier: ISC */
/* test/kvd/kvd_rig.h - kvd on the virtual platform: TCP without a network, a store in memory behind
 * a gate that can hold writes up and refuse them, and clients that say and expect bytes.
 * Model    rig_run() lets everything happen that can without time passing.
 * Owner    The rig's; rig_close() ends the clients too, and fails the test if anything is left.
 * Context  The test's main flow. */
#ifndef KVD_RIG_H
#define KVD_RIG_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kv_memory.h"
#include "kvd.h"
#include "rung/clock.h"
#include "tcp_loop.h"
#include "test_suite.h"
#include "test_virtual.h"

/* What a write is answered that the store has no room for. */
#define RIG_FULL \
    "-ERR the store is full, or its disk: nothing was changed; remove something, or move " \
    "to a bigger one\r\n"
/* And when it takes nothing any more, though it did, and no write has said why. */
#define RIG_NO_MORE \
    "-READONLY the store is read-only until it is started anew: see the log\r\n"

struct gate { /* a KV in front of another */
    struct rung_kv kv;
    struct rung_kv *under;
    struct rung_platform *p;
    bool hold;         /* knob: writes wait for gate_open() */
    int refuse;        /* knob: what writes of more than refuse_over changes answer, if not 0 */
    unsigned refuse_over;
    unsigned refuse_chance; /* knob: one of so many writes is refused; 0: as above, each */
    long refuse_left;       /* knob: so many times, 0: for ever */
    uint64_t chance;
    const char *refuse_key; /* knob: only writes that change it */
    int refuse_get;
    unsigned writes, gets, changes, lists; /* out: passed on */
    size_t got_most; /* out: bytes that one get has asked for, RUNG_KV_ALL: all */
    struct rung_kv_write *held;
};

struct rig {
    struct rung_platform *p;
    struct tcp_loop tcp;
    struct rung_kv_memory memory;
    struct rung_kv_memory_keys memory_keys;
    struct gate gate;
    struct kvd_config config;
    struct kvd *kvd;
    struct client *clients;
};

struct client {
    struct client *next;
    struct rig *rig;
    struct rung_tcp_connect connect;
    struct rung_tcp_conn *conn; /* NULL: not yet, or gone */
    bool deaf; /* knob: takes nothing */
    bool eof;
    int error;
    char *rx; /* with a NUL behind it */
    size_t len, room;
};

/* Zeroed or with knobs set: config fields that are 0 get usual values. */
void rig_open(struct rig *rig);
void rig_start(struct rig *rig); /* once more, after rig_stop() */
void rig_stop(struct rig *rig);
void rig_close(struct rig *rig);
void rig_run(struct rig *rig);
void rig_pass(struct rig *rig, uint64_t ns);
void gate_open(struct rig *rig); /* lets the held write through, and what follows from it */

struct client *client_new(struct rig *rig);
void client_send(struct client *c, const void *bytes, size_t len);
void client_say(struct client *c, const char *line); /* and CRLF, and runs */
void client_words(struct client *c, const char *line); /* the same, its words as an array */
void client_expect(struct client *c, const char *reply); /* all that has come, exactly */
void client_ask(struct client *c, const char *line, const char *reply);
/* SET key, to so many letters in order, over and over; and a reply that is some of them. */
void client_set(struct client *c, const char *key, size_t len);
void client_letters(struct client *c, size_t from, size_t len);
void client_gone(struct client *c); /* the server has ended it, and nothing more has come */
uint64_t client_info(struct client *c, const char *name); /* a number of INFO */
void client_shut(struct client *c);
void client_abort(struct client *c);
void client_listen(struct client *c); /* not deaf any more */
/* Though it is deaf: so many segments, or all that have come; gives how many. */
unsigned client_take(struct client *c, unsigned most);

/* A line as an array of bulks, into out; gives its length. */
size_t rig_encode(const char *line, char *out, size_t room);

#endif
