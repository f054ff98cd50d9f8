/* SPDX-License-Identifier: ISC */
/* test/xen-fake/netfront_fuzz.c - netfront with a back end whose every move is the fuzzer's:
 * features and other keys, states in any order, responses, indexes, requests overwritten, pages
 * kept mapped, notifications for nothing; between them an honest back end's moves, and a stack's.
 * Whatever happens, each frame is released once, with its bytes as they were until then, and
 * nothing is left when the device is closed. */
#include <stdlib.h>

#include "netback.h"
#include "netfront_impl.h"
#include "rung/heap.h"
#include "virtual/virtual.h"

#include <xen/io/xenbus.h>

enum { FUZZ_FRAMES = 64, FUZZ_HELD = 64, FUZZ_KEPT = 32, FUZZ_STEPS = 400 };

struct fuzz_frame {
    struct rung_frame frag[3];
    uint8_t *bytes;
    uint32_t len;
    bool flying;
};

struct fuzz {
    const uint8_t *data;
    size_t left;
    struct rung_platform *p;
    struct fake *fake;
    struct netback *back;
    struct rung_netfront front;
    struct rung_netfront_keys keys;
    struct fuzz_frame frame[FUZZ_FRAMES];
    struct rung_frame *held[FUZZ_HELD];
    unsigned held_count;
    uint32_t kept[FUZZ_KEPT];
    unsigned kept_count;
    struct netback_packet packet;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t fuzz_get(struct fuzz *z, unsigned bytes)
{
    uint32_t value = 0;
    while (bytes-- > 0 && z->left > 0) {
        value = value << 8 | *z->data++;
        z->left--;
    }
    return value;
}

static void fuzz_check(bool ok)
{
    if (!ok)
        abort();
}

static void fuzz_released(struct rung_frame *frame)
{
    struct fuzz_frame *f = rung_container_of(frame, struct fuzz_frame, frag[0]);
    fuzz_check(f->flying);
    f->flying = false;
    for (uint32_t i = 80; i < f->len; i++)
        fuzz_check(f->bytes[i] == (uint8_t)(i * 3));
    free(f->bytes);
}

/* A frame of any length and cut; some are super-frames, as far as the link takes them. */
static void fuzz_send(struct fuzz *z)
{
    const struct rung_net_info *info = &z->front.net.info;
    uint32_t kind = fuzz_get(z, 1), len = 80 + fuzz_get(z, 2), at = 1 + fuzz_get(z, 1);
    struct fuzz_frame *f = NULL;
    for (unsigned i = 0; i < FUZZ_FRAMES && !f; i++)
        f = z->frame[i].flying ? NULL : &z->frame[i];
    if (!f)
        return;
    bool ipv6 = kind & 1, super = (kind & 2)
        && (info->caps & (ipv6 ? RUNG_NET_TX_TSO6 : RUNG_NET_TX_TSO4));
    uint32_t most = super ? RUNG_FRAME_MAX : info->mtu + 14u;
    len = len < most ? len : most;
    f->len = len;
    f->bytes = malloc(len);
    fuzz_check(f->bytes != NULL);
    memset(f->bytes, 0, 80);
    for (uint32_t i = 80; i < len; i++)
        f->bytes[i] = (uint8_t)(i * 3);
    f->bytes[12] = ipv6 ? 0x86 : 0x08;
    f->bytes[13] = ipv6 ? 0xdd : 0x00;
    f->bytes[14] = ipv6 ? 0x60 : 0x45;
    f->bytes[ipv6 ? 20 : 23] = 6;
    f->bytes[ipv6 ? 66 : 46] = 5 << 4;
    f->frag[0] = (struct rung_frame){.data = f->bytes, .len = len, .release = fuzz_released};
    if ((kind & 4) && (info->caps & RUNG_NET_TX_CSUM)) {
        f->frag[0].flags = RUNG_FRAME_CSUM;
        f->frag[0].csum_start = ipv6 ? 54 : 34;
        f->frag[0].csum_offset = kind & 8 ? 16 : 6; /* the latter no back end knows for TCP */
    }
    if (super) {
        f->frag[0].flags = RUNG_FRAME_CSUM | (kind & 16 ? RUNG_FRAME_ECN : 0);
        f->frag[0].csum_start = ipv6 ? 54 : 34;
        f->frag[0].csum_offset = 16;
        f->frag[0].gso_size = (uint16_t)(200 + at * 8);
        f->frag[0].gso_type = ipv6 ? RUNG_GSO_TCP6 : RUNG_GSO_TCP4;
        f->frag[0].hdr_len = ipv6 ? 74 : 54;
        at += 80;
    }
    if (info->max_frags > 1 && at < len && (kind & 32)) {
        f->frag[0].len = at;
        f->frag[1] = (struct rung_frame){.data = f->bytes + at, .len = len - at};
        f->frag[0].next = &f->frag[1];
    }
    struct rung_frame *batch[] = {&f->frag[0]};
    f->flying = true;
    if (rung_net_send(&z->front.net, batch, 1) == 1)
        return;
    f->flying = false;
    free(f->bytes);
}

static void fuzz_let_go(struct fuzz *z)
{
    struct rung_frame *f = z->held[--z->held_count];
    for (struct rung_frame *part = f; part; part = part->next)
        memset(part->data, 0xee, part->len);
    f->release(f);
}

static void fuzz_recv(struct fuzz *z)
{
    struct rung_frame *f[8];
    uint32_t keep = fuzz_get(z, 1);
    int k = rung_net_recv(&z->front.net, f, 1 + keep % 8);
    for (int i = 0; i < k; i++) {
        uint32_t len = 0;
        for (const struct rung_frame *part = f[i]; part; part = part->next)
            len += part->len;
        fuzz_check(len >= 14 && len <= NETFRONT_PACKET_MAX);
        fuzz_check(!f[i]->gso_size || (f[i]->hdr_len <= f[i]->len && f[i]->hdr_len < len));
        fuzz_check(!(f[i]->flags & RUNG_FRAME_CSUM)
                   || f[i]->csum_start + f[i]->csum_offset + 2u <= len);
        if (z->held_count == FUZZ_HELD || !(keep & 64))
            f[i]->release(f[i]);
        else
            z->held[z->held_count++] = f[i];
    }
    while (z->held_count > 0 && (keep & 128))
        fuzz_let_go(z);
}

static void fuzz_serve(struct fuzz *z)
{
    uint32_t how = fuzz_get(z, 1);
    z->back->hold = how & 1;
    z->back->no_id = how & 2;
    z->back->status = how & 4 ? NETIF_RSP_ERROR : NETIF_RSP_OKAY;
    for (uint32_t i = how >> 4; i > 0; i--)
        netback_take(z->back, &z->packet);
    if ((how & 8) && !z->back->confused)
        netback_answer(z->back, how);
}

static void fuzz_inject(struct fuzz *z)
{
    struct netback_packet *packet = &z->packet;
    uint32_t kind = fuzz_get(z, 1);
    memset(packet, 0, sizeof(*packet));
    packet->len = 14 + fuzz_get(z, 2);
    packet->len = packet->len > 65535 ? 65535 : packet->len;
    memset(packet->bytes, 0xff, 6);
    for (unsigned i = 12; i < 80 && i < packet->len; i++)
        packet->bytes[i] = (uint8_t)fuzz_get(z, 1);
    packet->flags = kind & (NETRXF_csum_blank | NETRXF_data_validated);
    packet->gso_size = kind & 4 ? 1000 : 0;
    packet->gso_type = kind & 4 ? 1 + (kind >> 3) % 2 : 0;
    z->back->part = kind & 16 ? 200 + kind : 0;
    z->back->offset = kind & 32 ? 1000 : 0;
    if (packet->len / (z->back->part ? z->back->part : 3000) < 18)
        netback_send(z->back, packet);
}

/* Eight bytes in answer to the next request: as they should be, but for what the input changes. */
static void fuzz_rx_raw(struct fuzz *z)
{
    uint32_t change = fuzz_get(z, 1), ref, id = 0;
    if (!z->back->up)
        return;
    z->back->careless = true;
    if (netback_rx_there(z->back) > 0)
        id = netback_rx_request(z->back, &ref);
    if (change & 1)
        id = fuzz_get(z, 2);
    uint32_t offset = change & 2 ? fuzz_get(z, 2) : 0;
    uint32_t flags = change & 4 ? fuzz_get(z, 1) : 0;
    int status = change & 8 ? (int16_t)fuzz_get(z, 2) : 100;
    if (change & 16) {
        uint64_t raw = (uint64_t)fuzz_get(z, 4) << 32 | fuzz_get(z, 4);
        netback_rx_raw(z->back, raw);
    } else {
        netback_rx_raw(z->back, netback_rsp(id, offset, flags, status));
    }
}

static void fuzz_tx_raw(struct fuzz *z)
{
    uint32_t id = fuzz_get(z, 1), status = fuzz_get(z, 1);
    if (!z->back->up)
        return;
    z->back->careless = true;
    netback_tx_raw(z->back, (uint16_t)(id | (status & 128 ? 0x100 : 0)),
                   (int16_t)((int)(status % 8) - 4));
}

static void fuzz_scribble(struct fuzz *z)
{
    uint32_t at = fuzz_get(z, 2), value = fuzz_get(z, 4);
    if (!z->back->up)
        return;
    z->back->careless = true;
    uint8_t *page = at & 0x8000 ? (void *)z->back->tx : (void *)z->back->rx;
    if (at & 0x4000) /* an index, near to what it was */
        value = z->back->rx_said + value % 600 - 300;
    memcpy(page + (at & 0x4000 ? at % 16 : at % 4096) / 4 * 4, &value, 4);
    fake_notify(z->fake, &z->back->tx_port);
    if (z->back->split)
        fake_notify(z->fake, &z->back->rx_port);
}

static void fuzz_key(struct fuzz *z)
{
    static const char *const keys[] = {
        "feature-sg", "feature-gso-tcpv4", "feature-gso-tcpv6", "feature-ipv6-csum-offload",
        "feature-no-csum-offload", "feature-rx-copy", "feature-multicast-control",
        "feature-dynamic-multicast-control", "feature-split-event-channels",
        "multi-queue-max-queues", "online", "state", "mac", "mtu", "trusted", "state",
        "backend-id", "backend",
    };
    static const char *const values[] = {
        "0", "1", "", "2", "4", "5", "6", "3", "-1", "18446744073709551616", "1 ", "x",
        "00:16:3e:00:00:01", "00:16:3e:00:00:02", "70000", "577", "/local/domain/0/backend/vif/7/1",
        "\xff\xfe",
    };
    uint32_t key = fuzz_get(z, 1), value = fuzz_get(z, 1);
    z->back->careless = true;
    const char *name = keys[key % RUNG_ARRAY_LEN(keys)];
    bool front = key % RUNG_ARRAY_LEN(keys) >= 12;
    const char *path = front ? fake_front(z->fake, "vif", "0", name)
                             : fake_back(z->fake, "vif", "0", name);
    if (value & 128)
        fake_store_remove(z->fake, path);
    else
        fake_store_write(z->fake, path, "%s", values[value % RUNG_ARRAY_LEN(values)]);
}

static void fuzz_unmap(struct fuzz *z)
{
    while (z->kept_count > 0)
        fake_unmap(z->fake, z->kept[--z->kept_count]);
}

static void fuzz_device(struct fuzz *z)
{
    uint32_t what = fuzz_get(z, 1);
    z->back->careless = true;
    switch (what % 8) {
    case 0: netback_restart(z->back, true); break;
    case 1: netback_restart(z->back, false); break;
    case 2: fake_device_remove(z->fake, "vif", "0"); break;
    case 3: fake_backend_stop(&z->back->device); break;
    case 4:
        fuzz_unmap(z); /* mappings end with the domain that was saved */
        fake_suspend(z->fake);
        break;
    case 5: z->back->device.manual = what & 128; break;
    default: fake_backend_state(&z->back->device, what >> 4); break;
    }
}

/* Maps a page that is lent, whatever for; or lets go of all. */
static void fuzz_map(struct fuzz *z)
{
    uint32_t what = fuzz_get(z, 1);
    z->back->careless = true;
    if (what & 128) {
        fuzz_unmap(z);
    } else if (z->kept_count < FUZZ_KEPT && fake_map(z->fake, 0, 8 + what, what & 1)) {
        z->kept[z->kept_count++] = 8 + what;
    }
}

static void fuzz_mcast(struct fuzz *z)
{
    uint8_t groups[70][6] = {{0}};
    unsigned n = fuzz_get(z, 1) % 70, seed = fuzz_get(z, 1);
    for (unsigned i = 0; i < n; i++) {
        groups[i][0] = 1;
        groups[i][5] = (uint8_t)(i + seed);
    }
    rung_net_set_multicast(&z->front.net, (const uint8_t (*)[6])groups, n);
}

static void fuzz_step(struct fuzz *z)
{
    switch (fuzz_get(z, 1) % 14) {
    case 0: fuzz_send(z); break;
    case 1: fuzz_recv(z); break;
    case 2: fuzz_serve(z); break;
    case 3: fuzz_inject(z); break;
    case 4: fuzz_rx_raw(z); break;
    case 5: fuzz_tx_raw(z); break;
    case 6: fuzz_scribble(z); break;
    case 7: fuzz_key(z); break;
    case 8: fuzz_device(z); break;
    case 9: fuzz_map(z); break;
    case 10: fuzz_mcast(z); break;
    case 11: fake_raise(z->fake, fuzz_get(z, 1)); break;
    case 12: rung_virtual_advance_ns(z->p, fuzz_get(z, 1) * UINT64_C(10000000)); break;
    default: fake_settle(z->fake); break;
    }
}

static void fuzz_ready(struct rung_net *net, unsigned events, void *arg)
{
    struct fuzz *z = arg;
    fuzz_check(net == &z->front.net && events != 0);
    if (events & RUNG_NET_RX_READY)
        fuzz_recv(z);
}

static void fuzz_closed(struct rung_op *op, int result)
{
    fuzz_check(result == RUNG_OK);
    op->done = NULL;
}

static void fuzz_close(struct fuzz *z)
{
    struct rung_op op = {.done = fuzz_closed};
    while (z->held_count > 0)
        fuzz_let_go(z);
    rung_net_close(&z->front.net, &op);
    for (unsigned i = 0; op.done && i < 100; i++)
        rung_virtual_advance_ns(z->p, UINT64_C(100000000));
    fuzz_check(!op.done);
    for (unsigned i = 0; i < FUZZ_FRAMES; i++)
        fuzz_check(!z->frame[i].flying);
}

static void fuzz_open(struct fuzz *z)
{
    uint32_t how = fuzz_get(z, 2);
    struct netback_config config = {
        .untrusted = how & 1, .no_sg = how & 2, .no_csum = how & 4, .no_csum6 = how & 8,
        .no_gso4 = how & 16, .no_gso6 = how & 32, .no_split = how & 64, .no_queues = how & 128,
        .no_copy = (how & 0x700) == 0x700, .no_dynamic = how & 0x800,
        .mtu = how & 0x1000 ? 9000 : 0,
    };
    z->back = netback_new(z->fake, "0", &config);
    z->keys = (struct rung_netfront_keys){
        .slot = "net", .device = how & 0x2000 ? "0" : NULL, .wait = UINT64_C(1000000000),
        .offload = !(how & 0x4000), .rx_memory = 1 << 20,
    };
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rung_netfront_needs needs = {0};
    struct fuzz *z = calloc(1, sizeof(*z));
    fuzz_check(z != NULL);
    z->data = data;
    z->left = size;
    z->p = rung_virtual_new(1);
    z->fake = fake_new(z->p, NULL);
    fuzz_open(z);
    if (!rung_netfront_open(&z->front, z->p, &z->keys, &needs)) {
        z->front.net.arg = z;
        z->front.net.ready = fuzz_ready;
        for (unsigned step = 0; z->left > 0 && step < FUZZ_STEPS; step++)
            fuzz_step(z);
        fuzz_unmap(z);
        fuzz_close(z);
    }
    rung_virtual_advance_ns(z->p, UINT64_C(3000000000)); /* the bus tries orphans each second */
    netback_free(z->back);
    fake_free(z->fake);
    fuzz_check(rung_virtual_heap_blocks(z->p) == 0);
    rung_virtual_free(z->p);
    free(z);
    return 0;
}
