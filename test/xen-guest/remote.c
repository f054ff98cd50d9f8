/* SPDX-License-Identifier: ISC */
/* test/xen-guest/remote.c - see remote.h. */
#include "remote.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "netfront.h"
#include "rung/clock.h"
#include "xen/ground.h"
#include "xen/hypercall.h"
#include <xen/sched.h>

enum {
    REMOTE_TYPE = 0x88b5, /* IEEE 802: local experiments */
    REMOTE_PIECE = 1400,
    REMOTE_PIECES = 48,
    REMOTE_BATCH = 8,
    REMOTE_AGAIN_MS = 300, /* then a question is asked again */
    REMOTE_LIMIT_MS = 20000,
};

struct remote_head { /* of each frame */
    uint8_t to[6], from[6];
    uint8_t type[2];
    uint16_t len; /* behind the head; short frames are filled up */
    uint32_t number; /* of the question; its answer has the same */
    uint16_t piece, pieces;
};

struct remote_question {
    uint8_t what, flags;
    uint16_t pad;
    uint32_t handle, room;
    struct rung_addr addr;
};

struct remote_answer {
    int32_t result;
    struct rung_addr addr;
};

struct remote_frame {
    struct rung_frame frame;
    uint8_t bytes[];
};

static struct {
    struct rung_platform *p;
    struct rung_netfront vif;
    struct rung_netfront_keys keys;
    uint32_t number;
    size_t asked, answered; /* bytes */
    unsigned come;          /* pieces of the answer that are there */
    bool have[REMOTE_PIECES];
    uint8_t question[REMOTE_PIECES * REMOTE_PIECE];
    uint8_t answer[REMOTE_PIECES * REMOTE_PIECE];
} remote;

/* Whoever asks looks for himself. */
static void remote_on_ready(struct rung_net *net, unsigned events, void *arg)
{
    (void)net;
    (void)events;
    (void)arg;
}

void remote_open(void)
{
    static const struct rung_netfront_needs none;
    remote.keys = (struct rung_netfront_keys){
        .slot = "peer", .device = "1", .wait = 10 * RUNG_NS_PER_S, .rx_memory = 4u << 20};
    remote.p = &rung_xen_ground.base;
    assert_int_equal(rung_netfront_open(&remote.vif, remote.p, &remote.keys, &none), RUNG_OK);
    remote.vif.net.ready = remote_on_ready;
}

void remote_begin(void)
{
    struct remote_call begin = {.what = REMOTE_BEGIN};
    remote_call(&begin);
}

static void remote_release(struct rung_frame *frame)
{
    free(rung_container_of(frame, struct remote_frame, frame));
}

static void remote_send_piece(unsigned piece, unsigned pieces)
{
    struct rung_net *net = &remote.vif.net;
    size_t at = (size_t)piece * REMOTE_PIECE, head = net->info.headroom;
    size_t len = remote.asked - at < REMOTE_PIECE ? remote.asked - at : REMOTE_PIECE;
    struct remote_head h = {.to = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
                            .type = {REMOTE_TYPE >> 8, REMOTE_TYPE & 0xff},
                            .len = (uint16_t)len, .number = remote.number, .piece = (uint16_t)piece,
                            .pieces = (uint16_t)pieces};
    struct remote_frame *f = calloc(1, sizeof(*f) + head + sizeof(h) + len);
    assert_non_null(f);
    memcpy(h.from, net->info.mac, sizeof(h.from));
    memcpy(f->bytes + head, &h, sizeof(h));
    memcpy(f->bytes + head + sizeof(h), remote.question + at, len);
    f->frame = (struct rung_frame){.data = f->bytes + head, .len = (uint32_t)(sizeof(h) + len),
                                   .release = remote_release};
    struct rung_frame *frames[] = {&f->frame};
    if (rung_net_send(net, frames, 1) != 1) /* lost, then */
        free(f);
}

static void remote_take_piece(const uint8_t *frame, size_t size)
{
    struct remote_head h;
    if (size < sizeof(h))
        return;
    memcpy(&h, frame, sizeof(h));
    size_t len = h.len, at = (size_t)h.piece * REMOTE_PIECE;
    if (h.type[0] != REMOTE_TYPE >> 8 || h.type[1] != (REMOTE_TYPE & 0xff)
        || h.number != remote.number || h.pieces > REMOTE_PIECES || h.piece >= h.pieces
        || len > REMOTE_PIECE || len > size - sizeof(h) || remote.have[h.piece])
        return;
    memcpy(remote.answer + at, frame + sizeof(h), len);
    remote.have[h.piece] = true;
    remote.come++;
    if (h.piece + 1 == h.pieces) /* the last one: it says how long the answer is */
        remote.answered = at + len;
}

static void remote_take(void)
{
    static uint8_t flat[RUNG_FRAME_MAX];
    struct rung_frame *frames[REMOTE_BATCH];
    int n = rung_net_recv(&remote.vif.net, frames, REMOTE_BATCH);
    for (int i = 0; i < n; i++) {
        size_t size = 0;
        for (const struct rung_frame *f = frames[i]; f; f = f->next) {
            memcpy(flat + size, f->data, f->len);
            size += f->len;
        }
        frames[i]->release(frames[i]);
        remote_take_piece(flat, size);
    }
    if (n <= 0)
        rung_xen_sched_op(SCHEDOP_yield, NULL);
}

static bool remote_is_answered(void)
{
    return remote.answered > 0
           && remote.come == (remote.answered + REMOTE_PIECE - 1) / REMOTE_PIECE;
}

static void remote_ask(void)
{
    unsigned pieces = (unsigned)((remote.asked + REMOTE_PIECE - 1) / REMOTE_PIECE);
    uint64_t begun = rung_clock_monotonic_ns(remote.p);
    remote.number++;
    remote.answered = remote.come = 0;
    memset(remote.have, 0, sizeof(remote.have));
    while (!remote_is_answered()) {
        for (unsigned i = 0; i < pieces; i++)
            remote_send_piece(i, pieces);
        uint64_t asked = rung_clock_monotonic_ns(remote.p), now = asked;
        if (asked - begun > REMOTE_LIMIT_MS * RUNG_NS_PER_MS)
            fail_msg("the other host does not answer");
        while (!remote_is_answered() && now - asked < REMOTE_AGAIN_MS * RUNG_NS_PER_MS) {
            remote_take();
            now = rung_clock_monotonic_ns(remote.p);
        }
    }
}

long remote_call(struct remote_call *call)
{
    static const long errors[] = {0, RUNG_E_AGAIN, RUNG_E_EOF, RUNG_E_REFUSED, RUNG_E_RESET};
    struct remote_question q = {.what = (uint8_t)call->what, .flags = (uint8_t)call->flags,
                                .handle = call->handle, .room = (uint32_t)call->room,
                                .addr = call->addr};
    struct remote_answer a;
    assert_true(call->len <= REMOTE_MOST && call->room <= REMOTE_MOST);
    memcpy(remote.question, &q, sizeof(q));
    if (call->len > 0)
        memcpy(remote.question + sizeof(q), call->data, call->len);
    remote.asked = sizeof(q) + call->len;
    size_t blocks = remote.p->heap_blocks;
    remote_ask();
    remote.p->heap_blocks = blocks; /* pages for frames, which the vif keeps: not the case's */
    assert_true(remote.answered >= sizeof(a));
    memcpy(&a, remote.answer, sizeof(a));
    size_t len = remote.answered - sizeof(a);
    if (-a.result >= (int32_t)RUNG_ARRAY_LEN(errors))
        fail_msg("the other host: %.*s", (int)len, (const char *)remote.answer + sizeof(a));
    assert_true(len <= call->room);
    if (len > 0)
        memcpy(call->into, remote.answer + sizeof(a), len);
    call->addr = a.addr;
    return a.result < 0 ? errors[-a.result] : a.result;
}
