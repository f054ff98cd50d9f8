/* SPDX-License-Identifier: ISC */
/* apps/bulk/bulk.h - what the parts of bulk share.
 * Model    Two ports, each with its kind of connection: a source sends a stream, a sink takes one;
 *          or one port that does not listen, but calls another host (bulk_to.c).
 *          The stream is one buffer of bytes 0 to 250, again and again, by reference.
 * Units    Bytes, nanoseconds.
 * Owner    A port is bulk_main()'s. A connection frees itself once TCP has let go of its buffers,
 *          which may be after the port is closed; so the users of the stream are counted.
 * Context  The loop.
 * Errors   From bulk_port_open(): those of rung_tcp_listen(). bulk_to() logs its own. */
#ifndef BULK_H
#define BULK_H

#include "rung/dns.h"
#include "rung/loop.h"
#include "rung/tcp.h"

#define BULK_TURNS 16u /* calls to TCP before others have their turn */

struct bulk_stream {
    size_t users;   /* bulk_main() and the sources */
    uint64_t total; /* bytes to send on each connection; UINT64_MAX: without end */
    size_t len;
    uint8_t bytes[];
};

struct bulk_conn { /* the first part of a connection of either kind */
    struct bulk_port *port;
    struct rung_platform *p;
    struct rung_tcp_conn *tcp; /* NULL once let go of */
    struct bulk_conn *next, *prev;
    struct rung_task more; /* another turn */
    struct rung_addr peer;
    uint64_t begun_ns;
    uint64_t bytes;
    bool well;             /* it came to its end, and was not cut off */
    struct bulk_call *call; /* that made it, to be told of its end; NULL: a peer did */
};

struct bulk_kind {
    const char *name;
    size_t size; /* of a connection; all zero but its bulk_conn when begin() runs */
    void (*begin)(struct bulk_conn *conn);
    void (*abort)(struct bulk_conn *conn);
};

struct bulk_port {
    const struct bulk_kind *kind;
    struct rung_platform *p;
    struct bulk_stream *stream;
    struct rung_tcp_listener *listener;
    struct rung_task more; /* accepts further ones */
    struct bulk_conn *conns;
    bool starved; /* there was no memory for the last connection */
};

struct bulk_to { /* whom to call */
    struct rung_tcp *tcp;
    struct rung_dns *dns;
    const char *name;
    uint16_t number;        /* of the port there */
    const char *key;        /* that it is from */
    struct rung_addr local; /* where to call from; family NONE: anywhere */
};

extern const struct bulk_kind bulk_sink, bulk_source;

/* local: in, where to listen; out, with the port given out. port: kind, p and stream are set. */
int bulk_port_open(struct bulk_port *port, struct rung_tcp *tcp, struct rung_addr *local);
void bulk_port_close(struct bulk_port *port);

/* A connection's beginning, made by the port's listener or by bulk_to(). */
void bulk_port_begin(struct bulk_port *port, struct rung_tcp_conn *tcp);

/* Calls a host by its name, and moves one stream as the port's kind does; the program's status. */
int bulk_to(struct bulk_port *port, const struct bulk_to *to);
void bulk_call_ended(struct bulk_call *call, bool well);

/* For the kinds: takes conn from its port's list; afterwards conn->tcp is NULL and the caller's. */
struct rung_tcp_conn *bulk_conn_leave(struct bulk_conn *conn);

/* For the kinds: says what was moved, and frees conn. */
void bulk_conn_free(struct bulk_conn *conn, const char *what);

void bulk_stream_drop(struct rung_platform *p, struct bulk_stream *stream);

#endif
