/* SPDX-License-Identifier: ISC */
/* stacks/http/http1_respond.c - the heads of responses, and answers that need no store.
 * There is no Server line: it costs bytes in each response and helps nobody but attackers. */
#include <stdio.h>

#include "http1_int.h"

#define RESPOND_FIXED 640 /* more than all that a head holds besides what has its own length */

static char *respond_put(char *at, const char *text, size_t len)
{
    memcpy(at, text, len);
    return at + len;
}
#define RESPOND_PUT(at, literal) respond_put(at, literal, sizeof(literal) - 1)

static char *respond_number(char *at, uint64_t number)
{
    char digits[20];
    unsigned n = 0;
    do {
        digits[n++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    while (n > 0)
        *at++ = digits[--n];
    return at;
}

/* What is said of each status; 200 comes first and is found at once. */
static const char respond_texts[] =
    "200 OK\0"
    "201 Created\0"
    "202 Accepted\0"
    "204 No Content\0"
    "206 Partial Content\0"
    "301 Moved Permanently\0"
    "302 Found\0"
    "303 See Other\0"
    "304 Not Modified\0"
    "307 Temporary Redirect\0"
    "308 Permanent Redirect\0"
    "400 Bad Request\0"
    "401 Unauthorized\0"
    "403 Forbidden\0"
    "404 Not Found\0"
    "405 Method Not Allowed\0"
    "406 Not Acceptable\0"
    "408 Request Timeout\0"
    "409 Conflict\0"
    "410 Gone\0"
    "411 Length Required\0"
    "412 Precondition Failed\0"
    "413 Content Too Large\0"
    "414 URI Too Long\0"
    "415 Unsupported Media Type\0"
    "416 Range Not Satisfiable\0"
    "417 Expectation Failed\0"
    "422 Unprocessable Content\0"
    "428 Precondition Required\0"
    "429 Too Many Requests\0"
    "431 Request Header Fields Too Large\0"
    "500 Internal Server Error\0"
    "501 Not Implemented\0"
    "502 Bad Gateway\0"
    "503 Service Unavailable\0"
    "504 Gateway Timeout\0"
    "505 HTTP Version Not Supported\0"
    "507 Insufficient Storage\0";

/* "404 Not Found", or nothing for one without a name here. */
static struct http1_span respond_status(unsigned status)
{
    const char *at = respond_texts;
    while (*at != '\0') {
        size_t len = strlen(at);
        unsigned number = (unsigned)(at[0] - '0') * 100 + (unsigned)(at[1] - '0') * 10
                          + (unsigned)(at[2] - '0');
        if (number == status)
            return (struct http1_span){at, len};
        at += len + 1;
    }
    return (struct http1_span){NULL, 0};
}

static char *respond_line(char *at, unsigned status)
{
    struct http1_span text = respond_status(status);
    at = RESPOND_PUT(at, "HTTP/1.1 ");
    if (text.at != NULL)
        at = respond_put(at, text.at, text.len);
    else
        at = RESPOND_PUT(respond_number(at, status), " ");
    return RESPOND_PUT(at, "\r\n");
}

/* The Date line, made once a second; none where nobody knows the time. */
static char *respond_date(char *at, struct rung_http1 *h)
{
    uint64_t now_ns = rung_loop_now_ns(h->p);
    if (now_ns >= h->date_until_ns) {
        uint64_t wall_ns = rung_clock_wall_ns(h->p);
        char text[HTTP1_DATE_TEXT];
        rung_http1_date(wall_ns / RUNG_NS_PER_S, text);
        int len = snprintf(h->date, sizeof h->date, "Date: %s\r\n", text);
        h->date_len = wall_ns == 0 ? 0 : (unsigned)len;
        h->date_until_ns = now_ns + RUNG_NS_PER_S - wall_ns % RUNG_NS_PER_S;
    }
    return respond_put(at, h->date, h->date_len);
}

static char *respond_stored(char *at, const struct http1_answer *a)
{
    if (a->version != NULL) {
        at = RESPOND_PUT(at, "ETag: \"");
        at = respond_put(at, a->version, strlen(a->version));
        at = a->gzip ? RESPOND_PUT(at, "-gz\"\r\n") : RESPOND_PUT(at, "\"\r\n");
    }
    if (a->gzip && a->status != 304)
        at = RESPOND_PUT(at, "Content-Encoding: gzip\r\n");
    if (a->status == 206) {
        at = respond_number(RESPOND_PUT(at, "Content-Range: bytes "), a->range_first);
        at = respond_number(RESPOND_PUT(at, "-"), a->range_first + a->length - 1);
        at = respond_number(RESPOND_PUT(at, "/"), a->range_size);
        at = RESPOND_PUT(at, "\r\n");
    } else if (a->status == 416) {
        at = respond_number(RESPOND_PUT(at, "Content-Range: bytes */"), a->range_size);
        at = RESPOND_PUT(at, "\r\n");
    }
    return RESPOND_PUT(at, "Vary: Accept-Encoding\r\nAccept-Ranges: bytes\r\n");
}

static bool respond_has_body(unsigned status)
{
    return status != 204 && status != 304;
}

static char *respond_head(char *at, struct http1_work *w, const struct http1_answer *a)
{
    at = respond_date(respond_line(at, a->status), w->http1);
    if (a->type != NULL) {
        at = RESPOND_PUT(at, "Content-Type: ");
        at = respond_put(at, a->type, strlen(a->type));
        at = RESPOND_PUT(at, "\r\n");
    }
    if (respond_has_body(a->status)) {
        at = respond_number(RESPOND_PUT(at, "Content-Length: "), a->length);
        at = RESPOND_PUT(at, "\r\n");
    }
    if (a->stored)
        at = respond_stored(at, a);
    if (a->headers != NULL)
        at = respond_put(at, a->headers, strlen(a->headers));
    if (!w->keep)
        at = RESPOND_PUT(at, "Connection: close\r\n");
    else if (w->in.is_http10)
        at = RESPOND_PUT(at, "Connection: keep-alive\r\n");
    at = RESPOND_PUT(at, "\r\n");
    bool text = a->text.len > 0 && !w->head_only;
    return text ? respond_put(at, a->text.at, a->text.len) : at;
}

static void respond_log(struct http1_work *w, const struct http1_answer *a)
{
    struct rung_http1 *h = w->http1;
    struct rung_addr peer;
    char text[RUNG_ADDR_TEXT] = "?";
    if (rung_tcp_address(w->conn->tcp, RUNG_TCP_PEER, &peer) == RUNG_OK)
        rung_addr_format(&peer, text);
    struct http1_span target = {"", 0};
    if (w->in.target_len > 0 && w->base != NULL)
        target = (struct http1_span){w->base + w->in.target, w->in.target_len};
    bool known = w->in.head_done && a->status != 501;
    const char *method = known ? llhttp_method_name((llhttp_method_t)w->parser.method) : "?";
    int len = target.len < 256 ? (int)target.len : 256;
    rung_log(h->p, h->access_log, h->slot, "%s \"%s %.*s\" %u %llu", text, method, len, target.at,
             a->status, (unsigned long long)(w->head_only ? 0 : a->length));
}

bool rung_http1_answer(struct http1_work *w, const struct http1_answer *a)
{
    struct rung_http1 *h = w->http1;
    struct http1_conn *c = w->conn;
    size_t size = RESPOND_FIXED + a->text.len;
    size += a->type != NULL ? strlen(a->type) : 0;
    size += a->headers != NULL ? strlen(a->headers) : 0;
    char *start = w->out;
    if (c->listener->server == NULL)
        w->keep = false;
    if (size > HTTP1_OUT) {
        start = w->big = rung_alloc(h->p, size);
        if (start == NULL) {
            rung_log(h->p, RUNG_LOG_WARN, h->slot, "out of memory: a connection is reset");
            c->state = HTTP1_SENDING; /* the app has answered: the work is ours to drop */
            rung_http1_let_go(c, false);
            return false;
        }
    }
    if (rung_log_enabled(h->p, h->access_log))
        respond_log(w, a);
    w->head.buf.data = (const uint8_t *)start;
    w->head.buf.len = (size_t)(respond_head(start, w, a) - start);
    w->head.buf.next = NULL;
    w->ready = w->ready_last = &w->head.buf;
    w->head_said = true;
    c->state = HTTP1_SENDING;
    return true;
}

void rung_http1_answer_status(struct http1_work *w, unsigned status, const char *headers)
{
    struct http1_answer a = {.status = status, .headers = headers};
    char text[64];
    if (respond_has_body(status)) {
        struct http1_span name = respond_status(status);
        int len = name.at != NULL ? snprintf(text, sizeof text, "%.*s\n", (int)name.len, name.at)
                                  : snprintf(text, sizeof text, "%u\n", status);
        a.text = (struct http1_span){text, (size_t)len};
        a.length = a.text.len;
        a.type = "text/plain; charset=utf-8";
    }
    rung_http1_answer(w, &a);
}

void rung_http1_respond(struct rung_http_request *request, const struct rung_http_response *r)
{
    struct http1_work *w = http1_work_of(request);
    struct http1_conn *c = w->conn;
    assert(r->status >= 200 && r->status <= 599 && c->work == w && !w->head_said);
    w->body = r->body;
    if (c->tcp == NULL) { /* the client has gone */
        c->work = NULL;
        rung_http1_work_put(w);
        return;
    }
    if (r->body == NULL && r->status >= 400) {
        rung_http1_answer_status(w, r->status, r->headers);
    } else {
        struct http1_answer a = {.status = r->status, .type = r->type, .headers = r->headers};
        for (struct rung_buf *buf = r->body; buf != NULL; buf = buf->next)
            a.length += buf->len;
        if (rung_http1_answer(w, &a) && !w->head_only && respond_has_body(r->status))
            w->source = r->body;
    }
    rung_http1_kick(c);
}

/* A request that the app never sees: its status, and the end of the connection. */
void rung_http1_fail(struct http1_conn *c, unsigned status)
{
    struct http1_work *w = c->work;
    w->keep = false;
    rung_http1_answer_status(w, status, status == 503 ? "Retry-After: 1\r\n" : NULL);
}

static void respond_said(struct rung_buf *buf)
{
    struct http1_conn *c = rung_container_of(buf, struct http1_conn, say);
    c->say_out = false;
    c->held--;
    rung_http1_settle(c);
}

bool rung_http1_say(struct http1_conn *c, const char *text)
{
    struct rung_buf *buf = &c->say;
    if (c->say_out || c->tx_waits)
        return false;
    *buf = (struct rung_buf){
        .data = (const uint8_t *)text, .len = strlen(text), .release = respond_said};
    c->say_out = true;
    c->held++;
    bool running = c->running;
    c->running = true; /* it may come back at once */
    int k = rung_tcp_send(c->tcp, &buf, 1);
    c->running = running;
    if (k == 1)
        return true;
    c->tx_waits = k == 0;
    c->say_out = false;
    c->held--;
    return false;
}

/* Too many connections, or no memory to read a request into: needs none itself. */
void rung_http1_refuse(struct http1_conn *c)
{
    if (rung_http1_say(c, "HTTP/1.1 503 Service Unavailable\r\n"
                          "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 24\r\n"
                          "Retry-After: 1\r\nConnection: close\r\n\r\n503 Service Unavailable\n"))
        rung_http1_linger(c);
    else
        rung_http1_let_go(c, false);
}
