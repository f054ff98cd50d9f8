/* SPDX-License-Identifier: ISC */
/* stacks/http/http1_cond.c - lists of entity tags, and the small text helpers all share. */
#include "http1_text.h"

static char cond_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

bool rung_http1_equal(struct http1_span span, const char *lower)
{
    for (size_t i = 0; i < span.len; i++) {
        if (cond_lower(span.at[i]) != lower[i] || lower[i] == '\0')
            return false;
    }
    return lower[span.len] == '\0';
}

struct http1_span rung_http1_trim(struct http1_span span)
{
    while (span.len > 0 && (*span.at == ' ' || *span.at == '\t')) {
        span.at++;
        span.len--;
    }
    while (span.len > 0 && (span.at[span.len - 1] == ' ' || span.at[span.len - 1] == '\t'))
        span.len--;
    return span;
}

bool rung_http1_is_token(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
           || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static void cond_skip(struct http1_span *list, size_t n)
{
    list->at += n;
    list->len -= n;
}

/* Takes one entity tag off the list. False: the list ends, or goes on with something else. */
static bool cond_next(struct http1_span *list, struct http1_span *tag, bool *weak)
{
    while (list->len > 0 && (*list->at == ' ' || *list->at == '\t' || *list->at == ','))
        cond_skip(list, 1);
    *weak = list->len >= 2 && list->at[0] == 'W' && list->at[1] == '/';
    if (*weak)
        cond_skip(list, 2);
    if (list->len < 2 || *list->at != '"')
        return false;
    const char *end = memchr(list->at + 1, '"', list->len - 1);
    if (end == NULL)
        return false;
    *tag = (struct http1_span){list->at, (size_t)(end - list->at) + 1};
    cond_skip(list, tag->len);
    return true;
}

bool rung_http1_etag_listed(struct http1_span list, struct http1_span etag, bool strong)
{
    struct http1_span tag = rung_http1_trim(list);
    bool weak;
    if (tag.len == 1 && *tag.at == '*')
        return true;
    while (cond_next(&list, &tag, &weak)) {
        if (tag.len == etag.len && memcmp(tag.at, etag.at, etag.len) == 0 && !(weak && strong))
            return true;
    }
    return false;
}
