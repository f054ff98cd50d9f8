/* SPDX-License-Identifier: ISC */
/* test/contract/http/suite.h - the contract of HTTP as tests, and what a module supplies to run it.
 * Model    The module stands on tcp_loop, a TCP inside the process, on the virtual platform:
 *          clients are the suite's own, bytes arrive as the test cuts them, and time passes when
 *          the test says so. Every case runs for each way of cutting (http_ways).
 * Owner    Rigs are made and freed by the fixture.
 * Context  Test code, outside callbacks. */
#ifndef HTTP_SUITE_H
#define HTTP_SUITE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "rung/clock.h"
#include "rung/http.h"
#include "rung/log.h"
#include "test_platform.h"
#include "virtual/virtual.h"

#include "kv_fake.h"
#include "tcp_loop.h"

#define HTTP_S RUNG_NS_PER_S

struct http_limits { /* what the issue asks a module to bound, whatever its keys are called */
    uint64_t max_header, max_body, memory;
    uint32_t max_connections;
    uint64_t idle_ns, header_ns, body_ns, send_ns;
};

struct http_rig; /* the fixture's own */

struct http_fixture {
    const char *module;
    struct http_rig *(*make)(void);
    void (*free)(struct http_rig *rig);
    int (*open)(struct http_rig *rig, struct rung_platform *p, struct rung_tcp *tcp,
                const struct http_limits *limits, struct rung_http **http);
};

extern const struct http_fixture http_fixture; /* one in each program */

struct http_way {
    const char *name;
    size_t segment;
    bool eager;
};
extern const struct http_way *http_way; /* of the group that runs */

struct http_closing {
    struct rung_op op;
    unsigned count; /* times that done() ran */
    int result;
};

struct http_test {
    struct rung_platform *p;
    struct tcp_loop tcp;
    struct http_rig *rig;
    struct rung_http *http;
    struct rung_http_server server;
    struct kv_fake kv;
    bool listening, open;
    bool in_call; /* on_request() must not run now */
    void (*app)(struct http_test *t, struct rung_http_request *request);
    unsigned requests; /* that reached the app */
    struct rung_http_request *held[8];
    unsigned held_count;
    unsigned bodies; /* of the app, given and not yet released */
    struct http_closing closing;
};

/* Sets all up with the default limits, or with changed ones, and listens on port 80. */
extern const struct http_limits http_defaults;
void http_begin(struct http_test *t);
void http_begin_with(struct http_test *t, const struct http_limits *limits);
/* Closes all, and fails if anything is left. */
void http_end(struct http_test *t);
void http_close(struct http_test *t);
void http_close_start(struct http_test *t); /* and http_end() waits for nothing more */
void http_unlisten(struct http_test *t);
/* Runs the loop until nothing moves, without time passing. */
void http_run(struct http_test *t);
void http_pass(struct http_test *t, uint64_t ns);

/* Apps. The default one answers 200 with "path?query|body". */
void http_app_echo(struct http_test *t, struct rung_http_request *request);
void http_app_kv(struct http_test *t, struct rung_http_request *request);
void http_app_hold(struct http_test *t, struct rung_http_request *request); /* into t->held */
void http_respond_text(struct http_test *t, struct rung_http_request *request, unsigned status,
                       const char *text, size_t len);

struct http_client {
    struct http_test *t;
    struct rung_tcp_connect connect;
    struct rung_tcp_conn *conn;
    bool connected, deaf; /* deaf: takes nothing from TCP */
    char *rx;
    size_t rx_len, rx_cap;
    bool eof;
    int error; /* RUNG_E_RESET and the like */
};

struct http_answer {
    unsigned status;
    char head[2048]; /* with its empty line */
    char *body;      /* the client's, until it takes the next one */
    size_t body_len;
};

/* suite_client.c */
void http_connect(struct http_test *t, struct http_client *c);
void http_send(struct http_client *c, const char *bytes, size_t len);
void http_say(struct http_client *c, const char *text); /* sends, and runs the loop */
size_t http_sip(struct http_client *c); /* a deaf client takes one buffer: its length */
void http_shut(struct http_client *c);
void http_leave(struct http_client *c, bool orderly); /* lets go of the connection, if it has one */
/* Takes one response off what came; fails if there is no whole one. head: without a body. */
void http_take(struct http_client *c, struct http_answer *a, bool head);
/* The same, and what it must be. */
void http_expect(struct http_client *c, unsigned status, const char *body);
/* A header's value in a->head, in a buffer of the suite's own; NULL: none. */
const char *http_value(const struct http_answer *a, const char *name);
/* Nothing more has come, and the server has closed its side; lets go. */
void http_expect_closed(struct http_client *c);
/* Nothing more has come, and the connection stands. */
void http_expect_open(struct http_client *c);

extern const struct CMUnitTest http_request_cases[], http_status_cases[], http_kv_cases[],
    http_kv_large_cases[], http_limit_cases[], http_life_cases[],
    http_memory_cases[]; /* end with a NULL name */

#endif
