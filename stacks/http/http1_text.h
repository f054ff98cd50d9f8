/* SPDX-License-Identifier: ISC */
/* stacks/http/http1_text.h - the pure functions of HTTP: from text to facts and back.
 * Model    No state, no allocation, no platform: each can be tested and fuzzed alone.
 * Units    Bytes. A span is text without a NUL at its end.
 * Owner    Nothing is kept.
 * Context  Any.
 * Errors   As each says. */
#ifndef RUNG_HTTP1_TEXT_H
#define RUNG_HTTP1_TEXT_H

#include <string.h>

#include "rung/base.h"

struct http1_span {
    const char *at;
    size_t len;
};

static inline struct http1_span http1_span(const char *text)
{
    return (struct http1_span){text, strlen(text)};
}

/* Room for "Mon, 23 Nov 2026 21:58:58 GMT" and its NUL. */
#define HTTP1_DATE_TEXT 30

/* Whether span is the given lower-case text, letters of either case. */
bool rung_http1_equal(struct http1_span span, const char *lower);

/* The span without spaces and tabs at its ends. */
struct http1_span rung_http1_trim(struct http1_span span);

/* Whether c may stand in a token (RFC 9110, 5.6.2), such as a method or a header's name. */
bool rung_http1_is_token(char c);

struct http1_target {
    const char *path; /* decoded, NUL-terminated; "*" for the asterisk form */
    size_t path_len;
    const char *query; /* NUL-terminated, or NULL */
    size_t query_len;
    struct http1_span host; /* of the absolute form; at NULL: another form */
};

/* Bytes that decoding a target of len bytes may need: query, path, and the index's name behind
 * it. */
#define HTTP1_TARGET_SPACE(len) ((len) + 16)

/* Takes a request target apart (RFC 9112, 3.2: origin, absolute and asterisk form) into space.
 * 0, or 400: malformed, a bad escape, a NUL, a fragment, or ".." above the root. */
int rung_http1_target(struct http1_span target, char *space, struct http1_target *out);

/* Writes path with all but its harmless characters escaped; returns the length, at most
 * 3 * path.len. out NULL: only counts. */
size_t rung_http1_escape(struct http1_span path, char *out);

enum http1_range {
    HTTP1_RANGE_NONE, /* none, malformed, another unit, or several: the whole value is the answer */
    HTTP1_RANGE_ONE,
    HTTP1_RANGE_UNSATISFIABLE,
};

/* Reads a Range header for a value of size bytes. ONE: first and count are set, count > 0. */
enum http1_range rung_http1_range(struct http1_span value, uint64_t size, uint64_t *first,
                                  uint64_t *count);

/* Whether a list of entity tags, or "*", holds etag (quotes included, not weak). strong: members
 * marked weak do not count (RFC 9110, 8.8.3.2). Behind a malformed member nothing is seen. */
bool rung_http1_etag_listed(struct http1_span list, struct http1_span etag, bool strong);

/* Whether a client with this Accept-Encoding would rather, or as well, have gzip. */
bool rung_http1_takes_gzip(struct http1_span accept_encoding);

/* The date of RFC 9110, 5.6.7, with a NUL. */
void rung_http1_date(uint64_t unix_s, char out[HTTP1_DATE_TEXT]);

/* A media type from a name's extension; never NULL. */
const char *rung_http1_type(struct http1_span name);

#endif
