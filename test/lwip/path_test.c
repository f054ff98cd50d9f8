/* SPDX-License-Identifier: ISC */
/* test/lwip/path_test.c - a path over IPv6 narrows under an open connection: what is sent from then
 * on fits it, and all that was sent before arrives, whole and once. Virtual time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "forger.h"
#include "rung/clock.h"
#include "test_platform.h"
#include "test_virtual.h"

enum { PATH_BYTES = 60000, PATH_FRAGMENT = 44, PATH_ROUNDS = 400, PATH_FAILS = 60 };

/* What comes of a connection. */
struct path_end {
    struct forger f;
    struct forged_tcp ours;
    uint32_t first;      /* the number of the first byte */
    unsigned fragments;  /* of segments */
    unsigned too_long;   /* frames that the path would not take */
    unsigned segments;   /* that brought something new */
    uint32_t mtu;        /* of the path; 0: the link's */
    size_t whole_len;    /* of the segment that is being put together, with its IP header */
    uint8_t whole[2048];
    struct rung_buf buf;
    uint8_t bytes[PATH_BYTES], got[PATH_BYTES];
};

static const uint8_t path_plain[] = {2, 4, 5, 0xa0};
static const uint8_t path_stamps[] = {2, 4, 5, 0xa0, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 1};

static void path_keep(struct rung_buf *buf)
{
    (void)buf;
}

static uint32_t path_get16(const uint8_t *at)
{
    return (uint32_t)at[0] << 8 | at[1];
}

static void path_put32(uint8_t *at, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (24 - 8 * i));
}

static uint32_t path_sum(const uint8_t *at, size_t len, uint32_t sum)
{
    for (size_t k = 0; k < len; k++)
        sum += k % 2 ? at[k] : (uint32_t)at[k] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

/* The connection has all to send, and its first segments are on their way. */
static void path_begin(struct path_end *end, bool offload, bool stamps)
{
    struct rung_buf *one = &end->buf;
    memset(end, 0, sizeof(*end));
    for (size_t k = 0; k < sizeof(end->bytes); k++)
        end->bytes[k] = (uint8_t)(k * 7 + k / 251);
    if (offload)
        forger_open(&end->f);
    else
        forger_open_plain(&end->f);
    end->f.six = true;
    end->ours = forger_connect(&end->f, 4000, 1, stamps ? path_stamps : path_plain,
                               stamps ? sizeof(path_stamps) : sizeof(path_plain));
    end->first = end->ours.ack;
    end->buf = (struct rung_buf){
        .data = end->bytes, .len = sizeof(end->bytes), .release = path_keep};
    assert_int_equal(rung_tcp_send(end->f.conn, &one, 1), 1);
    test_run_turns(end->f.p, 4);
}

/* A router says that what went to us was too big, or, with link, that all is on the link. */
static void path_narrows(struct path_end *end, uint32_t mtu, bool link)
{
    uint8_t big[8 + FORGED_IP6 + 8] = {2}, router[24] = {134, 0, 0, 0, 64};
    path_put32(big + 4, mtu);
    big[8] = 0x60;
    big[8 + 6] = 6;
    memcpy(big + 8 + 8, end->f.ip6[1], 16);
    memcpy(big + 8 + 24, end->f.ip6[0], 16);
    router[16] = 5;
    router[17] = 1;
    path_put32(router + 20, mtu);
    forger_send_icmp6(&end->f, link ? router : big, link ? sizeof(router) : sizeof(big));
}

/* Takes a segment, at its IP header, from which the link makes pieces of gso_size. */
static void path_take_segment(struct path_end *end, const struct forged *frame, const uint8_t *ip,
                              size_t len)
{
    const uint8_t *tcp = ip + FORGED_IP6;
    size_t heads = (size_t)(tcp - ip) + (size_t)(tcp[12] >> 4) * 4, text = len - heads;
    size_t on_wire = heads + (frame->gso_size ? frame->gso_size : text);
    uint32_t at = forged_get32(tcp + 4) - end->first;
    if (end->mtu)
        end->too_long += on_wire > end->mtu;
    if (!(frame->flags & RUNG_FRAME_CSUM)) {
        uint32_t sum = path_sum(ip + 8, 32, (uint32_t)(6 + len - FORGED_IP6));
        assert_int_equal(path_sum(tcp, len - FORGED_IP6, sum), 0xffff);
    }
    if (at + text > PATH_BYTES || end->first + at != end->ours.ack || !text)
        return;
    for (size_t k = 0; k < text && (size_t)(ip - frame->at) + heads + k < frame->len; k++)
        end->got[at + k] = ip[heads + k];
    end->ours.ack += (uint32_t)text;
    end->segments++;
}

/* Takes a fragment; they come in order. */
static void path_take_fragment(struct path_end *end, const uint8_t *ip)
{
    const uint8_t *head = ip + FORGED_IP6;
    size_t len = path_get16(ip + 4) - 8u, at = path_get16(head + 2) & 0xfff8u;
    end->fragments++;
    end->too_long += len + 8 + FORGED_IP6 > (end->mtu ? end->mtu : 1500);
    if (at == 0) {
        memcpy(end->whole, ip, FORGED_IP6);
        end->whole_len = FORGED_IP6;
    }
    assert_int_equal(at + FORGED_IP6, end->whole_len);
    assert_true(end->whole_len + len <= sizeof(end->whole));
    memcpy(end->whole + end->whole_len, head + 8, len);
    end->whole_len += len;
    if (!(path_get16(head + 2) & 1)) {
        struct forged frame = {.gso_size = 1};
        uint32_t sum = path_sum(ip + 8, 32, (uint32_t)(6 + end->whole_len - FORGED_IP6));
        assert_int_equal(
            path_sum(end->whole + FORGED_IP6, end->whole_len - FORGED_IP6, sum), 0xffff);
        frame.flags = RUNG_FRAME_CSUM; /* looked at */
        frame.len = end->whole_len;
        memcpy(frame.at, end->whole, end->whole_len < FORGED_MAX ? end->whole_len : FORGED_MAX);
        path_take_segment(end, &frame, frame.at, end->whole_len);
    }
}

/* Takes what has come, but for every lose-th frame (0: none is lost), and acknowledges it. */
static void path_take(struct path_end *end, unsigned lose)
{
    struct forged frame;
    unsigned n = 0;
    while (forger_next(&end->f, 0x86dd, 0, &frame)) {
        const uint8_t *ip = frame.at + FORGED_ETHER;
        if (ip[6] == PATH_FRAGMENT)
            path_take_fragment(end, ip);
        else if (ip[6] == 6 && !(lose && ++n % lose == 0))
            path_take_segment(end, &frame, ip, FORGED_IP6 + path_get16(ip + 4));
    }
    forger_send_tcp(&end->f, &end->ours);
}

/* All has come, and it is what was sent: of a super-frame its beginning. */
static void path_end_all(struct path_end *end, unsigned lose, bool offload)
{
    uint32_t last = end->first + PATH_BYTES;
    for (unsigned round = 0; end->ours.ack != last && round < PATH_ROUNDS; round++) {
        path_take(end, round < PATH_ROUNDS / 4 ? lose : 0);
        rung_virtual_advance_ns(end->f.p, 50 * RUNG_NS_PER_MS);
    }
    assert_int_equal(end->ours.ack, last);
    if (!offload)
        assert_memory_equal(end->got, end->bytes, PATH_BYTES);
    assert_int_equal(end->too_long, 0);
    rung_tcp_abort(end->f.conn);
    forger_close(&end->f);
}

/* lwIP cut such segments into fragments, which spoiled them, and ended the process. */
static void segments_are_cut_to_a_narrower_path(void **state)
{
    static const uint32_t mtus[] = {1280, 1400, 1492, 1499};
    static struct path_end end;
    (void)state;
    for (unsigned k = 0; k < 32; k++) {
        bool offload = k & 1, link = k & 4;
        unsigned lose = k & 16 ? 3 : 0;
        path_begin(&end, offload, k & 2);
        forger_drain(&end.f); /* the path was too narrow for what was on its way */
        end.mtu = mtus[k / 8];
        path_narrows(&end, end.mtu, link);
        path_take(&end, 0);
        assert_true(end.segments > 0); /* at once: no time has passed */
        path_end_all(&end, lose, offload);
        assert_int_equal(end.fragments, 0);
    }
}

/* It narrows byte by byte: that makes no crumbs. */
static void a_path_that_narrows_slowly_makes_no_crumbs(void **state)
{
    static struct path_end end;
    (void)state;
    path_begin(&end, false, true);
    forger_drain(&end.f);
    for (uint32_t mtu = 1499; mtu >= 1280; mtu--) {
        end.mtu = mtu;
        path_narrows(&end, mtu, false);
        forger_drain(&end.f);
    }
    path_end_all(&end, 0, false);
    assert_in_range(end.segments, 1, 120);
    assert_int_equal(end.fragments, 0);
}

/* Whichever allocation fails, all arrives: what cannot be cut goes in fragments, with a sum. */
static void no_memory_to_cut_with(void **state)
{
    static struct path_end end;
    unsigned fragments = 0;
    (void)state;
    for (long n = 1; n < PATH_FAILS; n++) {
        bool offload = n & 1;
        path_begin(&end, offload, n & 2);
        forger_drain(&end.f);
        test_heap_fail_after(end.f.p, n / 2 + 1);
        end.mtu = 1280;
        path_narrows(&end, 1280, false);
        test_heap_fail_after(end.f.p, 0);
        path_end_all(&end, n & 4 ? 5 : 0, offload);
        fragments += end.fragments;
    }
    assert_true(fragments > 0);
}

/* The number of frames that an answer to a ping of 1,400 bytes comes in. */
static unsigned path_ping(struct forger *f)
{
    uint8_t ping[1400] = {128};
    struct forged frame;
    unsigned n = 0;
    forger_drain(f);
    forger_send_icmp6(f, ping, sizeof(ping));
    while (forger_next(f, 0x86dd, 0, &frame))
        n += frame.at[20] == PATH_FRAGMENT || frame.at[20] == 58;
    return n;
}

/* RFC 8201 4: a message makes a path narrower, never wider; lwIP took 65,535 on a link of 1,500. */
static void a_path_is_never_made_wider(void **state)
{
    static const uint32_t wider[] = {1280, 1281, 1448, 1500, 1501, 65535, 65536 + 1280, 0xffffffff};
    static struct path_end end;
    (void)state;
    path_begin(&end, false, false);
    assert_int_equal(path_ping(&end.f), 1);
    path_narrows(&end, 1280, false);
    assert_int_equal(path_ping(&end.f), 2);
    for (size_t k = 0; k < RUNG_ARRAY_LEN(wider); k++) {
        path_narrows(&end, wider[k], false);
        assert_int_equal(path_ping(&end.f), 2);
    }
    path_end_all(&end, 0, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segments_are_cut_to_a_narrower_path),
        cmocka_unit_test(a_path_that_narrows_slowly_makes_no_crumbs),
        cmocka_unit_test(no_memory_to_cut_with),
        cmocka_unit_test(a_path_is_never_made_wider),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
