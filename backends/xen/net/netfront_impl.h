/* SPDX-License-Identifier: ISC */
/* backends/xen/net/netfront_impl.h - what the files of netfront share; nobody else includes it. */
#ifndef RUNG_NETFRONT_IMPL_H
#define RUNG_NETFRONT_IMPL_H

#include "netfront.h"
#include "xen/hypercall.h"

#define NETFRONT_RING 256u         /* slots of either ring: what fits in a page */
#define NETFRONT_PACKET_MAX 65535u /* XEN_NETIF_MAX_TX_SIZE, Ethernet header included */
#define NETFRONT_PACKET_SLOTS 18u  /* XEN_NETIF_NR_SLOTS_MIN: more a back end need not take */
#define NETFRONT_CELL 2048u        /* frames up to here are copied; see netfront_slot.c */
#define NETFRONT_HEAD 128u         /* of longer ones so much: IPv6 and the longest TCP are 114 */
#define NETFRONT_CELLS (RUNG_XEN_PAGE / NETFRONT_CELL)
#define NETFRONT_HEADS 256u        /* the longest headers of a frame that is cut here */
#define NETFRONT_ROOM 128u         /* free slots in which any frame fits, however it is cut */
#define NETFRONT_GROUPS 64u        /* multicast groups that a back end keeps (Linux) */
#define NETFRONT_VALUES 12u
#define NETFRONT_NONE UINT32_MAX

/* ---- netfront_shared.c: the only reads of shared pages. Each field is read once. ---- */
uint32_t rung_netfront_read32(const void *at);
uint64_t rung_netfront_read64(const void *at);

/* ---- Sending ---- */

/* One request. Its index is the id on the wire, and is used again only after the response. */
struct rung_netfront_slot {
    struct rung_frame *frame;            /* of a frame's first slot: released when left is 0 */
    struct rung_netfront_bounce *bounce; /* the page it shows, if that is one of ours */
    uint32_t ref;                        /* the grant that ends with it; 0: none does */
    uint16_t next;                       /* in the list of free ones */
    uint16_t owner;                      /* the frame's first slot, which stays taken to the end */
    uint16_t left;                       /* first slot: how many of the frame are out */
    uint16_t used;                       /* bytes of its cell that are not zero */
    uint8_t state;                       /* enum netfront_slot_state */
    bool lost;                           /* first slot: not carried over */
    bool mcast;                          /* no frame: adds a group */
};

enum netfront_slot_state { NETFRONT_FREE, NETFRONT_OUT, NETFRONT_ANSWERED, NETFRONT_STUCK };

struct rung_netfront_bounce { /* a page of ours for copies; its grant stays from use to use */
    struct rung_netfront_bounce *next;
    uint8_t *page;
    uint32_t ref;
    uint32_t used; /* bytes that are not zero */
};

struct rung_netfront_chunk;

struct rung_netfront_tables {
    struct rung_xen_key values[NETFRONT_VALUES];
    struct rung_netfront_slot slots[NETFRONT_RING];
    struct rung_netfront_page *posted[NETFRONT_RING];
    uint8_t *cells[NETFRONT_RING / NETFRONT_CELLS]; /* pages of cells, one for each slot */
    uint32_t cell_refs[NETFRONT_RING / NETFRONT_CELLS];
    struct rung_netfront_chunk *chunks;  /* memory of page structures */
    struct rung_netfront_page *unused;   /* those without a page */
    uint8_t groups[NETFRONT_GROUPS][6], told[NETFRONT_GROUPS][6];
};

/* A place in a frame, and what is to become one packet on the wire. */
struct netfront_cursor {
    const struct rung_frame *f;
    uint32_t at;
};

struct netfront_piece {
    const uint8_t *head; /* headers made anew, in front of the frame's own bytes; copied */
    uint32_t head_len;
    struct netfront_cursor from;
    uint32_t copy_len;   /* bytes from there that are copied; with head_len at most a cell */
    uint32_t rest_len;   /* bytes behind them, by reference */
    bool gather;         /* everything is copied */
    bool sum;            /* the sum is made here; with gather */
    uint16_t csum_start, csum_offset;
    uint16_t flags;      /* NETTXF_csum_blank and so on */
    uint16_t gso_size;   /* 0: no super-frame */
    uint8_t gso_type;
};

/* netfront_slot.c: writes the packet into the ring, not yet shown. *owner: the frame's first slot,
 * NETFRONT_NONE before its first packet. False: out of memory or grants; nothing has changed. */
bool rung_netfront_piece(struct rung_netfront *nf, const struct netfront_piece *piece,
                         uint32_t *owner);
uint32_t rung_netfront_slot_get(struct rung_netfront *nf, uint32_t *owner);
void rung_netfront_slot_init(struct rung_netfront *nf); /* all free but those that are stuck */
void rung_netfront_pages_end(struct rung_netfront *nf, bool resumed); /* cells and bounces */

/* How many slots len bytes from a place on take by reference. */
unsigned rung_netfront_count(struct netfront_cursor from, uint32_t len);
void rung_netfront_skip(struct netfront_cursor *cursor, uint32_t len);

/* netfront_cut.c: sends a frame that does not fit in one packet as it is. There is NETFRONT_ROOM.
 * False: part of it, or all, is lost; *owner is NETFRONT_NONE if nothing at all was sent. */
bool rung_netfront_cut(struct rung_netfront *nf, const struct rung_frame *f, uint32_t len,
                       uint32_t *owner);

/* netfront_tx.c */
int rung_netfront_send(struct rung_net *net, struct rung_frame *const f[], unsigned n);
uint32_t rung_netfront_room(const struct rung_netfront *nf);
void rung_netfront_tx_push(struct rung_netfront *nf);

/* netfront_done.c: takes in responses. */
void rung_netfront_collect(struct rung_netfront *nf);
/* Asks to be told of responses if somebody waits for them. True: they are there already. */
bool rung_netfront_arm(struct rung_netfront *nf);
/* Everything in flight is lost. Grants are nobody's any more after a resume. */
void rung_netfront_tx_end(struct rung_netfront *nf, bool resumed);
/* A slot of a packet that was never shown. */
void rung_netfront_slot_undo(struct rung_netfront *nf, uint32_t id, uint32_t *owner);
/* Tries stuck slots again; with force, they are given up. */
void rung_netfront_unstick(struct rung_netfront *nf, bool resumed, bool force);

/* ---- Receiving ---- */

struct rung_netfront_page {
    struct rung_frame frame;
    struct rung_netfront *nf;
    struct rung_netfront_page *next; /* free ones; or the rest of a lent frame, whose frame.next is
                                        the borrower's */
    uint8_t *bytes;                  /* NULL: without memory */
    uint32_t ref;                    /* 0: the back end does not have it */
    bool lent;                       /* to the reader; of a frame's first page */
    bool dirty;                      /* its reader may have written to it */
};

/* netfront_pool.c */
#define NETFRONT_POST_MIN 64u /* requests to have out, and pages that readers cannot have */
#define NETFRONT_LIMIT_MIN (512u << 10)
bool rung_netfront_pool_first(struct rung_netfront *nf); /* NETFRONT_POST_MIN pages, or not */
void rung_netfront_pool_end(struct rung_netfront *nf);
bool rung_netfront_may_lend(struct rung_netfront *nf, unsigned pages);
void rung_netfront_page_put(struct rung_netfront *nf, struct rung_netfront_page *page);
bool rung_netfront_page_take_back(struct rung_netfront *nf, struct rung_netfront_page *page);
void rung_netfront_release(struct rung_frame *frame);
void rung_netfront_post(struct rung_netfront *nf); /* requests, up to the target */
void rung_netfront_rx_end(struct rung_netfront *nf, bool resumed);

/* netfront_rx.c */
int rung_netfront_recv(struct rung_net *net, struct rung_frame *f[], unsigned n);
bool rung_netfront_rx_waits(const struct rung_netfront *nf); /* responses are there */
void rung_netfront_rx_drop(struct rung_netfront *nf); /* counts what nobody will take */

/* netfront_head.c: what the headers say, of frames whose bytes nobody changes. */

/* Fills in flags, csum_*, gso_* and hdr_len of a received frame of len bytes. False: the back end's
 * words and the frame's do not agree. */
bool rung_netfront_head_in(struct rung_frame *f, uint32_t len, bool blank, bool validated,
                           uint8_t gso_type, uint16_t gso_size);

/* Whether a back end can tell from the frame where its sum goes. ipv6: it makes them there too. */
bool rung_netfront_head_sums(const struct rung_frame *f, bool ipv6);

/* Where IP starts, 0 if it is not there. */
uint32_t rung_netfront_head_ip(const uint8_t *data, uint32_t len);

/* The sum of RFC 1071 of len bytes, added to sum and not folded; odd: they begin at an odd
 * place. */
uint64_t rung_netfront_sum(const uint8_t *data, uint32_t len, uint64_t sum, bool odd);
uint16_t rung_netfront_fold(uint64_t sum);

/* ---- The rest ---- */

/* netfront_ring.c: the driver of the device. */
extern const struct rung_xen_driver rung_netfront_driver;

/* netfront_open.c: info of the back end's keys, or whether it still does what info says. */
enum rung_err rung_netfront_learn(struct rung_netfront *nf);

/* netfront_link.c */
void rung_netfront_tell(struct rung_netfront *nf, unsigned events);
void rung_netfront_link(struct rung_netfront *nf, bool up);
void rung_netfront_lost(struct rung_netfront *nf);
void rung_netfront_lie(struct rung_netfront *nf, const char *why); /* gives the device up */
void rung_netfront_link_init(struct rung_netfront *nf);
void rung_netfront_close(struct rung_net *net, struct rung_op *op);
void rung_netfront_close_go(struct rung_netfront *nf); /* what a close waited for has happened */
/* For the frames that were there before anybody could be told of them: no event follows these. */
void rung_netfront_rx_look(struct rung_netfront *nf);
void rung_netfront_on_tx(struct rung_xen_event *event);
void rung_netfront_on_rx(struct rung_xen_event *event);

/* netfront_mcast.c */
int rung_netfront_set_multicast(struct rung_net *net, const uint8_t (*groups)[6], unsigned n);
void rung_netfront_mcast_sync(struct rung_netfront *nf);
void rung_netfront_mcast_answer(struct rung_netfront *nf, bool ok);
void rung_netfront_mcast_end(struct rung_netfront *nf);

#endif
