/* SPDX-License-Identifier: ISC */
/* stacks/lwip/lwip_int.h - what the files of module lwip share. Not for others.
 * A connection's life: made at the first SYN (half open) or by connect() -> open, waiting for
 * accept() -> the app's -> let go by the app, until what it gave is acknowledged -> freed. lwIP's
 * part of it, the pcb, may end before, and outlives it while lwIP waits for the peer's FIN or in
 * TIME-WAIT.
 * lwIP's callbacks only note what has happened: the app hears of it from rung_lwip_dispatch(), when
 * lwIP has been left. */
#ifndef RUNG_LWIP_INT_H
#define RUNG_LWIP_INT_H

#include "lwip.h"
#include "lwip_node.h"
#include "rung/heap.h"
#include "rung/log.h"
#include "rung/net.h"

#include "lwip/dns.h"
#include "lwip/etharp.h"
#include "lwip/netif.h"
#include "lwip/pbuf.h"
#include "lwip/tcp.h"
#include "lwip/udp.h"

#define LWIP_BATCH 64u       /* frames taken from, and given to, the link in one call */
#define LWIP_FRAMES_HELD 96u /* of the link's, beyond which received bytes are copied */
#define LWIP_HEAD 128u       /* Ethernet, IPv6 and the longest TCP header are 114 */
#define LWIP_RUNS 20u        /* fragments of a frame to send: one head, and pieces of payload */
#define LWIP_SEGMENTS 64u    /* segments in a super-frame, at most */
#define LWIP_TX_FRAMES 512u  /* waiting for the link, at most */
#define LWIP_ETHERNET_HEAD 14u

#define LWIP_CACHE_STEP 32u /* bytes; sizes are rounded up to that */
#define LWIP_CACHE_CLASSES 16u

struct lwip_conn;
struct lwip_dns;
struct lwip_listener;
union port_head;

/* Received bytes: a fragment of a frame that the link lent, or a copy on the heap. To lwIP a
 * pbuf, to the app a buffer. */
struct lwip_piece {
    struct pbuf_custom pc; /* first */
    struct rung_buf buf;
    struct lwip_core *core;
    struct lwip_conn *conn;    /* to whose app it is lent, or NULL */
    struct lwip_piece *first;  /* of the frame; that one counts */
    struct rung_frame *frame;  /* in the first: the link's. NULL: a copy */
    uint32_t count;            /* in the first: pieces that still need the frame */
    uint32_t copied;           /* bytes of heap behind it, if it is a copy */
    uint32_t window;           /* bytes to give back to the peer's window */
    struct lwip_piece *free;
};

/* A frame to send. Its headers are a copy: lwIP changes its own when it sends again. */
struct lwip_tx {
    struct rung_frame frag[LWIP_RUNS];
    struct lwip_core *core;
    const void *owner; /* the UDP socket whose datagram it carries, or NULL */
    struct lwip_tx *next;
    struct lwip_node flying; /* in core->tx_flying, oldest first */
    uint64_t serial;
    struct pbuf *pbufs[LWIP_SEGMENTS]; /* that the fragments point into */
    unsigned pbuf_count, runs;
    uint32_t len;       /* of the whole frame */
    uint16_t head_len;  /* Ethernet, IP and TCP headers; 0: it cannot grow */
    uint16_t size;      /* payload of its segments, all but the last */
    uint32_t next_seq;  /* of the segment that may follow */
    uint8_t *flat;      /* for links that take one fragment: room for a whole frame */
    uint8_t *head;      /* the headroom's end */
    uint8_t room[];
};

/* Buffers that nobody needs but frames on their way, made up to some serial number. */
struct lwip_limbo {
    struct rung_buf *first, **end;
    uint64_t serial;
};

/* The connections of one hash value: lwIP's two lists, while they are not in use. */
struct lwip_bucket {
    struct tcp_pcb *active, *waiting;
};

struct lwip_core {
    struct rung_platform *p;
    struct rung_net *net;
    struct rung_lwip *self; /* NULL once stopped */
    const char *slot;
    struct netif netif;

    /* keys */
    uint32_t backlog, max_conns, max_half_open, max_waiting;
    uint16_t mtu; /* 0: the link's */
    uint64_t max_memory, max_copied, max_tx;
    size_t tx_buffer;
    uint64_t linger_ns;

    /* lwip_port.c */
    uint64_t memory; /* bytes that lwIP has, with those kept for it */
    union port_head *cache[LWIP_CACHE_CLASSES];
    size_t cached; /* bytes in there */
    uint32_t random[16];
    unsigned random_left;

    /* lwip_demux.c */
    struct lwip_bucket *buckets;
    struct lwip_bucket *entered; /* whose lists lwIP has now */
    uint64_t *buckets_used; /* a bit for each that may not be empty */
    uint32_t bucket_mask;
    bool joined; /* lwIP has all lists as one */
    uint64_t hash_key[6];

    /* lwip_rx.c */
    struct lwip_piece *free_pieces;
    unsigned frames_held;
    uint64_t copied;
    unsigned pieces_out;
    struct rung_task rx_task; /* there is more */

    /* lwip_tx.c */
    struct lwip_tx *free_tx;
    unsigned tx_made;
    struct lwip_tx *tx_head, **tx_end; /* to be given to the link */
    struct lwip_tx *tx_last;
    const void *tx_owner; /* of the frames that are made now */
    unsigned tx_waiting;        /* frames in that list */
    struct lwip_node tx_flying; /* frames that the link has */
    uint64_t tx_serial;         /* of the last frame made */
    struct lwip_limbo limbo[2]; /* the older, and what came since */
    bool tx_full;                   /* the link has no room */
    bool tx_starved;                /* a segment found no frame: lwIP must be asked again */
    bool in_turn;                   /* what leaves is flushed when the turn ends */
    bool flushing, net_gone;
    struct rung_task flush_task;

    /* lwip_neighbor.c */
    unsigned nd_asked; /* IPv6 neighbours that may not have answered yet */
    unsigned arp_asked, errors; /* our questions, and ICMPv6's errors, since the last tick */

    /* lwip_timer.c */
    struct rung_timer tcp_timer, slow_timer, group_timer;
    unsigned slow_ticks, tcp_ticks;

    /* lwip_addr.c */
    struct rung_cidr static4, static6;
    struct rung_addr gateway;
    uint64_t dhcp_since_ns, clash_due_ns;
    unsigned dhcp_told;
    uint32_t told4;
    uint8_t told6[LWIP_IPV6_NUM_ADDRESSES];

    /* lwip_dhcp.c */
    uint64_t dhcp_said_ns; /* before then nothing is said of what is not taken */
    unsigned dhcp_refused; /* by the server or by us, since the last lease */
    bool dhcp_pause;       /* what lwIP asks next is not sent */

    /* TCP */
    uint64_t tx_bytes; /* taken from all apps */
    struct lwip_node conns;     /* all of them */
    struct lwip_node half_open; /* oldest first */
    struct lwip_node pending;   /* connections with events to tell */
    struct lwip_node mute;      /* the same, but nobody listens yet */
    struct lwip_node unacknowledged; /* connections that may owe the peer an acknowledgement */
    struct lwip_node overdue;        /* those that owe it in this turn */
    struct lwip_node watched;        /* connections that wait for one, in the order of time */
    struct lwip_node unordered;      /* those that keep data out of order, see lwip_unordered.c */
    struct lwip_node listeners;
    struct lwip_node doomed; /* connections to be aborted when lwIP has been left */
    uint32_t conn_count, half_count;
    uint64_t full_warn_ns; /* before then nothing is said of too many */
    struct rung_task dispatch_task;
    bool dispatching;

    /* UDP */
    struct lwip_node sockets;

    /* DNS */
    struct rung_addr dns_key;      /* family NONE: those that we were told of */
    uint32_t dhcp_servers[2];      /* their addresses, or 0 */
    uint32_t dhcp_heard[2];        /* of a lease that is granted, and not taken yet */
    struct lwip_dns *dns; /* NULL: nobody has asked yet */

    /* stop */
    struct rung_op *stopping[3]; /* enum lwip_part */
    unsigned stopped;
};

enum lwip_stage { LWIP_HALF, LWIP_CALLING, LWIP_QUEUED, LWIP_OPEN, LWIP_LET_GO };

struct lwip_conn {
    struct rung_tcp_conn base;
    struct lwip_core *core;
    struct tcp_pcb *pcb;  /* NULL: lwIP has let go of it */
    struct lwip_node all; /* in core->conns */
    struct lwip_node at;  /* in half_open or a listener's queue */
    struct lwip_node due; /* in pending, mute or doomed, or alone */
    struct lwip_node ack; /* in unacknowledged or overdue, or alone */
    struct lwip_listener *listener;   /* while half open or queued */
    struct rung_tcp_connect *calling; /* while connecting */
    struct lwip_bucket *bucket;
    uint64_t linger_due_ns;

    struct pbuf *rx; /* received and not lent yet; one list of single pbufs */
    struct pbuf **rx_end;
    unsigned lent; /* pieces that the app has */
    uint32_t held; /* received bytes, waiting and lent */

    struct rung_buf *tx;      /* taken from the app, oldest first */
    struct rung_buf **tx_end;
    struct rung_buf *feed; /* the first that lwIP does not have whole */
    size_t fed;            /* bytes of it that lwIP has */
    size_t acked;          /* bytes of the oldest that the peer has */
    size_t queued;         /* bytes in tx */

    uint32_t recover; /* recovering: until the peer has all up to here */
    uint8_t duplicates;
    bool recovering, asked; /* asked: for an answer, in vain so far; once suffices */
    struct lwip_node watch; /* in core->watched, or alone */
    uint64_t watched_ns;    /* since then */
    uint32_t watched;       /* the highest acknowledgement at that time */
    struct lwip_node unordered; /* in core->unordered, or alone */
    uint32_t missing;           /* the byte that was to come next when it was put there */

    int error; /* RUNG_E_RESET, RUNG_E_TIMEDOUT: it is dead */
    unsigned events;
    uint8_t stage; /* enum lwip_stage */
    bool rx_want : 1; /* recv() came short: RX is due */
    bool tx_want : 1;
    bool rx_end_seen : 1; /* FIN came */
    bool tx_shut : 1;     /* FIN goes behind tx */
    bool tx_fin : 1;      /* and has gone to lwIP */
    bool told_down : 1;
    bool busy : 1; /* its buffers go back to the app, who may end it meanwhile */
    bool doomed : 1;
};

struct lwip_listener {
    struct rung_tcp_listener base;
    struct lwip_core *core;
    struct tcp_pcb *pcb;
    struct lwip_node all;
    struct lwip_node queue; /* connections that wait for accept() */
    uint32_t queued, backlog;
    bool want; /* accept() came short: ready is due */
};

/* lwip_port.c: lwIP's functions have no argument that leads back to us. */
bool rung_lwip_port_begin(struct lwip_core *core); /* false: there is one already */
void rung_lwip_port_end(void);
struct lwip_core *rung_lwip_port_core(void);
void rung_lwip_port_trim(struct lwip_core *core); /* frees what is kept for later */
uint64_t rung_lwip_port_left(const struct lwip_core *core); /* of tcp.memory */
bool rung_lwip_port_is_short(const struct lwip_core *core); /* the rest is for old connections */

/* lwip_demux.c */
enum rung_err rung_lwip_demux_open(struct lwip_core *core);
struct lwip_bucket *rung_lwip_bucket(struct lwip_core *core, const ip_addr_t *local,
                                     uint16_t local_port, const ip_addr_t *peer,
                                     uint16_t peer_port);
/* Between these two lwIP has the lists of one bucket, or of all. They do not nest. */
void rung_lwip_enter(struct lwip_core *core, struct lwip_bucket *bucket);
void rung_lwip_leave(struct lwip_core *core);
void rung_lwip_join(struct lwip_core *core);
void rung_lwip_part(struct lwip_core *core);
void rung_lwip_real_tcp_input(struct pbuf *p, struct netif *inp); /* lwIP's own */
struct tcp_hdr;
/* The connection of a list that the segment being taken in belongs to; or NULL. */
struct tcp_pcb *rung_lwip_pcb_of(struct tcp_pcb *pcb, const struct tcp_hdr *head);

/* lwip_guard.c: against what lwIP would take. */
void rung_lwip_guard_mss(struct tcp_pcb *pcb);
void rung_lwip_guard_reopen(struct lwip_core *core, struct lwip_bucket *bucket,
                            const struct tcp_hdr *head);
bool rung_lwip_guard_refuses(struct lwip_conn *conn, struct tcp_pcb *pcb, struct pbuf *p);
void rung_lwip_guard_persist(void); /* joined */

/* lwip_loss.c: before and after lwIP is given a segment. */
struct lwip_ack {
    struct lwip_conn *conn; /* NULL: nothing of it is on its way */
    uint32_t before;        /* the highest acknowledgement so far */
    bool duplicate;
};
void rung_lwip_loss_look(struct lwip_conn *conn, const struct pbuf *p, struct lwip_ack *ack);
void rung_lwip_loss_act(const struct lwip_ack *ack);
void rung_lwip_loss_watch(struct lwip_conn *conn);
void rung_lwip_loss_tick(struct lwip_core *core);

/* lwip_timer.c */
void rung_lwip_timers_start(struct lwip_core *core);
void rung_lwip_timers_stop(struct lwip_core *core);
void rung_lwip_acknowledge(struct lwip_node *ring); /* unacknowledged or overdue, to its end */

/* lwip_rx.c */
void rung_lwip_receive(struct lwip_core *core); /* what the link has */
void rung_lwip_receive_task(struct rung_task *task);
void rung_lwip_pieces_free(struct lwip_core *core);
bool rung_lwip_piece_is(const struct pbuf *p); /* or some pbuf of lwIP's own */
bool rung_lwip_link_is_short(const struct lwip_core *core); /* it needs its frames back */
/* A copy in place of p, which is freed; NULL: copies have used up their memory, and no data out of
 * order was there to give up. Those who hold nothing yet are poor, and get more. */
struct pbuf *rung_lwip_spare(struct lwip_core *core, struct pbuf *p, bool poor);
/* A piece with a copy of len bytes at a pbuf's offset; NULL: no memory. */
struct lwip_piece *rung_lwip_piece_copy(struct lwip_core *core, const struct pbuf *p, uint16_t at,
                                        uint16_t len);

/* lwip_unordered.c */
void rung_lwip_unordered_note(struct lwip_conn *conn);
void rung_lwip_unordered_drop(struct lwip_conn *conn);
void rung_lwip_unordered_yield(struct lwip_core *core, uint32_t len);
/* Of a segment that came for pcb, or for none: what lwIP may have; NULL: nothing. */
struct pbuf *rung_lwip_unordered_spare(struct lwip_core *core, const struct tcp_pcb *pcb,
                                       struct pbuf *p);

/* lwip_tx.c */
err_t rung_lwip_output(struct netif *netif, struct pbuf *p);
void rung_lwip_flush(struct lwip_core *core); /* gives the link what waits */
void rung_lwip_tx_ready(struct lwip_core *core);
void rung_lwip_tx_drop(struct lwip_core *core); /* what waits is lost */
void rung_lwip_tx_drop_of(struct lwip_core *core, const void *owner); /* what waits of one */
void rung_lwip_tx_free(struct lwip_core *core);
/* Releases buffers that the app gave: now, or when no frame on its way shows their bytes any
 * more. */
void rung_lwip_give_back(struct lwip_core *core, struct rung_buf *buf);

/* lwip_neighbor.c */
err_t rung_lwip_output4(struct netif *netif, struct pbuf *p, const ip4_addr_t *to);
err_t rung_lwip_output6(struct netif *netif, struct pbuf *p, const ip6_addr_t *to);

/* lwip_super.c: a frame of headers and payload, which segments may be added to. */
/* False: it is in too many pieces for the link. */
bool rung_lwip_super_begin(struct lwip_tx *tx, struct pbuf *p);
bool rung_lwip_super_add(struct lwip_tx *tx, struct pbuf *p);
void rung_lwip_super_end(struct lwip_tx *tx); /* before it leaves: lengths, sums, offload */
bool rung_lwip_run_add(struct lwip_tx *tx, uint8_t *data, uint32_t len);

/* lwip_addr.c */
enum rung_err rung_lwip_addr_open(struct lwip_core *core, const struct rung_lwip_keys *keys);
void rung_lwip_addr_close(struct lwip_core *core);
void rung_lwip_addr_slow(struct lwip_core *core); /* once a second */
void rung_lwip_addr_clash6(struct lwip_core *core, s8_t index); /* somebody else has it */
void rung_lwip_addr_link_up(struct lwip_core *core);
void rung_lwip_addr_arp(struct lwip_core *core, const uint8_t *arp); /* one that came, 28 bytes */
bool rung_lwip_addr_ours(struct lwip_core *core, const ip_addr_t *ip);
/* Whether it can be one host's in a network of that mask (RFC 1122 3.2.1.3, RFC 3021). */
bool rung_lwip_addr_is_host(const ip4_addr_t *ip, const ip4_addr_t *mask);
/* 0: a route leads there; UNREACH; INVAL: to that address none ever will, it is no other host's. */
int rung_lwip_addr_way(struct lwip_core *core, const ip_addr_t *ip);
bool rung_lwip_from_addr(ip_addr_t *ip, const struct rung_addr *addr);
struct rung_addr rung_lwip_to_addr(const ip_addr_t *ip, uint16_t port);

/* lwip_dhcp.c: dhcp.c calls these as udp_sendto_if_src(), and as netif_set_addr() for each lease
 * and when there is none any more. */
err_t rung_lwip_port_dhcp_send(struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *to, u16_t port,
                               struct netif *netif, const ip_addr_t *from);
void rung_lwip_port_dhcp_lease(struct netif *netif, const ip4_addr_t *ip, const ip4_addr_t *mask,
                               const ip4_addr_t *gw);

/* lwip_tcp.c, lwip_conn.c */
struct lwip_conn *rung_lwip_conn_new(struct lwip_core *core);
void rung_lwip_conn_attach(struct lwip_conn *conn, struct tcp_pcb *pcb);
void rung_lwip_conn_detach(struct lwip_conn *conn); /* lwIP will not speak of it any more */
void rung_lwip_conn_event(struct lwip_conn *conn, unsigned events);
void rung_lwip_conn_dies(struct lwip_conn *conn, int error);
void rung_lwip_conn_abort(struct lwip_conn *conn); /* RST; not from within lwIP */
void rung_lwip_conn_doom(struct lwip_conn *conn);  /* the same, from within */
void rung_lwip_conn_reap(struct lwip_conn *conn);  /* frees it if nobody needs it any more */
void rung_lwip_dispatch(struct lwip_core *core);
void rung_lwip_dispatch_soon(struct lwip_core *core);
void rung_lwip_dispatch_task(struct rung_task *task);
void rung_lwip_turn_end(struct lwip_core *core); /* tells the apps, then flushes */

/* lwip_send.c */
int rung_lwip_send(struct rung_tcp_conn *base, struct rung_buf *const b[], unsigned n);
void rung_lwip_conn_move(struct lwip_conn *conn); /* buffers back to the app, bytes to lwIP */
void rung_lwip_conn_unsend(struct lwip_conn *conn); /* releases all that was taken */

/* lwip_listen.c */
int rung_lwip_listen(struct rung_tcp *tcp, const struct rung_tcp_listen *how,
                     struct rung_tcp_listener **listener);
void rung_lwip_unlisten(struct rung_tcp_listener *listener);
int rung_lwip_accept(struct rung_tcp_listener *listener, struct rung_tcp_conn **conn);
void rung_lwip_half_trim(struct lwip_core *core); /* forgets the oldest half-open ones */
bool rung_lwip_port_taken(struct lwip_core *core, uint16_t port);

/* lwip_connect.c */
void rung_lwip_connect(struct rung_tcp *tcp, struct rung_tcp_connect *how);
void rung_lwip_connect_end(struct lwip_conn *conn, int result);

void rung_lwip_udp_dispatch(struct lwip_core *core); /* lwip_udp_io.c */

/* lwip_open.c */
enum lwip_part { LWIP_TCP_PART, LWIP_UDP_PART, LWIP_DNS_PART };
#define LWIP_ALL_PARTS 7u
void rung_lwip_stopped(struct lwip_core *core, enum lwip_part part, struct rung_op *op);
void rung_lwip_stop_check(struct lwip_core *core); /* ends a stop when the link holds nothing */
void rung_lwip_core_unref(struct lwip_core *core); /* when a piece has come back */

#endif
