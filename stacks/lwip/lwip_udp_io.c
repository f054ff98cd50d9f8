/* SPDX-License-Identifier: ISC */
/* stacks/lwip/lwip_udp_io.c - datagrams in and out, by reference both ways. */
#include "lwip_udp.h"

#define UDP_TX_ROOM (LWIP_TX_FRAMES / 2) /* frames that may wait before send() is full */

static void udp_lent_release(struct rung_dgram *dgram)
{
    struct lwip_dgram *lent = rung_container_of(dgram, struct lwip_dgram, dgram);
    struct lwip_core *core = lent->core;
    core->pieces_out++; /* the core stays until both are freed */
    pbuf_free(lent->p);
    rung_free(core->p, lent);
    core->pieces_out--;
    rung_lwip_core_unref(core);
}

/* The datagram in one piece of ours: fragments are put together here, the one copy they cost. */
static struct pbuf *udp_flat(struct lwip_core *core, struct pbuf *p)
{
    if (!p->next && rung_lwip_piece_is(p) && !rung_lwip_link_is_short(core))
        return p;
    return rung_lwip_spare(core, p, false);
}

/* lwIP's callback: p is ours now. What nobody fetches is dropped, the newest first. */
void rung_lwip_udp_arrived(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *ip,
                           u16_t port)
{
    struct lwip_sock *sock = arg;
    struct lwip_core *core = sock->core;
    if (sock->rx_count == LWIP_UDP_WAITING) {
        pbuf_free(p);
        return;
    }
    struct lwip_dgram *lent = rung_alloc(core->p, sizeof(*lent));
    if (!lent) {
        pbuf_free(p);
        return;
    }
    *lent = (struct lwip_dgram){.core = core};
    lent->dgram.peer = rung_lwip_to_addr(ip, port);
    lent->dgram.local = rung_lwip_to_addr(ip_current_dest_addr(), pcb->local_port);
    lent->dgram.release = udp_lent_release;
    lent->p = udp_flat(core, p);
    if (!lent->p) {
        rung_free(core->p, lent);
        return;
    }
    lent->dgram.data = lent->p->payload;
    lent->dgram.len = lent->p->len;
    *sock->rx_end = &lent->dgram;
    sock->rx_end = &lent->dgram.next;
    sock->rx_count++;
    rung_lwip_dispatch_soon(core);
}

int rung_lwip_udp_recv(struct rung_udp_sock *base, struct rung_dgram *d[], unsigned n)
{
    struct lwip_sock *sock = lwip_sock(base);
    unsigned k = 0;
    while (k < n && sock->rx) {
        d[k] = sock->rx;
        sock->rx = d[k]->next;
        d[k]->next = NULL;
        k++;
    }
    sock->rx_count -= k;
    if (!sock->rx)
        sock->rx_end = &sock->rx;
    if (k < n)
        sock->rx_want = true;
    return (int)k;
}

/* A datagram on its way out, as a pbuf. */
struct udp_out {
    struct pbuf_custom pc;
    struct lwip_core *core;
    struct rung_dgram *dgram;
};

static void udp_out_free(struct pbuf *p)
{
    struct pbuf_custom *pc = rung_container_of(p, struct pbuf_custom, pbuf);
    struct udp_out *out = rung_container_of(pc, struct udp_out, pc);
    struct rung_dgram *dgram = out->dgram;
    rung_free(out->core->p, out);
    dgram->release(dgram);
}

/* PBUF_REF: lwIP makes a copy to keep while it asks for the neighbour's address. So only frames
 * that wait for the link show the app's bytes, and close() can drop those. */
static struct pbuf *udp_wrap(struct lwip_core *core, struct rung_dgram *dgram)
{
    struct udp_out *out = rung_alloc(core->p, sizeof(*out));
    if (!out)
        return NULL;
    out->core = core;
    out->dgram = dgram;
    out->pc.custom_free_function = udp_out_free;
    union {
        const uint8_t *given;
        void *kept;
    } bytes = {.given = dgram->data}; /* read only, whatever lwIP's type says */
    return pbuf_alloced_custom(PBUF_RAW, (u16_t)dgram->len, PBUF_REF, &out->pc, bytes.kept,
                               (u16_t)dgram->len);
}

static void udp_send_one(struct lwip_sock *sock, struct rung_dgram *dgram)
{
    struct lwip_core *core = sock->core;
    ip_addr_t to, from;
    struct pbuf *p;
    if (dgram->len > RUNG_UDP_MAX || !rung_lwip_from_addr(&to, &dgram->peer)
        || !(p = udp_wrap(core, dgram))) {
        dgram->release(dgram);
        return;
    }
    core->tx_owner = sock;
    if (dgram->local.family != RUNG_AF_NONE
        && rung_lwip_from_addr(&from, &dgram->local)
        && IP_GET_TYPE(&from) == IP_GET_TYPE(&to) && rung_lwip_addr_ours(core, &from))
        udp_sendto_if_src(sock->pcb, p, &to, dgram->peer.port, &core->netif, &from);
    else if (dgram->local.family == RUNG_AF_NONE)
        udp_sendto_if(sock->pcb, p, &to, dgram->peer.port, &core->netif);
    core->tx_owner = NULL;
    pbuf_free(p);
}

int rung_lwip_udp_send(struct rung_udp_sock *base, struct rung_dgram *const d[], unsigned n)
{
    struct lwip_sock *sock = lwip_sock(base);
    struct lwip_core *core = sock->core;
    unsigned k = 0;
    for (; k < n; k++) {
        if (core->tx_waiting >= UDP_TX_ROOM && !core->net_gone) {
            sock->tx_want = true;
            break;
        }
        udp_send_one(sock, d[k]);
    }
    return (int)k;
}

/* Tells one socket, whose app may close any of them; true: begin again. */
static bool udp_tell(struct lwip_core *core, struct lwip_sock *sock)
{
    unsigned events = 0;
    if (!sock->base.ready)
        return false;
    if (sock->rx_want && sock->rx) {
        sock->rx_want = false;
        events |= RUNG_UDP_RX;
    }
    if (sock->tx_want && core->tx_waiting < UDP_TX_ROOM / 2) {
        sock->tx_want = false;
        events |= RUNG_UDP_TX;
    }
    if (events)
        sock->base.ready(&sock->base, events);
    return events != 0;
}

void rung_lwip_udp_dispatch(struct lwip_core *core)
{
    struct lwip_node *node = core->sockets.next;
    unsigned left = 64; /* then the loop gets its turn */
    while (node != &core->sockets && left) {
        if (udp_tell(core, rung_container_of(node, struct lwip_sock, all))) {
            node = core->sockets.next;
            left--;
        } else {
            node = node->next;
        }
    }
    if (!left)
        rung_loop_defer(core->p, &core->dispatch_task);
}
