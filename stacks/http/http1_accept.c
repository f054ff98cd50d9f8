/* SPDX-License-Identifier: ISC */
/* stacks/http/http1_accept.c - Accept-Encoding with its weights (RFC 9110, 12.5.3). */
#include "http1_text.h"

/* A weight in thousandths from "0.5" and the like; -1: malformed. */
static int accept_weight(struct http1_span text)
{
    if (text.len == 0 || text.len > 5 || (text.at[0] != '0' && text.at[0] != '1'))
        return -1;
    if (text.len > 1 && text.at[1] != '.')
        return -1;
    int weight = (text.at[0] - '0') * 1000, unit = 100;
    for (size_t i = 2; i < text.len; i++, unit /= 10) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return -1;
        weight += (text.at[i] - '0') * unit;
    }
    return weight > 1000 ? -1 : weight;
}

/* The weight of one member's parameters, ";q=0.5"; 1000 without one; a malformed one counts 0. */
static int accept_parameter(struct http1_span text)
{
    if (text.len == 0)
        return 1000;
    text = rung_http1_trim(text);
    if (text.len < 2 || !rung_http1_equal((struct http1_span){text.at, 2}, "q="))
        return 0;
    int weight = accept_weight((struct http1_span){text.at + 2, text.len - 2});
    return weight < 0 ? 0 : weight;
}

static struct http1_span accept_cut(struct http1_span *text, char at)
{
    const char *end = text->len > 0 ? memchr(text->at, at, text->len) : NULL;
    struct http1_span head = {text->at, end != NULL ? (size_t)(end - text->at) : text->len};
    size_t used = head.len + (end != NULL);
    text->at += used;
    text->len -= used;
    return head;
}

bool rung_http1_takes_gzip(struct http1_span list)
{
    int gzip = -1, any = -1, plain = -1;
    while (list.len > 0) {
        struct http1_span member = accept_cut(&list, ',');
        struct http1_span name = rung_http1_trim(accept_cut(&member, ';'));
        int weight = accept_parameter(member);
        if (rung_http1_equal(name, "gzip") || rung_http1_equal(name, "x-gzip"))
            gzip = weight > gzip ? weight : gzip;
        else if (rung_http1_equal(name, "*"))
            any = weight;
        else if (rung_http1_equal(name, "identity"))
            plain = weight;
    }
    if (gzip < 0)
        gzip = any;
    return gzip > 0 && gzip >= plain;
}
