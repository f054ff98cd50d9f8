/* SPDX-License-Identifier: ISC */
/* test/contract/tcp/suite_far.c - the peer's end of a connection: what it sends follows the
 * pattern, what it gets is checked against it. */
#include "suite.h"

void far_connect(struct tcp_test *t, struct tcp_far *far, unsigned flags)
{
    struct rung_addr to = tcp_host(t, t->listener->local.port);
    memset(far, 0, sizeof(*far));
    far->peer = tcp_fixture.peer_connect(t->rig, &to, flags);
    assert_non_null(far->peer);
}

long far_read(struct tcp_far *far)
{
    uint8_t data[16384];
    uint64_t before = far->received;
    while (far->end == 0) { /* a kernel says RESET once, and EOF from then on */
        long got = tcp_fixture.peer_read(far->peer, data, sizeof(data));
        if (got == RUNG_E_AGAIN)
            break;
        if (got < 0) {
            far->end = (int)got;
            break;
        }
        assert_in_range(got, 1, sizeof(data));
        for (long i = 0; i < got; i++)
            if (data[i] != tcp_pattern(far->received + (uint64_t)i))
                fail_msg("the peer got a wrong byte at %llu",
                         (unsigned long long)far->received + (unsigned long long)i);
        far->received += (uint64_t)got;
    }
    return (long)(far->received - before);
}

/* After EOF it may still send. */
static bool far_is_dead(const struct tcp_far *far)
{
    return far->end < 0 && far->end != RUNG_E_EOF;
}

long far_write(struct tcp_far *far, size_t len)
{
    uint8_t data[16384];
    uint64_t before = far->sent;
    while (len > 0 && !far_is_dead(far)) {
        size_t chunk = len < sizeof(data) ? len : sizeof(data);
        for (size_t i = 0; i < chunk; i++)
            data[i] = tcp_pattern(far->sent + i);
        long put = tcp_fixture.peer_write(far->peer, data, chunk);
        if (put == RUNG_E_AGAIN)
            break;
        if (put < 0) {
            far->end = (int)put;
            break;
        }
        far->sent += (uint64_t)put;
        len -= (size_t)put;
    }
    return (long)(far->sent - before);
}

struct far_wait {
    struct tcp_far *far;
    uint64_t until;
};

static bool far_has_written(void *arg)
{
    struct far_wait *wait = arg;
    if (wait->far->sent < wait->until)
        far_write(wait->far, (size_t)(wait->until - wait->far->sent));
    return wait->far->sent >= wait->until || far_is_dead(wait->far);
}

void far_write_all(struct tcp_test *t, struct tcp_far *far, uint64_t len)
{
    struct far_wait wait = {far, far->sent + len};
    tcp_wait(t, far_has_written, &wait);
    assert_int_equal(far->sent, wait.until);
}

static bool far_has_read(void *arg)
{
    struct far_wait *wait = arg;
    far_read(wait->far);
    return wait->far->received >= wait->until || wait->far->end < 0;
}

void far_read_until(struct tcp_test *t, struct tcp_far *far, uint64_t received)
{
    struct far_wait wait = {far, received};
    tcp_wait(t, far_has_read, &wait);
    assert_int_equal(far->received, received);
}

static bool far_has_ended(void *arg)
{
    struct tcp_far *far = arg;
    far_read(far);
    return far->end < 0;
}

int far_read_end(struct tcp_test *t, struct tcp_far *far)
{
    tcp_wait(t, far_has_ended, far);
    return far->end;
}

void far_close(struct tcp_far *far)
{
    tcp_fixture.peer_close(far->peer);
    far->peer = NULL;
}

void far_reset(struct tcp_far *far)
{
    tcp_fixture.peer_reset(far->peer);
    far->peer = NULL;
}
