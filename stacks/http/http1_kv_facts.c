/* SPDX-License-Identifier: ISC */
/* stacks/http/http1_kv_facts.c - what a stored value's facts and the request's conditions and range
 * make of the answer (RFC 9110, 13.2.2). No store knows when a value was last changed, so
 * conditions on dates are left out, as 13.1.3 and 13.1.4 ask for. */
#include "http1_int.h"

struct facts {
    unsigned status;
    uint64_t first, count; /* of the bytes to send */
};

/* The entity tag of this value: its version, and another for its gzip variant; none: empty. */
static struct http1_span facts_etag(const struct http1_work *w, char text[HTTP1_VERSION + 8])
{
    size_t len = strlen(w->kv.version);
    if (len == 0)
        return (struct http1_span){text, 0};
    text[0] = '"';
    memcpy(text + 1, w->kv.version, len);
    memcpy(text + 1 + len, w->kv.gzip ? "-gz\"" : "\"", w->kv.gzip ? 4 : 1);
    return (struct http1_span){text, len + (w->kv.gzip ? 5 : 2)};
}

/* Whether the condition lists the value; one without a version is in no list but "*". */
static bool facts_listed(struct http1_work *w, enum http1_known which, bool strong, bool *given)
{
    struct http1_span list;
    char text[HTTP1_VERSION + 8];
    *given = w->in.known_count[which] > 0;
    return *given && rung_http1_known(w, which, &list)
           && rung_http1_etag_listed(list, facts_etag(w, text), strong);
}

/* If-Range holds one entity tag, no list and no "*" (RFC 9110, 13.1.5). */
static bool facts_range_applies(struct http1_work *w)
{
    struct http1_span wanted;
    char text[HTTP1_VERSION + 8];
    if (w->head_only || w->in.known_count[HTTP1_RANGE] == 0)
        return false;
    if (w->in.known_count[HTTP1_IF_RANGE] == 0)
        return true;
    struct http1_span tag = facts_etag(w, text);
    return rung_http1_known(w, HTTP1_IF_RANGE, &wanted) && tag.len > 0 && wanted.len == tag.len
           && memcmp(wanted.at, tag.at, tag.len) == 0;
}

static struct facts facts_judge(struct http1_work *w)
{
    struct facts f = {.status = 200, .count = w->kv.size};
    struct http1_span range;
    bool given;
    bool listed = facts_listed(w, HTTP1_IF_MATCH, true, &given);
    if (given && !listed)
        return (struct facts){.status = 412};
    listed = facts_listed(w, HTTP1_IF_NONE_MATCH, false, &given);
    if (given && listed)
        return (struct facts){.status = 304};
    if (!facts_range_applies(w) || !rung_http1_known(w, HTTP1_RANGE, &range))
        return f;
    switch (rung_http1_range(range, w->kv.size, &f.first, &f.count)) {
    case HTTP1_RANGE_ONE:
        f.status = 206;
        break;
    case HTTP1_RANGE_UNSATISFIABLE:
        return (struct facts){.status = 416};
    default:
        break;
    }
    return f;
}

static void facts_answer(struct http1_work *w, const struct rung_kv_get *get, struct facts f)
{
    struct http1_answer a = {.status = f.status, .stored = true, .length = f.count};
    struct http1_span key = {get->key, get->key_len};
    a.version = w->kv.version[0] != '\0' ? w->kv.version : NULL;
    a.gzip = w->kv.gzip;
    a.range_first = f.first;
    a.range_size = w->kv.size;
    if (f.status == 200 || f.status == 206)
        a.type = get->type != NULL ? get->type : rung_http1_type(key);
    rung_http1_answer(w, &a);
}

/* The version goes away with the bytes, and later pieces are compared with it. */
static void facts_keep(struct http1_work *w, const struct rung_kv_get *get)
{
    size_t len = get->version != NULL ? strlen(get->version) : 0;
    if (len > HTTP1_VERSION)
        len = 0;
    if (len > 0)
        memcpy(w->kv.version, get->version, len);
    w->kv.version[len] = '\0';
    w->kv.size = get->size;
    w->kv.gzip = get->encoding == RUNG_KV_GZIP;
}

bool rung_http1_kv_facts(struct http1_work *w, struct http1_piece *piece)
{
    struct rung_kv_get *get = &piece->get;
    struct http1_kv *kv = &w->kv;
    facts_keep(w, get);
    struct facts f = facts_judge(w);
    bool bytes = (f.status == 200 || f.status == 206) && f.count > 0 && !w->head_only;
    size_t most = get->len > 0 ? get->len : rung_http1_piece_most(w); /* what was asked is enough */
    size_t wanted = f.count < most ? (size_t)f.count : most;
    if (bytes && (get->offset != f.first || get->value.len < wanted)) {
        rung_http1_ask(w, f.first, wanted); /* in the other piece: this one is still lent */
        return false;
    }
    facts_answer(w, get, f);
    if (!bytes || w->conn->tcp == NULL)
        return true;
    if (get->value.len > f.count)
        get->value.len = (size_t)f.count;
    kv->step = HTTP1_KV_BODY;
    kv->next = f.first + get->value.len;
    kv->left = f.count - get->value.len;
    rung_http1_source_add(w, &get->value);
    return true;
}
