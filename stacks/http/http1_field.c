/* SPDX-License-Identifier: ISC */
/* stacks/http/http1_field.c - the request's header lines: found when somebody asks. */
#include "http1_int.h"

static struct http1_span field_name(const struct http1_work *w, uint32_t index)
{
    const struct http1_field *field = &w->field[index];
    return (struct http1_span){w->base + field->name, field->name_len};
}

static struct http1_span field_value(const struct http1_work *w, uint32_t index)
{
    const struct http1_field *field = &w->field[index];
    return (struct http1_span){w->base + field->value, field->value_len};
}

static const char *const field_known_name[HTTP1_KNOWN] = {
    [HTTP1_ACCEPT_ENCODING] = "accept-encoding",
    [HTTP1_EXPECT] = "expect",
    [HTTP1_HOST] = "host",
    [HTTP1_IF_MATCH] = "if-match",
    [HTTP1_IF_NONE_MATCH] = "if-none-match",
    [HTTP1_IF_RANGE] = "if-range",
    [HTTP1_RANGE] = "range",
    [HTTP1_TRANSFER_ENCODING] = "transfer-encoding",
};

/* The one known header that a name of this length may be: most lines need no comparison at all. */
static enum http1_known field_guess(struct http1_span name)
{
    switch (name.len) {
    case 4: return HTTP1_HOST;
    case 5: return HTTP1_RANGE;
    case 6: return HTTP1_EXPECT;
    case 8: return (name.at[3] | 0x20) == 'm' ? HTTP1_IF_MATCH : HTTP1_IF_RANGE;
    case 13: return HTTP1_IF_NONE_MATCH;
    case 15: return HTTP1_ACCEPT_ENCODING;
    case 17: return HTTP1_TRANSFER_ENCODING;
    default: return HTTP1_KNOWN;
    }
}

bool rung_http1_note_field(struct http1_work *w, uint32_t index)
{
    struct http1_field *field = &w->field[index];
    struct http1_span value = rung_http1_trim(field_value(w, index));
    struct http1_span name = field_name(w, index);
    field->value = (uint32_t)(value.at - w->base);
    field->value_len = (uint32_t)value.len;
    enum http1_known known = field_guess(name);
    if (known == HTTP1_KNOWN || !rung_http1_equal(name, field_known_name[known]))
        return name.len > 0; /* llhttp takes a line that starts with ':' */
    if (w->in.known[known] == 0)
        w->in.known[known] = (uint8_t)(index + 1);
    w->in.known_count[known]++;
    return true;
}

bool rung_http1_known(struct http1_work *w, enum http1_known which, struct http1_span *value)
{
    unsigned count = w->in.known_count[which];
    if (count == 0)
        return false;
    if (count == 1) {
        *value = field_value(w, w->in.known[which] - 1u);
        return true;
    }
    const char *joined = rung_http1_header(&w->request, field_known_name[which]);
    if (joined == NULL)
        return false;
    *value = http1_span(joined);
    return true;
}

/* Copies all values of the name that field first has, joined, to the values block: there is room,
 * for ": " and CRLF of each line are more than what a copy adds. */
static const char *field_copy(struct http1_work *w, uint32_t first, const char *name)
{
    char *start = w->values->text + w->values_len, *at = start;
    for (uint32_t i = first; i < w->in.field_count; i++) {
        if (i != first && !rung_http1_equal(field_name(w, i), name))
            continue;
        struct http1_span value = field_value(w, i);
        if (at != start) {
            memcpy(at, ", ", 2);
            at += 2;
        }
        memcpy(at, value.at, value.len);
        at += value.len;
    }
    *at++ = '\0';
    w->field[first].copy = w->values_len + 1;
    w->values_len = (uint32_t)(at - w->values->text);
    return start;
}

/* Copied because the app gets text with a NUL, and the head may lie in memory that is only lent. */
const char *rung_http1_header(struct rung_http_request *request, const char *name)
{
    struct http1_work *w = http1_work_of(request);
    for (uint32_t i = 0; i < w->in.field_count; i++) {
        if (!rung_http1_equal(field_name(w, i), name))
            continue;
        if (w->field[i].copy > 0)
            return w->values->text + w->field[i].copy - 1;
        if (w->values == NULL)
            w->values = rung_http1_block_new(w->http1);
        return w->values != NULL ? field_copy(w, i, name) : NULL;
    }
    return NULL;
}
