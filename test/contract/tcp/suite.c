/* SPDX-License-Identifier: ISC */
/* test/contract/tcp/suite.c - runs the cases for both families, and a case's beginning and end. */
#include "suite.h"

#include "test_suite.h"
#include "test_wait.h"

static enum rung_family tcp_family;

void tcp_begin(struct tcp_test *t, const struct tcp_how *how)
{
    static const struct tcp_how defaults;
    struct rung_addr addr;
    memset(t, 0, sizeof(*t));
    t->p = test_platform_new();
    t->chance = test_seed() | 1;
    t->family = tcp_family;
    t->rig = tcp_fixture.make(t->p);
    enum rung_err err = tcp_fixture.open(t->rig, how ? how : &defaults, &t->tcp);
    if (err == RUNG_E_NOTSUP)
        tcp_skip(t, "this module has no such setting");
    if (err)
        fail_msg("open gives %s: %s", rung_err_name(err), test_log_last(t->p));
    if (!tcp_fixture.host(t->rig, t->family, &addr))
        tcp_skip(t, "no addresses of this family here");
}

struct stopping {
    struct rung_op op;
    struct tcp_test *t;
    unsigned done_count;
    int result;
};

static void tcp_on_stopped(struct rung_op *op, int result)
{
    struct stopping *stopping = rung_container_of(op, struct stopping, op);
    assert_int_equal(stopping->t->in_call, 0);
    stopping->done_count++;
    stopping->result = result;
}

static bool tcp_is_stopped(void *arg)
{
    return ((struct stopping *)arg)->done_count > 0;
}

void tcp_stop(struct tcp_test *t)
{
    struct stopping stopping = {.op.done = tcp_on_stopped, .t = t};
    t->in_call++;
    rung_tcp_stop(t->tcp, &stopping.op);
    t->in_call--;
    assert_int_equal(stopping.done_count, 0);
    t->listener = NULL;
    for (unsigned i = 0; i < t->app_count; i++)
        t->apps[i]->conn = NULL;
    tcp_wait(t, tcp_is_stopped, &stopping);
    test_run_turns(t->p, 3);
    assert_int_equal(stopping.done_count, 1);
    assert_int_equal(stopping.result, RUNG_OK);
    t->tcp = NULL;
}

void tcp_end(struct tcp_test *t)
{
    if (t->tcp)
        tcp_stop(t);
    for (unsigned i = 0; i < t->app_count; i++)
        app_release_held(t->apps[i]);
    assert_int_equal(t->out_count, 0);
    while (t->outs) {
        struct tcp_out *out = t->outs;
        t->outs = out->next;
        assert_int_equal(out->released, 1);
        free(out);
    }
    tcp_fixture.free(t->rig);
    test_platform_free(t->p);
}

void tcp_skip(struct tcp_test *t, const char *why)
{
    print_message("skipped: %s\n", why);
    tcp_end(t);
    skip();
}

size_t tcp_much(void)
{
    return tcp_fixture.much ? tcp_fixture.much : 12u << 20;
}

uint32_t tcp_chance(struct tcp_test *t, uint32_t below)
{
    return test_chance(&t->chance, below);
}

struct rung_addr tcp_host(struct tcp_test *t, uint16_t port)
{
    struct rung_addr addr;
    assert_true(tcp_fixture.host(t->rig, t->family, &addr));
    addr.port = port;
    return addr;
}

void tcp_wait(struct tcp_test *t, bool (*done)(void *arg), void *arg)
{
    assert_int_equal(t->in_call, 0);
    test_wait(t->p, done, arg);
}

void tcp_pause(struct tcp_test *t, unsigned ms)
{
    assert_int_equal(t->in_call, 0);
    test_pause(t->p, ms);
}

void tcp_settle(struct tcp_test *t)
{
    assert_int_equal(t->in_call, 0);
    test_settle(t->p);
}

static bool tcp_is_released(void *arg)
{
    return ((struct tcp_test *)arg)->out_count == 0;
}

void tcp_wait_released(struct tcp_test *t)
{
    tcp_wait(t, tcp_is_released, t);
}

static int tcp_run_group(enum rung_family family)
{
    static const struct CMUnitTest *const files[] = {
        tcp_listen_cases, tcp_connect_cases, tcp_stream_cases, tcp_press_cases,
        tcp_end_cases, tcp_life_cases, tcp_short_cases,
    };
    char name[128];
    tcp_family = family;
    snprintf(name, sizeof(name), "tcp/%s/ipv%d", tcp_fixture.module, (int)family);
    return test_run_group(name, files, RUNG_ARRAY_LEN(files));
}

int main(void)
{
    test_enter(tcp_fixture.enter);
    return tcp_run_group(RUNG_AF_IPV4) + tcp_run_group(RUNG_AF_IPV6) != 0;
}
