/* SPDX-License-Identifier: ISC */
/* interfaces/rung/http.h - HTTP: a server for HTTP/1.1 (RFC 9110, RFC 9112).
 * Model    The server takes connections from TCP, reads requests, and hands each one, with its
 *          whole body, to the app's on_request(); the app answers each exactly once, then or later.
 *          Keep-alive, pipelining, HEAD, conditions, ranges, Date, framing and malformed input are
 *          the server's business. Limits are the module's keys.
 * Units    Bytes; NUL-terminated text with its length beside it where it may hold NULs.
 * Owner    A request and all it points to are the server's, good until the app answers it.
 *          Answering copies type and headers; the body goes by reference and is released when it
 *          was sent or will not be. If the client has gone the answer is still due, and is dropped.
 * Context  The loop. on_request() never runs inside a call.
 * Errors   Negative enum rung_err from listen(). A client's errors never reach the app. */
#ifndef RUNG_HTTP_H
#define RUNG_HTTP_H

#include "rung/addr.h"
#include "rung/buf.h"
#include "rung/kv.h"
#include "rung/loop.h"

enum rung_http_method {
    RUNG_HTTP_GET,
    RUNG_HTTP_HEAD, /* answered as GET; the server leaves the body out */
    RUNG_HTTP_POST,
    RUNG_HTTP_PUT,
    RUNG_HTTP_DELETE,
    RUNG_HTTP_OPTIONS,
    RUNG_HTTP_PATCH,
};

struct rung_http;
struct rung_http_request;
struct rung_http_server { /* the app's, from listen() to unlisten() */
    struct rung_addr local; /* in: as for rung_tcp_listen; out: with the port given out */
    void (*on_request)(struct rung_http_server *server, struct rung_http_request *request);
    void *arg;       /* the app's */
    void *module[1]; /* the module's while it listens */
};

struct rung_http_request {
    struct rung_http *http;
    struct rung_http_server *server;
    enum rung_http_method method;
    const char *path; /* percent-decoded, starts with '/', no NUL, no empty, "." or ".." part */
    size_t path_len;
    const char *query; /* behind the '?', as it came; NULL: there was none */
    size_t query_len;
    const uint8_t *body; /* the decoded content; NULL: there was none */
    size_t body_len;
};

struct rung_http_response {
    unsigned status;      /* 200 to 599 */
    const char *type;     /* media type of the body; NULL: none is sent */
    const char *headers;  /* further lines, each ended by CRLF; NULL: none */
    struct rung_buf *body; /* pieces linked by next; NULL: empty, or a short text for an error */
};

struct rung_http_ops {
    const char *name; /* the module's; for logs */
    /* 0, or an error of rung_tcp_listen(). */
    int (*listen)(struct rung_http *http, struct rung_http_server *server);
    /* Takes no more connections, closes idle ones; requests under way are answered first. */
    void (*unlisten)(struct rung_http *http, struct rung_http_server *server);
    /* The value of a request's header, NULL if there is none. name in lower case. Fields of the
     * same name come joined by ", " (RFC 9110, 5.3). */
    const char *(*header)(struct rung_http_request *request, const char *name);
    /* Answers. */
    void (*respond)(struct rung_http_request *request, const struct rung_http_response *response);
    /* Answers a GET or HEAD with the value that kv holds under the request's path, without its
     * first '/', with "index.html" added behind a last one: 200, 206, 304, 412, 416; 301 if the
     * path needs a '/' at its end; 404; 405 for other methods; 503 while the store is short of
     * something or the value changes faster than it can be read; 500. Uses the store's version as
     * ETag, its type or the name's, and its gzip variant for clients that take it. Large values
     * are read piece by piece as the client takes them. */
    void (*respond_kv)(struct rung_http_request *request, struct rung_kv *kv);
    /* Resets every connection, then op->done(0). One whose answer TCP has taken as a whole has a
     * moment for it to arrive first. The app answers no request after that. */
    void (*close)(struct rung_http *http, struct rung_op *op);
};

struct rung_http { /* a member of each module's own state */
    const struct rung_http_ops *ops;
};

/* See RUNG_NET_TABLE: <prefix>_listen and so on; all are required. */
#define RUNG_HTTP_TABLE(module_name, prefix) \
    { .name = (module_name), .listen = prefix##_listen, .unlisten = prefix##_unlisten, \
      .header = prefix##_header, .respond = prefix##_respond, \
      .respond_kv = prefix##_respond_kv, .close = prefix##_close }

#ifdef RUNG_HTTP_ONLY /* set by the resolver when a program binds one HTTP module: direct calls */
extern const struct rung_http_ops RUNG_HTTP_ONLY;
#define RUNG_HTTP_OPS(http) ((void)(http), &RUNG_HTTP_ONLY)
#define RUNG_HTTP_KEEP(table) (assert((table) == &RUNG_HTTP_ONLY), (const struct rung_http_ops *)0)
#else
#define RUNG_HTTP_OPS(http) ((http)->ops)
#define RUNG_HTTP_KEEP(table) (table)
#endif

static inline void rung_http_init(struct rung_http *http, const struct rung_http_ops *table)
{
    (void)table;
    *http = (struct rung_http){.ops = RUNG_HTTP_KEEP(table)};
}

static inline int rung_http_listen(struct rung_http *http, struct rung_http_server *server)
{
    return RUNG_HTTP_OPS(http)->listen(http, server);
}

static inline void rung_http_unlisten(struct rung_http *http, struct rung_http_server *server)
{
    RUNG_HTTP_OPS(http)->unlisten(http, server);
}

static inline const char *rung_http_header(struct rung_http_request *request, const char *name)
{
    return RUNG_HTTP_OPS(request->http)->header(request, name);
}

static inline void rung_http_respond(struct rung_http_request *request,
                                     const struct rung_http_response *response)
{
    RUNG_HTTP_OPS(request->http)->respond(request, response);
}

static inline void rung_http_respond_kv(struct rung_http_request *request, struct rung_kv *kv)
{
    RUNG_HTTP_OPS(request->http)->respond_kv(request, kv);
}

static inline void rung_http_close(struct rung_http *http, struct rung_op *op)
{
    RUNG_HTTP_OPS(http)->close(http, op);
}

#endif
