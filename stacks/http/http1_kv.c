/* SPDX-License-Identifier: ISC */
/* stacks/http/http1_kv.c - values of a store as responses: asked for in pieces, two at once at
 * most. What is asked first is a piece from the start, which for a small value is all; or only the
 * facts, when a condition or a range may make the bytes needless. Where a later get shows that the
 * value has changed before the response's head is out, all starts again; after that only cutting
 * the connection tells the client that what it has is not a value anybody ever stored. */
#include "http1_int.h"

#define KV_TRIES 4 /* a value that changes faster than that cannot be served */

static void kv_done(struct rung_op *op, int result);

static struct http1_piece *kv_free_piece(struct http1_work *w)
{
    for (unsigned i = 0; i < RUNG_ARRAY_LEN(w->piece); i++) {
        if (!w->piece[i].asked && !w->piece[i].lent)
            return &w->piece[i];
    }
    return NULL;
}

void rung_http1_ask(struct http1_work *w, uint64_t offset, size_t len)
{
    struct http1_piece *piece = kv_free_piece(w);
    struct rung_kv_get *get = &piece->get;
    bool plain_only = w->in.known_count[HTTP1_ACCEPT_ENCODING] == 0;
    struct http1_span accept;
    bool gzip = !plain_only && rung_http1_known(w, HTTP1_ACCEPT_ENCODING, &accept)
                && rung_http1_takes_gzip(accept);
    get->op.done = kv_done;
    get->op.cancel = NULL;
    get->key = w->target.path + 1;
    get->key_len = w->kv.key_len;
    get->offset = offset;
    get->len = len;
    get->accept = gzip ? RUNG_KV_GZIP : 0;
    piece->asked = true;
    rung_http1_piece_charge(piece, len);
    w->refs++;
    rung_kv_get(w->kv.kv, get);
}

void rung_http1_piece_done(struct http1_piece *piece)
{
    if (!piece->lent || piece->out > 0 || piece->get.value.len > 0)
        return;
    rung_http1_piece_release(piece);
}

void rung_http1_fetch(struct http1_work *w)
{
    struct http1_kv *kv = &w->kv;
    if (kv->left == 0 || w->piece[0].asked || w->piece[1].asked || kv_free_piece(w) == NULL)
        return;
    size_t most = rung_http1_piece_most(w);
    if (most == HTTP1_PIECE_MIN && (w->piece[0].lent || w->piece[1].lent))
        return; /* one at a time, while memory is that short */
    size_t len = kv->left < most ? (size_t)kv->left : most;
    rung_http1_ask(w, kv->next, len);
    kv->next += len;
    kv->left -= len;
}

static void kv_log(struct http1_work *w, enum rung_log_level level, const char *what)
{
    rung_log(w->http1->p, level, w->http1->slot, "cannot serve '%.*s': %s",
             (int)(w->kv.key_len < 256 ? w->kv.key_len : 256), w->target.path + 1, what);
}

/* Where the path ends, in our own memory. */
static char *kv_path_end(struct http1_work *w)
{
    char *space = w->target_block != NULL ? w->target_block->text : w->path;
    return space + (w->target.path + w->target.path_len - space);
}

/* Nothing under the path: perhaps it is a folder, whose index tells. */
static void kv_missing(struct http1_work *w)
{
    struct http1_kv *kv = &w->kv;
    char *end = kv_path_end(w);
    if (kv->step == HTTP1_KV_INDEX || end[-1] == '/' || kv->key_len + 11 > RUNG_KV_KEY_MAX) {
        rung_http1_answer_status(w, 404, NULL);
        return;
    }
    memcpy(end, "/index.html", 12);
    kv->key_len += 11;
    kv->step = HTTP1_KV_INDEX;
    rung_http1_ask(w, 0, 0);
}

/* The folder's index is there: its relative links need the '/' in the client's address. */
static void kv_redirect(struct http1_work *w)
{
    struct http1_span path = {w->target.path, w->target.path_len};
    struct http1_span query = {w->target.query, w->target.query_len};
    size_t size = sizeof "Location: /?\r\n" + rung_http1_escape(path, NULL) + query.len;
    char *line = rung_alloc(w->http1->p, size), *at = line;
    if (line == NULL) {
        rung_http1_answer_status(w, 503, "Retry-After: 1\r\n");
        return;
    }
    memcpy(at, "Location: ", 10);
    at += 10;
    at += rung_http1_escape(path, at);
    *at++ = '/';
    if (query.at != NULL) {
        *at++ = '?';
        memcpy(at, query.at, query.len);
        at += query.len;
    }
    memcpy(at, "\r\n", 3);
    rung_http1_answer_status(w, 301, line);
    rung_free(w->http1->p, line);
}

static void kv_error(struct http1_work *w, int error)
{
    switch (error) {
    case RUNG_E_NOTFOUND:
    case RUNG_E_INVAL: /* not a key of this store */
        kv_missing(w);
        break;
    case RUNG_E_ACCESS: /* the store's owner has closed it; no line, for clients may ask all day */
        rung_http1_answer_status(w, 403, NULL);
        break;
    case RUNG_E_NOMEM:
    case RUNG_E_LIMIT: /* a flood's doing, as often as not: no line for each of its requests */
        rung_http1_answer_status(w, 503, "Retry-After: 1\r\n");
        break;
    case RUNG_E_RANGE:   /* it has become shorter since we saw its size */
    case RUNG_E_CHANGED: /* it has not stood still for as long as a get takes */
        if (++w->kv.tries < KV_TRIES) {
            rung_http1_ask(w, 0, 0);
            break;
        }
        kv_log(w, RUNG_LOG_WARN, "it changes all the time");
        rung_http1_answer_status(w, 503, "Retry-After: 1\r\n");
        break;
    default:
        kv_log(w, RUNG_LOG_ERROR, rung_err_text(error));
        rung_http1_answer_status(w, 500, NULL);
    }
}

/* A get before the response's head. */
static void kv_first(struct http1_work *w, struct http1_piece *piece, int result)
{
    if (result < 0) {
        kv_error(w, result);
    } else if (w->kv.step == HTTP1_KV_INDEX) {
        kv_redirect(w);
    } else if (w->kv.tries++ == KV_TRIES) {
        kv_log(w, RUNG_LOG_WARN, "it changes all the time");
        rung_http1_answer_status(w, 503, "Retry-After: 1\r\n");
    } else if (!rung_http1_kv_facts(w, piece)) {
        return; /* more was asked */
    }
}

/* A get for the response's body: it must be of the same value. */
static void kv_next(struct http1_work *w, struct http1_piece *piece, int result)
{
    struct rung_kv_get *get = &piece->get;
    const char *version = w->kv.version, *why = NULL;
    if (result < 0)
        why = rung_err_text(result);
    else if (get->size != w->kv.size || (get->encoding == RUNG_KV_GZIP) != w->kv.gzip
             || get->value.len != get->len
             || (*version != '\0' && (get->version == NULL || strcmp(version, get->version) != 0)))
        why = "it has changed while it was sent";
    if (why == NULL) {
        rung_http1_source_add(w, &get->value);
        return;
    }
    kv_log(w, RUNG_LOG_WARN, why);
    rung_http1_let_go(w->conn, false);
}

static void kv_done(struct rung_op *op, int result)
{
    struct rung_kv_get *get = rung_container_of(op, struct rung_kv_get, op);
    struct http1_piece *piece = rung_container_of(get, struct http1_piece, get);
    struct http1_work *w = piece->work;
    struct http1_conn *c = w->conn;
    piece->asked = false;
    piece->lent = result >= 0;
    piece->out = 0;
    rung_http1_piece_charge(piece, piece->lent ? get->value.len : 0);
    if (piece->lent)
        get->value.next = NULL;
    if (c->tcp == NULL) {
        if (c->work == w) {
            c->work = NULL;
            rung_http1_work_put(w);
        }
        rung_http1_work_put(w);
        return;
    }
    if (w->kv.step == HTTP1_KV_BODY)
        kv_next(w, piece, result);
    else
        kv_first(w, piece, result);
    if (piece->lent && w->kv.step != HTTP1_KV_BODY) { /* only its facts were of use */
        rung_http1_piece_release(piece);
    }
    bool open = c->tcp != NULL; /* then c has its own share in w, and nothing goes away yet */
    rung_http1_work_put(w);
    if (open)
        rung_http1_run(c);
}

void rung_http1_respond_kv(struct rung_http_request *request, struct rung_kv *kv)
{
    struct http1_work *w = http1_work_of(request);
    struct http1_conn *c = w->conn;
    assert(c->work == w && !w->head_said);
    if (c->tcp == NULL) {
        c->work = NULL;
        rung_http1_work_put(w);
        return;
    }
    if (request->method != RUNG_HTTP_GET && request->method != RUNG_HTTP_HEAD) {
        rung_http1_answer_status(w, 405, "Allow: GET, HEAD\r\n");
        rung_http1_kick(c);
        return;
    }
    char *end = kv_path_end(w);
    w->kv = (struct http1_kv){
        .kv = kv, .key_len = w->target.path_len - 1,
        .in_place = (kv->info.caps & RUNG_KV_IN_PLACE) != 0,
    };
    if (end[-1] == '/') {
        memcpy(end, "index.html", 11);
        w->kv.key_len += 10;
    }
    if (w->kv.key_len > RUNG_KV_KEY_MAX) {
        rung_http1_answer_status(w, 404, NULL);
        rung_http1_kick(c);
        return;
    }
    const uint8_t *count = w->in.known_count;
    bool facts = w->head_only || count[HTTP1_RANGE] > 0 || count[HTTP1_IF_MATCH] > 0
                 || count[HTTP1_IF_NONE_MATCH] > 0;
    rung_http1_ask(w, 0, facts ? 0 : rung_http1_piece_most(w));
}
