/* SPDX-License-Identifier: ISC */
/* stacks/http/http1_target.c - request targets: forms, percent-decoding, dot segments.
 * Decoding comes first and dot segments after it, so that "%2e%2e" and "..%2f" climb no higher than
 * "../": what an app gets has no "." or ".." part whichever way it was written. */
#include "http1_text.h"

static int target_hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* A path being built: text[0] is '/', the part under construction starts at part. */
struct target_path {
    char *text;
    size_t len, part;
};

/* Ends a part. False: it climbs above the root. */
static bool target_end_part(struct target_path *p, bool slash)
{
    const char *part = p->text + p->part;
    size_t len = p->len - p->part;
    if (len == 0)
        return true; /* "//" is "/" */
    if (len == 1 && part[0] == '.') {
        p->len = p->part;
        return true;
    }
    if (len == 2 && part[0] == '.' && part[1] == '.') {
        if (p->part == 1)
            return false;
        p->len = p->part - 1;
        while (p->text[p->len - 1] != '/')
            p->len--;
        p->part = p->len;
        return true;
    }
    if (slash) {
        p->text[p->len++] = '/';
        p->part = p->len;
    }
    return true;
}

/* 0 or 400. in starts with '/', or is empty for "/". */
static int target_decode(struct http1_span in, char *text, size_t *len)
{
    struct target_path p = {.text = text, .len = 1, .part = 1};
    text[0] = '/';
    for (size_t i = 1; i < in.len; i++) {
        char c = in.at[i];
        if (c == '%') {
            int high = i + 2 < in.len ? target_hex(in.at[i + 1]) : -1;
            int low = high < 0 ? -1 : target_hex(in.at[i + 2]);
            if (low < 0 || high + low == 0)
                return 400;
            c = (char)(high << 4 | low);
            i += 2;
        }
        if (c != '/')
            p.text[p.len++] = c;
        else if (!target_end_part(&p, true))
            return 400;
    }
    if (!target_end_part(&p, false))
        return 400;
    text[p.len] = '\0';
    *len = p.len;
    return 0;
}

/* Cuts "http://host" off the absolute form. 0 or 400. */
static int target_cut_origin(struct http1_span *target, struct http1_span *host)
{
    size_t scheme = 0;
    if (target->len > 7 && rung_http1_equal((struct http1_span){target->at, 7}, "http://"))
        scheme = 7;
    else if (target->len > 8 && rung_http1_equal((struct http1_span){target->at, 8}, "https://"))
        scheme = 8;
    if (scheme == 0)
        return 400;
    size_t end = scheme;
    while (end < target->len && target->at[end] != '/' && target->at[end] != '?')
        end++;
    *host = (struct http1_span){target->at + scheme, end - scheme};
    target->at += end;
    target->len -= end;
    return host->len > 0 ? 0 : 400;
}

int rung_http1_target(struct http1_span target, char *space, struct http1_target *out)
{
    *out = (struct http1_target){0};
    if (target.len == 1 && target.at[0] == '*') {
        out->path = memcpy(space, "*", 2);
        out->path_len = 1;
        return 0;
    }
    if (target.len == 0 || memchr(target.at, '#', target.len) != NULL)
        return 400;
    if (target.at[0] != '/' && target_cut_origin(&target, &out->host) != 0)
        return 400;
    const char *mark = target.len > 0 ? memchr(target.at, '?', target.len) : NULL;
    if (mark != NULL) {
        out->query_len = target.len - (size_t)(mark - target.at) - 1;
        memcpy(space, mark + 1, out->query_len);
        space[out->query_len] = '\0';
        out->query = space;
        space += out->query_len + 1; /* the path comes last: it may grow by an index's name */
        target.len = (size_t)(mark - target.at);
    }
    out->path = space;
    return target_decode(target, space, &out->path_len);
}

static bool target_is_harmless(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
           || (c != '\0' && strchr("-._~!$&'()*+,;=:@/", c) != NULL);
}

size_t rung_http1_escape(struct http1_span path, char *out)
{
    static const char digit[] = "0123456789ABCDEF";
    size_t n = 0;
    for (size_t i = 0; i < path.len; i++) {
        char c = path.at[i];
        size_t step = target_is_harmless(c) ? 1 : 3;
        if (out != NULL && step == 1) {
            out[n] = c;
        } else if (out != NULL) {
            out[n] = '%';
            out[n + 1] = digit[(unsigned char)c >> 4];
            out[n + 2] = digit[(unsigned char)c & 15];
        }
        n += step;
    }
    return n;
}
