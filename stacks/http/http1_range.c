/* SPDX-License-Identifier: ISC */
/* stacks/http/http1_range.c - byte ranges (RFC 9110, 14).
 * Several ranges in one request are answered with the whole value, which section 14.2 allows: the
 * multipart answer is hardly used and a known way to make a server work. */
#include "http1_text.h"

/* Reads digits; a number too large becomes the largest. False: there was none. */
static bool range_number(struct http1_span *text, uint64_t *number)
{
    size_t n = 0;
    *number = 0;
    for (; n < text->len && text->at[n] >= '0' && text->at[n] <= '9'; n++) {
        uint64_t digit = (uint64_t)(text->at[n] - '0');
        *number = *number > (UINT64_MAX - digit) / 10 ? UINT64_MAX : *number * 10 + digit;
    }
    text->at += n;
    text->len -= n;
    return n > 0;
}

static enum http1_range range_suffix(uint64_t wanted, uint64_t size, uint64_t *first,
                                     uint64_t *count)
{
    if (wanted == 0)
        return HTTP1_RANGE_UNSATISFIABLE;
    if (size == 0)
        return HTTP1_RANGE_NONE; /* all of nothing */
    *count = wanted < size ? wanted : size;
    *first = size - *count;
    return HTTP1_RANGE_ONE;
}

enum http1_range rung_http1_range(struct http1_span value, uint64_t size, uint64_t *first,
                                  uint64_t *count)
{
    if (value.len < 6 || !rung_http1_equal((struct http1_span){value.at, 6}, "bytes="))
        return HTTP1_RANGE_NONE;
    struct http1_span rest = rung_http1_trim((struct http1_span){value.at + 6, value.len - 6});
    uint64_t from = 0, to = UINT64_MAX;
    bool has_from = range_number(&rest, &from);
    if (rest.len == 0 || *rest.at != '-')
        return HTTP1_RANGE_NONE;
    rest.at++;
    rest.len--;
    bool has_to = range_number(&rest, &to);
    if (rest.len > 0 || (!has_from && !has_to))
        return HTTP1_RANGE_NONE;
    if (!has_from)
        return range_suffix(to, size, first, count);
    if (!has_to)
        to = UINT64_MAX;
    if (to < from)
        return HTTP1_RANGE_NONE;
    if (from >= size)
        return HTTP1_RANGE_UNSATISFIABLE;
    *first = from;
    *count = (to < size ? to : size - 1) - from + 1;
    return HTTP1_RANGE_ONE;
}
