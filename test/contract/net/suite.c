/* SPDX-License-Identifier: ISC */
/* test/contract/net/suite.c - runs the cases for every variant, and the helpers they share. */
#include "suite.h"

#include "test_suite.h"

const char *net_variant;

static void net_on_ready(struct rung_net *net, unsigned events, void *arg)
{
    struct net_test *t = arg;
    unsigned known = RUNG_NET_RX_READY | RUNG_NET_TX_READY | RUNG_NET_LINK;
    assert_ptr_equal(net, t->net);
    assert_false(t->in_call);
    assert_false(t->closed);
    assert_true(events != 0 && (events & ~known) == 0);
    t->rx_events += (events & RUNG_NET_RX_READY) != 0;
    t->tx_events += (events & RUNG_NET_TX_READY) != 0;
    t->link_events += (events & RUNG_NET_LINK) != 0;
}

void net_begin(struct net_test *t)
{
    memset(t, 0, sizeof(*t));
    t->p = test_platform_new();
    t->chance = test_seed() | 1;
    t->wire = calloc(1, sizeof(*t->wire));
    t->rig = net_fixture.make(t->p, net_variant);
    enum rung_err err = net_fixture.open(t->rig, &t->net);
    if (err)
        fail_msg("open gives %s: %s", rung_err_name(err), test_log_last(t->p));
    assert_non_null(t->net);
    assert_null(t->net->ready);
    assert_null(t->net->arg);
    t->net->ready = net_on_ready;
    t->net->arg = t;
}

struct closing {
    struct rung_op op;
    struct net_test *t;
    unsigned done_count;
};

static void net_on_closed(struct rung_op *op, int result)
{
    struct closing *closing = rung_container_of(op, struct closing, op);
    assert_false(closing->t->in_call);
    assert_int_equal(result, RUNG_OK);
    closing->done_count++;
}

static bool net_is_closed(void *arg)
{
    return ((struct closing *)arg)->done_count > 0;
}

void net_close(struct net_test *t)
{
    struct closing closing = {.op.done = net_on_closed, .t = t};
    t->in_call = true;
    rung_net_close(t->net, &closing.op);
    t->in_call = false;
    t->closed = true;
    assert_int_equal(closing.done_count, 0);
    test_run_until(t->p, net_is_closed, &closing);
    t->net = NULL;
    test_run_turns(t->p, 5); /* a second done(), or a late ready() */
    assert_int_equal(closing.done_count, 1);
}

void net_end(struct net_test *t)
{
    if (t->net)
        net_close(t);
    net_fixture.free(t->rig);
    test_platform_free(t->p);
    free(t->wire);
}

void net_skip(struct net_test *t, const char *why)
{
    print_message("skipped: %s\n", why);
    net_end(t);
    skip();
}

uint32_t net_chance(struct net_test *t, uint32_t below)
{
    return test_chance(&t->chance, below);
}

unsigned net_rounds(unsigned n)
{
    return getenv("RUNG_TEST_SLOW") ? (n + 9) / 10 : n;
}

bool net_has(const struct net_test *t, uint32_t caps)
{
    return (t->net->info.caps & caps) == caps;
}

int net_send(struct net_test *t, struct rung_frame *const f[], unsigned n)
{
    bool outer = t->in_call;
    t->in_call = true;
    int k = rung_net_send(t->net, f, n);
    t->in_call = outer;
    return k;
}

int net_recv(struct net_test *t, struct rung_frame *f[], unsigned n)
{
    t->in_call = true;
    int k = rung_net_recv(t->net, f, n);
    t->in_call = false;
    return k;
}

void net_wait(struct net_test *t, bool (*done)(void *arg))
{
    test_run_until(t->p, done, t);
}

bool net_take_ours(struct net_test *t, struct net_wire *wire)
{
    bool ours = false;
    t->in_call = true; /* the peer's calls are no place for our ready() either */
    while (!ours && net_fixture.take(t->rig, wire))
        ours = net_is_ours(wire);
    t->in_call = false;
    return ours;
}

bool net_try_inject(struct net_test *t, const struct net_wire *wire)
{
    t->in_call = true;
    bool sent = net_fixture.inject(t->rig, wire);
    t->in_call = false;
    return sent;
}

struct awaiting {
    struct net_test *t;
    struct net_wire *wire;
    const struct net_wire *sends;
    struct rung_frame *frame;
};

static bool net_has_taken(void *arg)
{
    struct awaiting *a = arg;
    return net_take_ours(a->t, a->wire);
}

/* test_run_until() may ask once more after it was told: what has come is kept. */
static bool net_has_taken_once(void *arg)
{
    struct awaiting *a = arg;
    if (!a->sends && net_has_taken(arg))
        a->sends = a->wire;
    return a->sends != NULL;
}

void net_await_taken(struct net_test *t, struct net_wire *wire)
{
    struct awaiting a = {.t = t, .wire = wire};
    test_run_until(t->p, net_has_taken_once, &a);
}

static bool net_has_injected(void *arg)
{
    struct awaiting *a = arg;
    if (a->sends && net_try_inject(a->t, a->sends))
        a->sends = NULL;
    return !a->sends;
}

void net_inject(struct net_test *t, const struct net_wire *wire)
{
    struct awaiting a = {.t = t, .sends = wire};
    test_run_until(t->p, net_has_injected, &a);
}

struct rung_frame *net_recv_ours(struct net_test *t)
{
    struct rung_frame *f = NULL;
    while (net_recv(t, &f, 1) == 1) {
        net_copy_lent(t->wire, f);
        if (net_is_ours(t->wire))
            return f;
        f->release(f);
    }
    return NULL;
}

static bool net_has_received(void *arg)
{
    struct awaiting *a = arg;
    if (!a->frame)
        a->frame = net_recv_ours(a->t);
    return a->frame != NULL;
}

struct rung_frame *net_await_recv(struct net_test *t)
{
    struct awaiting a = {.t = t};
    test_run_until(t->p, net_has_received, &a);
    return a.frame;
}

void net_expect_quiet(struct net_test *t)
{
    for (unsigned i = 0; i < 20; i++) {
        test_run_turns(t->p, 1);
        assert_false(net_take_ours(t, t->wire));
        assert_null(net_recv_ours(t));
    }
}

static int net_run_group(const char *variant)
{
    static const struct CMUnitTest *const files[] = {
        net_send_cases, net_recv_cases, net_offload_cases, net_life_cases, net_fault_cases,
        net_model_cases,
    };
    char name[128];
    net_variant = variant;
    snprintf(name, sizeof(name), "net/%s/%s", net_fixture.module, variant);
    return test_run_group(name, files, RUNG_ARRAY_LEN(files));
}

int main(void)
{
    int failed = 0;
    test_enter(net_fixture.enter);
    for (const char *const *variant = net_fixture.variants; *variant; variant++)
        failed += net_run_group(*variant);
    return failed != 0;
}
