/* SPDX-License-Identifier: ISC */
/* test/support/fuzz_client.h - a client that sends a server on tcp_loop whatever a fuzzer made up,
 * on the virtual platform.
 * Model    One connection. What comes back is looked at and released, unless the client is deaf.
 * Owner    The fuzzer's, zeroed before it is opened. What was sent is freed when TCP releases it.
 * Context  The fuzzer's main flow.
 * Errors   What must not be aborts, which is what a fuzzer looks for. */
#ifndef FUZZ_CLIENT_H
#define FUZZ_CLIENT_H

#include "fuzz_check.h"
#include "tcp_loop.h"
#include "virtual/virtual.h"

struct fuzz_client {
    struct rung_platform *p;
    struct tcp_loop tcp;
    struct rung_tcp_connect connect;
    struct rung_tcp_conn *conn;
    bool deaf;        /* knob: takes nothing */
    bool (*quiet)(struct fuzz_client *c); /* knob: nothing happens any more; whether it has changed
                                           * that */
    uint8_t start[9]; /* out: the first bytes that came back */
    size_t start_len;
};

/* The platform, and TCP on it; the first byte of the input chooses how the stream is cut. */
void fuzz_client_open(struct fuzz_client *c, uint8_t cut);
/* Lets everything happen that can without time passing; it must come to an end. */
void fuzz_client_run(struct fuzz_client *c);
/* Connects to the server that is there by now. */
void fuzz_client_connect(struct fuzz_client *c, uint16_t port);
/* In two parts with all that follows from the first between them, or in one. */
void fuzz_client_say(struct fuzz_client *c, const uint8_t *bytes, size_t len, bool halves);
/* The connection goes, a minute passes, and nothing may be left of it. */
void fuzz_client_go(struct fuzz_client *c);
/* No memory may be left either; the platform is gone. */
void fuzz_client_close(struct fuzz_client *c);

#endif
