/* SPDX-License-Identifier: ISC */
/* test/lwip/frag_test.c - datagrams in fragments: those that never become whole do not keep the
 * link's pages, and the others become whole all the same. No time passes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "forger.h"
#include "test_platform.h"

enum { FRAG_COUNT = 20, FRAG_HOLD = 16, FRAG_ECHO = 24, FRAG_CUT = 16 };

/* An echo request, and what stands before each of its two fragments. */
struct frag_kind {
    uint16_t type;
    uint8_t echo; /* the type of a request */
    bool options; /* hop-by-hop ones before the fragment header */
};

static void frag_put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

/* The sum of the bytes, and of what else it covers. */
static uint32_t frag_sum(const uint8_t *at, size_t len, uint32_t sum)
{
    for (size_t k = 0; k < len; k += 2)
        sum += (uint32_t)at[k] << 8 | at[k + 1];
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return ~sum & 0xffff;
}

static size_t frag_head4(uint8_t *ip, unsigned id, bool last)
{
    static const uint8_t addrs[] = {10, 0, 0, 1, 10, 0, 0, 2};
    ip[0] = 0x45;
    frag_put16(ip + 2, FORGED_IP4 + (last ? FRAG_ECHO - FRAG_CUT : FRAG_CUT));
    frag_put16(ip + 4, id);
    frag_put16(ip + 6, last ? FRAG_CUT / 8 : 0x2000);
    ip[8] = 64;
    ip[9] = 1;
    memcpy(ip + 12, addrs, sizeof(addrs));
    frag_put16(ip + 10, frag_sum(ip, FORGED_IP4, 0));
    return FORGED_IP4;
}

static size_t frag_head6(const struct forger *f, uint8_t *ip, unsigned id, bool last,
                         const struct frag_kind *kind)
{
    static const uint8_t options[8] = {44, 0, 1, 4}; /* none but padding */
    uint8_t *at = ip + FORGED_IP6;
    ip[0] = 0x60;
    ip[6] = kind->options ? 0 : 44;
    ip[7] = 64;
    memcpy(ip + 8, f->ip6[0], 16);
    memcpy(ip + 24, f->ip6[1], 16);
    if (kind->options) {
        memcpy(at, options, sizeof(options));
        at += sizeof(options);
    }
    at[0] = 58;
    frag_put16(at + 2, last ? FRAG_CUT : 1);
    frag_put16(at + 6, id);
    at += 8;
    size_t head = (size_t)(at - ip);
    frag_put16(ip + 4,
               (uint32_t)head - FORGED_IP6 + (last ? FRAG_ECHO - FRAG_CUT : FRAG_CUT));
    return head;
}

static void frag_send(struct forger *f, const struct frag_kind *kind, unsigned id, bool last)
{
    struct forged frame = {0};
    uint8_t echo[FRAG_ECHO] = {kind->echo}, *ip = frame.at + FORGED_ETHER;
    bool six = kind->type == 0x86dd;
    memcpy(frame.at, f->pair.net.info.mac, 6);
    memcpy(frame.at + 6, f->pair.peer.info.mac, 6);
    frag_put16(frame.at + 12, kind->type);
    frag_put16(echo + 6, id);
    size_t head = six ? frag_head6(f, ip, id, last, kind) : frag_head4(ip, id, last);
    uint32_t pseudo = six ? ~frag_sum(ip + 8, 32, 58 + FRAG_ECHO) & 0xffff : 0;
    frag_put16(echo + 2, frag_sum(echo, FRAG_ECHO, pseudo));
    size_t from = last ? FRAG_CUT : 0, len = last ? FRAG_ECHO - FRAG_CUT : FRAG_CUT;
    memcpy(ip + head, echo + from, len);
    frame.len = FORGED_ETHER + head + len;
    forger_send(f, &frame);
}

/* Many first fragments, of which the link has no more than half of what it can spare out; and when
 * the second ones come, all are answered. */
static void fragments_wait_in_copies(void **state)
{
    static const struct frag_kind kinds[] = {
        {.type = 0x0800, .echo = 8}, {.type = 0x86dd, .echo = 128},
        {.type = 0x86dd, .echo = 128, .options = true}};
    struct forger f;
    struct forged answer;
    (void)state;
    for (size_t k = 0; k < RUNG_ARRAY_LEN(kinds); k++) {
        uint8_t protocol = kinds[k].type == 0x0800 ? 1 : 58;
        unsigned answers = 0;
        forger_open(&f);
        f.pair.net.info.rx_hold = FRAG_HOLD;
        unsigned before = f.pair.near_end.lent_count;
        for (unsigned id = 0; id < FRAG_COUNT; id++)
            frag_send(&f, &kinds[k], id, false);
        assert_in_range(f.pair.near_end.lent_count - before, 1, FRAG_HOLD / 2);
        for (unsigned id = 0; id < FRAG_COUNT; id++)
            frag_send(&f, &kinds[k], id, true);
        while (forger_next(&f, kinds[k].type, protocol, &answer))
            answers++;
        assert_int_equal(answers, FRAG_COUNT);
        assert_int_equal(f.pair.near_end.lent_count, before);
        forger_close(&f);
    }
}

/* A fragment or none: the header that the datagram says is next is cut short, at any length. lwIP
 * looks into it before it looks how much there is, also in a copy. Sanitizers and valgrind see. */
static void headers_that_are_cut_do_no_harm(void **state)
{
    static const struct frag_kind first = {.type = 0x0800, .echo = 8};
    static const uint8_t next[] = {0, 43, 44, 60}; /* with extension headers */
    struct forger f;
    (void)state;
    forger_open(&f);
    f.pair.net.info.rx_hold = FRAG_HOLD;
    for (unsigned id = 0; id < FRAG_COUNT; id++)
        frag_send(&f, &first, id, false);
    for (size_t k = 0; k < RUNG_ARRAY_LEN(next); k++) {
        for (unsigned len = 0; len <= 16; len++) {
            struct forged frame = {0};
            uint8_t *ip = frame.at + FORGED_ETHER;
            memcpy(frame.at, f.pair.net.info.mac, 6);
            frag_put16(frame.at + 12, 0x86dd);
            ip[0] = 0x60;
            frag_put16(ip + 4, len);
            ip[6] = next[k];
            memcpy(ip + 8, f.ip6[0], 16);
            memcpy(ip + 24, f.ip6[1], 16);
            memset(ip + FORGED_IP6, 60, 1); /* another behind it, of 8 bytes */
            ip[FORGED_IP6 + 2] = 1;         /* an option that fills it */
            ip[FORGED_IP6 + 3] = 4;
            frame.len = FORGED_ETHER + FORGED_IP6 + len;
            forger_send(&f, &frame);
        }
    }
    forger_close(&f);
}

/* A link that says of each frame that its sum is right. */
static int frag_recv_verified(struct rung_net *net, struct rung_frame *batch[], unsigned n)
{
    struct rung_net_pair *pair = rung_container_of(net, struct rung_net_pair, net);
    int count = pair->peer.ops->recv(net, batch, n);
    for (int i = 0; i < count; i++)
        batch[i]->flags |= RUNG_FRAME_VERIFIED;
    return count;
}

/* A call over IPv6 in two fragments, with options on both sides of the cut; wrong: in its sum. */
static void frag_call(struct forger *f, unsigned id, uint16_t wrong)
{
    enum { ALL = 32, CUT = 24, HEADS = FORGED_ETHER + FORGED_IP6 + 8 };
    uint8_t call[ALL] = {0x0f, (uint8_t)id, 0, FORGED_PORT, [12] = ALL / 4 << 4, [13] = FORGED_SYN,
                         [14] = 0xff};
    for (unsigned last = 0; last < 2; last++) {
        struct forged frame = {0};
        uint8_t *ip = frame.at + FORGED_ETHER, *at = ip + FORGED_IP6;
        size_t len = last ? ALL - CUT : CUT;
        memset(call + 20, 1, ALL - 20);
        memcpy(frame.at, f->pair.net.info.mac, 6);
        memcpy(frame.at + 6, f->pair.peer.info.mac, 6);
        frag_put16(frame.at + 12, 0x86dd);
        ip[0] = 0x60;
        frag_put16(ip + 4, (uint32_t)(8 + len));
        ip[6] = 44;
        ip[7] = 64;
        memcpy(ip + 8, f->ip6[0], 16);
        memcpy(ip + 24, f->ip6[1], 16);
        frag_put16(call + 16, 0);
        frag_put16(call + 16,
                   frag_sum(call, ALL, ~frag_sum(ip + 8, 32, 6 + ALL) & 0xffff) ^ wrong);
        at[0] = 6;
        frag_put16(at + 2, last ? CUT : 1);
        frag_put16(at + 6, id);
        memcpy(at + 8, call + (last ? CUT : 0), len);
        frame.len = HEADS + len;
        forger_send(f, &frame);
    }
}

/* What a link knows of a fragment's sum is not the datagram's: it was believed, over IPv6. */
static void a_sum_is_the_whole_datagrams(void **state)
{
    struct rung_net_ops ops;
    struct forger f;
    struct forged frame;
    (void)state;
    forger_open(&f);
    ops = *f.pair.net.ops;
    ops.recv = frag_recv_verified;
    f.pair.net.ops = &ops;
    frag_call(&f, 1, 0x100);
    assert_false(forger_next(&f, 0x86dd, 6, &frame));
    frag_call(&f, 2, 0);
    assert_true(forger_next(&f, 0x86dd, 6, &frame));
    f.pair.net.ops = f.pair.peer.ops;
    forger_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fragments_wait_in_copies),
        cmocka_unit_test(headers_that_are_cut_do_no_harm),
        cmocka_unit_test(a_sum_is_the_whole_datagrams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
