/* SPDX-License-Identifier: ISC */
/* stacks/http/http1_pool.c - works and blocks, with free lists: a request in the steady state
 * allocates nothing. The lists are short, so that a flood's memory goes back to the heap behind
 * it. */
#include "http1_int.h"

#define POOL_WORKS 64
#define POOL_BLOCKS 16

static void pool_start(struct http1_work *w, struct http1_conn *c)
{
    w->conn = c;
    w->refs = 1;
    w->keep = false;
    w->head_only = false;
    w->head_said = false;
    w->text = w->target_block = w->values = NULL;
    w->values_len = 0;
    w->body = w->source = w->ready = w->ready_last = NULL;
    w->big = NULL;
    w->kv.kv = NULL;
    c->held++;
    c->http1->work_count++;
    rung_http1_parse_start(w);
}

struct http1_work *rung_http1_work_new(struct http1_conn *c)
{
    struct rung_http1 *h = c->http1;
    struct http1_work *w = h->works;
    if (w != NULL) {
        h->works = w->next;
        h->work_spares--;
    } else {
        w = rung_alloc(h->p, sizeof *w);
        if (w == NULL)
            return NULL;
        w->http1 = h;
        for (unsigned i = 0; i < RUNG_ARRAY_LEN(w->piece); i++)
            w->piece[i] = (struct http1_piece){.work = w};
        rung_http1_slices_init(w);
    }
    pool_start(w, c);
    return w;
}

/* Gives back all that the work holds of others. */
static void pool_strip(struct http1_work *w)
{
    struct rung_http1 *h = w->http1;
    for (unsigned i = 0; i < RUNG_ARRAY_LEN(w->piece); i++) {
        if (w->piece[i].lent)
            rung_http1_piece_release(&w->piece[i]);
        w->piece[i].out = 0;
    }
    for (struct rung_buf *buf = w->body, *next; buf != NULL; buf = next) {
        next = buf->next;
        rung_buf_release(buf);
    }
    if (w->ready != NULL)
        rung_http1_slices_init(w); /* some never went out */
    if (w->in.body != NULL && !w->in.body_in_place)
        rung_free(h->p, w->in.body);
    rung_http1_body_charge(w, 0);
    rung_free(h->p, w->big);
    rung_http1_block_free(h, w->text);
    rung_http1_block_free(h, w->target_block);
    rung_http1_block_free(h, w->values);
}

void rung_http1_work_put(struct http1_work *w)
{
    struct rung_http1 *h = w->http1;
    assert(w->refs > 0);
    if (--w->refs > 0)
        return;
    struct http1_conn *c = w->conn;
    pool_strip(w);
    h->work_count--;
    if (h->work_spares < POOL_WORKS && h->closing == NULL) {
        w->next = h->works;
        h->works = w;
        h->work_spares++;
    } else {
        rung_free(h->p, w);
    }
    c->held--;
    rung_http1_settle(c);
}

struct http1_block *rung_http1_block_new(struct rung_http1 *h)
{
    struct http1_block *block = h->blocks;
    if (block == NULL)
        return rung_alloc(h->p, sizeof *block + HTTP1_TARGET_SPACE(h->max_header));
    h->blocks = block->next;
    h->block_spares--;
    return block;
}

void rung_http1_block_free(struct rung_http1 *h, struct http1_block *block)
{
    if (block == NULL)
        return;
    if (h->block_spares < POOL_BLOCKS && h->closing == NULL) {
        block->next = h->blocks;
        h->blocks = block;
        h->block_spares++;
    } else {
        rung_free(h->p, block);
    }
}

void rung_http1_pool_empty(struct rung_http1 *h)
{
    while (h->works != NULL) {
        struct http1_work *w = h->works;
        h->works = w->next;
        rung_free(h->p, w);
    }
    while (h->blocks != NULL) {
        struct http1_block *block = h->blocks;
        h->blocks = block->next;
        rung_free(h->p, block);
    }
    h->work_spares = h->block_spares = 0;
}
