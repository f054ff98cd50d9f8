/* SPDX-License-Identifier: ISC */
/* stacks/http/http1_head.c - what must hold of a request's head before anything believes it.
 * llhttp 8.1 in strict mode takes bare LF at the end of the request line, folded lines, further
 * spaces there, and other protocols' names. Each lets two readers of one stream see different
 * requests, so all are refused: the head must be lines that end in CRLF, and hold no control byte
 * but tab. The other way, it refuses two things that RFC 9112, 7.1.1 allows in a chunk's extension:
 * blanks around its parts, a backslash in a quoted value. That is left so: nobody sends them. */
#include "http1_int.h"

static bool head_is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f;
}

/* Whether one of the eight bytes is a control byte: below 0x20, or 0x7f. */
static bool head_has_control(const char *at)
{
    const uint64_t ones = UINT64_MAX / 255;
    uint64_t eight;
    memcpy(&eight, at, sizeof eight);
    uint64_t low = (eight - ones * 0x20) & ~eight;
    uint64_t del = eight ^ ones * 0x7f;
    return ((low | ((del - ones) & ~del)) & ones * 0x80) != 0;
}

/* Whether all lines end in CRLF and none is folded. Eight bytes at a time: every request pays. */
static bool head_lines_ok(const char *at, size_t len)
{
    for (size_t i = 0;;) {
        while (len - i >= 8 && !head_has_control(at + i))
            i += 8;
        while (i < len && (!head_is_control(at[i]) || at[i] == '\t'))
            i++;
        if (i == len)
            return true;
        if (at[i] != '\r' || i + 1 == len || at[i + 1] != '\n')
            return false;
        i += 2;
        if (i < len && (at[i] == ' ' || at[i] == '\t'))
            return false;
    }
}

bool rung_http1_frame_ok(struct http1_work *w, const char *at, size_t len)
{
    struct http1_parse *in = &w->in;
    for (size_t i = 0; i < len; i++) {
        if ((in->frame_last == '\r') != (at[i] == '\n'))
            return false;
        /* No chunk's length, but a trailer that is folded or has no name: llhttp takes both. */
        if (in->frame_last == '\n' && (at[i] == ' ' || at[i] == '\t' || at[i] == ':'))
            return false;
        if (head_is_control(at[i]) && at[i] != '\t' && at[i] != '\r' && at[i] != '\n')
            return false;
        in->frame_last = at[i];
    }
    /* Framing is all that max-body does not bound: extensions, trailers, chunks of one byte. */
    in->frame_len += len;
    return in->frame_len <= w->http1->max_header + 8 * (uint64_t)in->body_len;
}

/* Whether the request line is "METHOD SP target SP HTTP/d.d CRLF", byte for byte. */
static bool head_request_line_ok(const struct http1_work *w)
{
    const char *at = w->base, *end = w->base + w->in.head_len;
    while (end - at >= 2 && at[0] == '\r' && at[1] == '\n')
        at += 2;
    const char *method = llhttp_method_name((llhttp_method_t)w->parser.method);
    const char *target = w->base + w->in.target, *version = target + w->in.target_len;
    return (size_t)(target - at) == strlen(method) + 1 && end - version >= 11
           && memcmp(version, " HTTP/", 6) == 0 && memcmp(version + 9, "\r\n", 2) == 0;
}

/* What may stand in a name or address: not its grammar, but nothing that means something else, no
 * control or blank, none of "#,/:<>?@[\]" and nothing above 0x7e. */
static bool head_is_host(char c)
{
    static const uint64_t good[4] = {
        UINT64_C(0x2bff6ff200000000), UINT64_C(0x7fffffffc7fffffe)};
    return (good[(unsigned char)c >> 6] >> (c & 63) & 1) != 0;
}

/* ":80", or nothing. RFC 3986 allows ":" as well. */
static bool head_port_ok(struct http1_span text)
{
    unsigned port = 0;
    if (text.len > 0 && *text.at != ':')
        return false;
    for (size_t i = 1; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        port = port * 10 + (unsigned)(text.at[i] - '0');
        if (port > 65535)
            return false;
    }
    return true;
}

/* RFC 9112, 3.2: a Host that is none is refused. It is a name or an address, IPv6 in brackets, and
 * perhaps a port. */
static bool head_host_ok(struct http1_span host)
{
    size_t i = 0;
    bool bracket = host.len > 0 && *host.at == '[';
    if (bracket) {
        for (i = 1; i < host.len && (head_is_host(host.at[i]) || host.at[i] == ':'); i++)
            ;
        if (i < 2 || i == host.len || host.at[i++] != ']')
            return false;
    }
    while (!bracket && i < host.len && head_is_host(host.at[i]))
        i++;
    return head_port_ok((struct http1_span){host.at + i, host.len - i});
}

static int head_check_host(struct http1_work *w)
{
    struct http1_span host;
    unsigned count = w->in.known_count[HTTP1_HOST];
    if (count > 1 || (count == 0 && !w->in.is_http10))
        return 400;
    if (count == 1 && (!rung_http1_known(w, HTTP1_HOST, &host) || !head_host_ok(host)))
        return 400;
    return 0;
}

/* RFC 9112, 6.1: chunked, once, is the one coding there is; HTTP/1.0 has none. llhttp has refused
 * Content-Length beside it, and a second or malformed Content-Length. */
static int head_check_coding(struct http1_work *w)
{
    struct http1_span coding;
    if (w->in.known_count[HTTP1_TRANSFER_ENCODING] == 0)
        return 0;
    if (w->in.is_http10 || !rung_http1_known(w, HTTP1_TRANSFER_ENCODING, &coding))
        return 400;
    if ((w->parser.flags & F_CHUNKED) == 0)
        return 400; /* where the body ends nobody can tell */
    return rung_http1_equal(coding, "chunked") ? 0 : 501;
}

/* Our number for llhttp's method, or -1. */
static int head_method(unsigned method)
{
    switch (method) {
    case HTTP_GET: return RUNG_HTTP_GET;
    case HTTP_HEAD: return RUNG_HTTP_HEAD;
    case HTTP_POST: return RUNG_HTTP_POST;
    case HTTP_PUT: return RUNG_HTTP_PUT;
    case HTTP_DELETE: return RUNG_HTTP_DELETE;
    case HTTP_OPTIONS: return RUNG_HTTP_OPTIONS;
    case HTTP_PATCH: return RUNG_HTTP_PATCH;
    default: return -1;
    }
}

static int head_check_expect(struct http1_work *w)
{
    struct http1_span expect;
    if (w->in.known_count[HTTP1_EXPECT] == 0 || w->in.is_http10)
        return 0;
    if (!rung_http1_known(w, HTTP1_EXPECT, &expect) || !rung_http1_equal(expect, "100-continue"))
        return 417;
    w->in.wants_100 = true;
    return 0;
}

static int head_check_target(struct http1_work *w)
{
    struct http1_span target = {w->base + w->in.target, w->in.target_len};
    char *space = w->path;
    if (target.len > HTTP1_SMALL_TARGET) {
        w->target_block = rung_http1_block_new(w->http1);
        if (w->target_block == NULL)
            return 503;
        space = w->target_block->text;
    }
    int status = rung_http1_target(target, space, &w->target);
    if (status == 0 && w->target.host.at != NULL && !head_host_ok(w->target.host))
        status = 400;
    if (status == 0 && w->target.path[0] == '*' && w->parser.method != HTTP_OPTIONS)
        status = 400;
    return status;
}

int rung_http1_check_head(struct http1_work *w)
{
    struct http1_parse *in = &w->in;
    if (!head_lines_ok(w->base, in->head_len) || !head_request_line_ok(w))
        return 400;
    if (w->parser.http_major != 1)
        return 505;
    in->is_http10 = w->parser.http_minor == 0;
    for (uint32_t i = 0; i < in->field_count; i++) {
        if (!rung_http1_note_field(w, i))
            return 400;
    }
    int method = head_method(w->parser.method);
    int status = head_check_host(w);
    if (status == 0)
        status = head_check_coding(w);
    if (status == 0 && method < 0)
        status = 501;
    if (status == 0)
        status = head_check_target(w);
    if (status == 0)
        status = head_check_expect(w);
    in->length = w->parser.content_length;
    if (status == 0 && in->length > w->http1->max_body)
        status = 413;
    w->request.method = (enum rung_http_method)(method < 0 ? 0 : method);
    w->head_only = w->request.method == RUNG_HTTP_HEAD;
    w->keep = llhttp_should_keep_alive(&w->parser) != 0
              && (w->parser.flags & F_CONNECTION_CLOSE) == 0; /* llhttp: not if both are asked */
    return status;
}
