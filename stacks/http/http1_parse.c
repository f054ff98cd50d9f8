/* SPDX-License-Identifier: ISC */
/* stacks/http/http1_parse.c - from lent buffers to a request, with llhttp.
 * A request that lies in one buffer is read in place and that buffer kept until it is answered. One
 * that does not is copied, once, for its parts must lie together: the head to a block of max_header
 * bytes, the body to memory of its length. Then the buffer goes back, so that a client that sends
 * slowly holds no more than these. */
#include "http1_int.h"

static struct http1_work *parse_work(llhttp_t *parser)
{
    return rung_container_of(parser, struct http1_work, parser);
}

static uint32_t parse_offset(const struct http1_work *w, const char *at)
{
    return (uint32_t)(at - w->base);
}

static int parse_on_url(llhttp_t *parser, const char *at, size_t len)
{
    struct http1_work *w = parse_work(parser);
    if (w->in.target_len == 0)
        w->in.target = parse_offset(w, at);
    w->in.target_len += (uint32_t)len;
    return 0;
}

/* "GET /" and the end of the line: HTTP/0.9, which llhttp takes for a request. */
static int parse_on_url_complete(llhttp_t *parser)
{
    if (parser->http_major == 0 && parser->http_minor == 9) {
        parse_work(parser)->in.status = 400;
        return HPE_USER;
    }
    return 0;
}

/* llhttp hands out names and values in as many parts as there were buffers; in our copy the parts
 * of one lie next to each other, and two names or values never do. */
static int parse_on_name(llhttp_t *parser, const char *at, size_t len)
{
    struct http1_work *w = parse_work(parser);
    struct http1_parse *in = &w->in;
    if (in->head_done)
        return 0; /* trailers: read, and left out */
    if (in->last == HTTP1_LAST_NAME) {
        w->field[in->field_count - 1].name_len += (uint32_t)len;
        return 0;
    }
    if (in->field_count == HTTP1_FIELDS) {
        in->status = 431;
        return HPE_USER;
    }
    w->field[in->field_count++] =
        (struct http1_field){.name = parse_offset(w, at), .name_len = (uint32_t)len};
    in->last = HTTP1_LAST_NAME;
    return 0;
}

static int parse_on_value(llhttp_t *parser, const char *at, size_t len)
{
    struct http1_work *w = parse_work(parser);
    struct http1_parse *in = &w->in;
    if (in->head_done)
        return 0;
    struct http1_field *field = &w->field[in->field_count - 1];
    if (in->last == HTTP1_LAST_NAME)
        field->value = parse_offset(w, at);
    field->value_len = parse_offset(w, at) + (uint32_t)len - field->value;
    in->last = HTTP1_LAST_VALUE;
    return 0;
}

/* A chunk has been announced: too much is refused before it comes. */
static int parse_on_chunk(llhttp_t *parser)
{
    struct http1_work *w = parse_work(parser);
    if (parser->content_length <= w->http1->max_body - w->in.body_len)
        return 0;
    w->in.status = 413;
    return HPE_USER;
}

static int parse_pause(llhttp_t *parser)
{
    (void)parser;
    return HPE_PAUSED;
}

/* Makes room for len more bytes of body. 0, 413 or 503. */
static int parse_body_room(struct http1_work *w, size_t len)
{
    struct http1_parse *in = &w->in;
    uint64_t need = in->body_len + len, max = w->http1->max_body;
    if (need > max)
        return 413;
    size_t cap = in->body_in_place ? 0 : in->body_cap;
    if (need <= cap)
        return 0;
    uint64_t wanted = in->length; /* 0: chunked, and nobody knows */
    if (wanted == 0)
        wanted = cap < 2048 ? 4096 : 2 * (uint64_t)cap;
    if (wanted < need)
        wanted = need;
    if (wanted > max)
        wanted = max;
    if (!rung_http1_body_charge(w, (size_t)wanted))
        return 503;
    uint8_t *body = rung_alloc(w->http1->p, (size_t)wanted);
    if (body == NULL) {
        rung_http1_body_charge(w, cap);
        return 503;
    }
    if (in->body_len > 0)
        memcpy(body, in->body, in->body_len);
    if (!in->body_in_place)
        rung_free(w->http1->p, in->body);
    in->body = body;
    in->body_in_place = false;
    return 0;
}

/* Appends to the body in its own memory; the copy is what keeps the parts together. */
static int parse_body_copy(struct http1_work *w, const uint8_t *at, size_t len)
{
    struct http1_parse *in = &w->in;
    int status = parse_body_room(w, len);
    if (status != 0)
        return status;
    memcpy(in->body + in->body_len, at, len);
    in->body_len += len;
    return 0;
}

static int parse_on_body(llhttp_t *parser, const char *at, size_t len)
{
    struct http1_work *w = parse_work(parser);
    struct http1_parse *in = &w->in;
    int status = 0;
    bool chunked = (parser->flags & F_CHUNKED) != 0;
    if (chunked && !rung_http1_frame_ok(w, in->frame, (size_t)(at - in->frame)))
        status = 400;
    in->frame = at + len;
    if (status == 0 && in->body == NULL && len <= w->http1->max_body) {
        /* Nobody writes to it: the cast only fits it beside a body of our own. */
        in->body = (uint8_t *)(uintptr_t)at;
        in->body_len = len;
        in->body_in_place = true;
    } else if (status == 0) {
        status = parse_body_copy(w, (const uint8_t *)at, len);
    }
    in->status = (uint16_t)status;
    return status == 0 ? 0 : HPE_USER;
}

static const llhttp_settings_t parse_settings = {
    .on_url = parse_on_url,
    .on_header_field = parse_on_name,
    .on_header_value = parse_on_value,
    .on_headers_complete = parse_pause,
    .on_chunk_header = parse_on_chunk,
    .on_body = parse_on_body,
    .on_message_complete = parse_pause,
    .on_url_complete = parse_on_url_complete,
};

void rung_http1_parse_start(struct http1_work *w)
{
    memset(&w->in, 0, sizeof w->in);
    llhttp_init(&w->parser, HTTP_REQUEST, &parse_settings);
    w->parser.lenient_flags = LENIENT_VERSION; /* ours to judge: 505, and HTTP/1.2 is welcome */
    w->base = NULL;
}

/* llhttp stops at the first byte that fits no method it knows. Whether the line is a request for a
 * method that nobody knows, 501, or rubbish, 400, the rest of it tells; 0: more of it must come. */
static int parse_unknown_method(const char *at, size_t len)
{
    size_t i = 0;
    while (len - i >= 2 && at[i] == '\r' && at[i + 1] == '\n')
        i += 2;
    size_t method = i;
    while (i < len && rung_http1_is_token(at[i]))
        i++;
    if (i < len && (at[i] != ' ' || i == method))
        return 400;
    const char *end = i < len ? memchr(at + i, '\n', len - i) : NULL;
    if (end == NULL)
        return 0;
    const char *target = at + i + 1, *version = end - 10; /* " HTTP/1.1", CR */
    if (version <= target || memcmp(version, " HTTP/", 6) != 0 || end[-1] != '\r')
        return 400;
    for (; target < version; target++) {
        if ((unsigned char)*target <= ' ' || *target == 0x7f)
            return 400;
    }
    return 501;
}

static int parse_error_status(const struct http1_work *w, int error)
{
    if (w->in.status != 0)
        return w->in.status;
    return error == HPE_PAUSED_H2_UPGRADE ? 505 : 400;
}

/* Moves the head out of a lent buffer that is about to go back. False: no memory. */
static bool parse_keep_head(struct http1_work *w)
{
    if (w->text != NULL)
        return true;
    w->text = rung_http1_block_new(w->http1);
    if (w->text == NULL)
        return false;
    memcpy(w->text->text, w->base, w->in.head_len);
    w->base = w->text->text;
    return true;
}

static int parse_too_long(const struct http1_work *w)
{
    const struct http1_parse *in = &w->in;
    uint32_t end = in->target + in->target_len; /* 0: it has not begun */
    return end > 0 && end < in->head_len && end <= w->http1->max_header ? 431 : 414;
}

static void parse_skip(struct rung_buf *buf, size_t n)
{
    buf->data += n;
    buf->len -= n;
}

/* As rung_http1_parse, for the head; complete: 0 with head_done. */
static int parse_head(struct http1_work *w, struct rung_buf *buf)
{
    struct http1_parse *in = &w->in;
    size_t room = w->http1->max_header + 1 - in->head_len;
    size_t n = buf->len < room ? buf->len : room;
    const char *at = (const char *)buf->data;
    if (in->head_len == 0) {
        w->base = at;
    } else {
        memcpy(w->text->text + in->head_len, at, n);
        at = w->text->text + in->head_len;
    }
    int error = (int)llhttp_execute(&w->parser, at, n);
    if (error == HPE_PAUSED) {
        n = (size_t)(llhttp_get_error_pos(&w->parser) - at);
        in->head_done = true;
    } else if (error == HPE_INVALID_METHOD) { /* and so again for what follows */
        int status = parse_unknown_method(w->base, in->head_len + n);
        if (status != 0)
            return status;
    } else if (error != HPE_OK) {
        return parse_error_status(w, error);
    }
    in->head_len += (uint32_t)n;
    parse_skip(buf, n);
    if (in->head_len > w->http1->max_header)
        return parse_too_long(w);
    if (in->head_done)
        return rung_http1_check_head(w);
    return parse_keep_head(w) ? 0 : 503;
}

static int parse_body(struct http1_work *w, struct rung_buf *buf)
{
    struct http1_parse *in = &w->in;
    const char *at = (const char *)buf->data;
    size_t n = buf->len;
    bool chunked = (w->parser.flags & F_CHUNKED) != 0;
    in->frame = at;
    llhttp_resume(&w->parser);
    int error = (int)llhttp_execute(&w->parser, at, n);
    if (error == HPE_PAUSED || error == HPE_PAUSED_UPGRADE) {
        n = (size_t)(llhttp_get_error_pos(&w->parser) - at);
        in->all_done = true;
    } else if (error != HPE_OK) {
        const char *end = llhttp_get_error_pos(&w->parser); /* a chunk's length, if too much */
        bool framed = in->status == 0 || end < in->frame
                      || rung_http1_frame_ok(w, in->frame, (size_t)(end - in->frame));
        return in->status != 0 && framed ? in->status : 400;
    }
    if (chunked && !rung_http1_frame_ok(w, in->frame, (size_t)(at + n - in->frame)))
        return 400;
    parse_skip(buf, n);
    if (in->all_done)
        return HTTP1_COMPLETE;
    if (in->body_in_place) {
        const uint8_t *body = in->body;
        size_t len = in->body_len;
        in->body = NULL;
        in->body_len = 0;
        in->body_in_place = false;
        int status = parse_body_copy(w, body, len);
        if (status != 0)
            return status;
    }
    return parse_keep_head(w) ? 0 : 503;
}

int rung_http1_parse(struct http1_work *w, struct rung_buf *buf)
{
    if (!w->in.head_done) {
        int status = parse_head(w, buf);
        if (status != 0 || !w->in.head_done)
            return status;
        if ((w->parser.flags & F_CHUNKED) == 0 && w->parser.content_length == 0) {
            w->in.all_done = true; /* llhttp has nothing left to read */
            return HTTP1_COMPLETE;
        }
    }
    if (buf->len == 0)
        return parse_keep_head(w) ? 0 : 503;
    return parse_body(w, buf);
}
