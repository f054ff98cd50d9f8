/* SPDX-License-Identifier: ISC */
/* stacks/http/http1_room.c - what all connections together may hold in memory: pieces of values on
 * their way to clients, and bodies on their way from them.
 * A piece is at most a share of what is left, so that the first clients that read nothing cannot
 * take all, and never less than HTTP1_PIECE_MIN, so that each client gets on, if more slowly: the
 * bound may be passed by that much for each connection. A body needs its room as a whole, or is
 * told to come again. Values that a store lends in place (RUNG_KV_IN_PLACE) take nothing. */
#include "http1_int.h"

#define ROOM_SHARES 64 /* pieces are cut when less than so many whole ones are left */

size_t rung_http1_piece_most(const struct http1_work *w)
{
    const struct rung_http1 *h = w->http1;
    if (w->kv.in_place)
        return HTTP1_PIECE;
    uint64_t share = h->memory > h->held ? (h->memory - h->held) / ROOM_SHARES : 0;
    if (share >= HTTP1_PIECE)
        return HTTP1_PIECE;
    return share > HTTP1_PIECE_MIN ? (size_t)share : HTTP1_PIECE_MIN;
}

void rung_http1_piece_charge(struct http1_piece *piece, size_t bytes)
{
    struct rung_http1 *h = piece->work->http1;
    uint32_t charge = piece->work->kv.in_place ? 0 : (uint32_t)bytes;
    h->held = h->held - piece->charge + charge;
    piece->charge = charge;
}

void rung_http1_piece_release(struct http1_piece *piece)
{
    piece->lent = false;
    rung_http1_piece_charge(piece, 0);
    rung_buf_release(&piece->get.value);
}

bool rung_http1_body_charge(struct http1_work *w, size_t bytes)
{
    struct rung_http1 *h = w->http1;
    uint64_t held = h->held - w->in.body_cap + bytes;
    if (held > h->memory && bytes > w->in.body_cap)
        return false;
    h->held = held;
    w->in.body_cap = bytes;
    return true;
}
