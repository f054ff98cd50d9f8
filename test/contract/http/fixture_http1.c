/* SPDX-License-Identifier: ISC */
/* test/contract/http/fixture_http1.c - http1 in the HTTP suite. */
#include "http1.h"
#include "suite.h"

struct http_rig {
    struct rung_http1 http1;
    struct rung_http1_keys keys;
    struct rung_http1_needs needs;
};

static struct http_rig *http1_make(void)
{
    struct http_rig *rig = calloc(1, sizeof *rig);
    assert_non_null(rig);
    return rig;
}

static void http1_free(struct http_rig *rig)
{
    free(rig);
}

static int http1_open(struct http_rig *rig, struct rung_platform *p, struct rung_tcp *tcp,
                      const struct http_limits *limits, struct rung_http **http)
{
    rig->keys = (struct rung_http1_keys){
        .slot = "http",
        .max_header = limits->max_header,
        .max_body = limits->max_body,
        .memory = limits->memory,
        .max_connections = limits->max_connections,
        .idle_timeout = limits->idle_ns,
        .header_timeout = limits->header_ns,
        .body_timeout = limits->body_ns,
        .send_timeout = limits->send_ns,
        .access_log = RUNG_LOG_DEBUG,
    };
    rig->needs.tcp = tcp;
    *http = &rig->http1.http;
    return rung_http1_open(&rig->http1, p, &rig->keys, &rig->needs);
}

const struct http_fixture http_fixture = {
    .module = "http1", .make = http1_make, .free = http1_free, .open = http1_open,
};
