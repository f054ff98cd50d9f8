/* SPDX-License-Identifier: ISC */
/* test/xen-fake/netfront_testing.c - see netfront_testing.h. */
#include "netfront_testing.h"

enum { NF_ROOM = 20 * 4096 };

void nf_begin_small(struct nf_test *t, const struct netback_config *config,
                    const struct fake_config *guest)
{
    memset(t, 0, sizeof(*t));
    t->p = test_platform_new();
    t->fake = fake_new(t->p, guest);
    t->back = netback_new(t->fake, "0", config);
    t->keys = (struct rung_netfront_keys){
        .slot = "net", .wait = UINT64_C(10000000000), .offload = true, .rx_memory = 1 << 20,
    };
}

void nf_begin(struct nf_test *t, const struct netback_config *config)
{
    nf_begin_small(t, config, NULL);
}

static void nf_on_ready(struct rung_net *net, unsigned events, void *arg)
{
    struct nf_test *t = arg;
    assert_ptr_equal(net, t->net);
    assert_true(t->open);
    t->rx_events += (events & RUNG_NET_RX_READY) != 0;
    t->tx_events += (events & RUNG_NET_TX_READY) != 0;
    t->link_events += (events & RUNG_NET_LINK) != 0;
}

enum rung_err nf_open(struct nf_test *t)
{
    struct rung_netfront_needs needs = {0};
    enum rung_err err = rung_netfront_open(&t->front, t->p, &t->keys, &needs);
    if (err)
        return err;
    t->net = &t->front.net;
    t->net->ready = nf_on_ready;
    t->net->arg = t;
    t->open = true;
    return RUNG_OK;
}

struct nf_closing {
    struct rung_op op;
    bool done;
};

static void nf_on_closed(struct rung_op *op, int result)
{
    assert_int_equal(result, RUNG_OK);
    rung_container_of(op, struct nf_closing, op)->done = true;
}

static bool nf_is_closed(void *arg)
{
    return ((struct nf_closing *)arg)->done;
}

void nf_close(struct nf_test *t)
{
    struct nf_closing closing = {.op.done = nf_on_closed};
    rung_net_close(t->net, &closing.op);
    t->open = false;
    test_run_until(t->p, nf_is_closed, &closing);
    assert_int_equal(fake_guest_watches(t->fake), 0);
}

void nf_end(struct nf_test *t)
{
    if (t->open)
        nf_close(t);
    netback_free(t->back);
    fake_free(t->fake);
    test_platform_free(t->p);
}

static uint8_t nf_byte(uint32_t at, uint8_t seed)
{
    return (uint8_t)(at * 7 + seed * 13u + (at >> 8));
}

static void nf_fill(uint8_t *to, uint32_t len, uint8_t seed)
{
    static const uint8_t head[14] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0x16, 0x3e, 0, 0, 1,
                                     0x88, 0xb5};
    memcpy(to, head, sizeof(head));
    for (uint32_t i = sizeof(head); i < len; i++)
        to[i] = nf_byte(i, seed);
}

static void nf_released(struct rung_frame *frame)
{
    struct nf_out *out = rung_container_of(frame, struct nf_out, frame[0]);
    assert_int_equal(out->released, 0);
    out->released++;
    if (out->then)
        out->then(out);
}

void nf_make(struct nf_out *out, uint32_t len, uint32_t offset, uint8_t seed)
{
    void *block = NULL;
    memset(out, 0, sizeof(*out));
    assert_true(offset + len < NF_ROOM);
    assert_int_equal(posix_memalign(&block, 4096, NF_ROOM), 0);
    out->block = block;
    memset(out->block, NF_SECRET, NF_ROOM);
    nf_fill(out->block + offset, len, seed);
    out->frame[0] = (struct rung_frame){
        .data = out->block + offset, .len = len, .release = nf_released,
    };
}

void nf_cut(struct nf_out *out, uint32_t at, unsigned frag)
{
    struct rung_frame *f = &out->frame[frag], *next = &out->frame[frag + 1];
    assert_true(at > 0 && at < f->len && !f->next);
    *next = (struct rung_frame){.data = f->data + at, .len = f->len - at};
    f->len = at;
    f->next = next;
}

void nf_tcp(struct nf_out *out, uint32_t len, uint16_t gso_size, bool ipv6)
{
    struct rung_frame *f = &out->frame[0];
    uint8_t *ip = f->data + 14;
    uint32_t l4 = ipv6 ? 54 : 34;
    memset(ip, 0, l4 - 14 + 20);
    f->data[12] = ipv6 ? 0x86 : 0x08;
    f->data[13] = ipv6 ? 0xdd : 0x00;
    ip[0] = ipv6 ? 0x60 : 0x45;
    ip[ipv6 ? 6 : 9] = 6;
    ip[ipv6 ? 4 : 2] = (uint8_t)((len - (ipv6 ? 54 : 14)) >> 8);
    ip[ipv6 ? 5 : 3] = (uint8_t)(len - (ipv6 ? 54 : 14));
    f->data[l4 + 12] = 5 << 4;
    f->flags = RUNG_FRAME_CSUM;
    f->csum_start = (uint16_t)l4;
    f->csum_offset = 16;
    f->hdr_len = (uint16_t)(l4 + 20);
    f->gso_size = gso_size;
    f->gso_type = (uint8_t)(!gso_size ? RUNG_GSO_NONE : ipv6 ? RUNG_GSO_TCP6 : RUNG_GSO_TCP4);
}

int nf_send(struct nf_test *t, struct nf_out *out)
{
    struct rung_frame *f = &out->frame[0];
    return rung_net_send(t->net, &f, 1);
}

void nf_free(struct nf_out *out)
{
    free(out->block);
}

void nf_expect(struct nf_test *t, const struct nf_out *out, uint32_t len)
{
    assert_true(netback_take(t->back, &t->packet));
    assert_int_equal(t->packet.len, len);
    assert_memory_equal(t->packet.bytes, out->frame[0].data, len);
}

void nf_packet(struct nf_test *t, uint32_t len, uint8_t seed)
{
    memset(&t->packet, 0, offsetof(struct netback_packet, bytes));
    t->packet.len = len;
    nf_fill(t->packet.bytes, len, seed);
}

bool nf_inject(struct nf_test *t, uint32_t len, uint8_t seed)
{
    nf_packet(t, len, seed);
    return netback_send(t->back, &t->packet);
}

struct rung_frame *nf_recv(struct nf_test *t)
{
    struct rung_frame *f = NULL;
    int k = rung_net_recv(t->net, &f, 1);
    return k == 1 ? f : NULL;
}

uint32_t nf_len(const struct rung_frame *f)
{
    uint32_t len = 0;
    for (; f; f = f->next)
        len += f->len;
    return len;
}

void nf_settle(struct nf_test *t)
{
    fake_settle(t->fake);
}

void nf_advance_ms(struct nf_test *t, unsigned ms)
{
    rung_virtual_advance_ns(t->p, ms * UINT64_C(1000000));
}

bool nf_log_has(struct nf_test *t, const char *text)
{
    return strstr(rung_virtual_log(t->p), text) != NULL;
}

unsigned nf_log_errors(struct nf_test *t)
{
    unsigned count = 0;
    for (const char *at = rung_virtual_log(t->p); (at = strstr(at, "error")); at++)
        count++;
    return count;
}
