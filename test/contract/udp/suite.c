/* SPDX-License-Identifier: ISC */
/* test/contract/udp/suite.c - runs the cases for both families, and a case's beginning and end. */
#include "suite.h"

#include "test_suite.h"
#include "test_wait.h"

static enum rung_family udp_family;

void udp_begin(struct udp_test *t, const struct udp_how *how)
{
    static const struct udp_how defaults;
    struct rung_addr addr;
    memset(t, 0, sizeof(*t));
    t->p = test_platform_new();
    t->chance = test_seed() | 1;
    t->family = udp_family;
    t->rig = udp_fixture.make(t->p);
    enum rung_err err = udp_fixture.open(t->rig, how ? how : &defaults, &t->udp);
    if (err == RUNG_E_NOTSUP)
        udp_skip(t, "this module has no such setting");
    if (err)
        fail_msg("open gives %s: %s", rung_err_name(err), test_log_last(t->p));
    if (!udp_fixture.host(t->rig, t->family, &addr))
        udp_skip(t, "no addresses of this family here");
}

struct stopping {
    struct rung_op op;
    struct udp_test *t;
    unsigned done_count;
    int result;
};

static void udp_on_stopped(struct rung_op *op, int result)
{
    struct stopping *stopping = rung_container_of(op, struct stopping, op);
    assert_int_equal(stopping->t->in_call, 0);
    stopping->done_count++;
    stopping->result = result;
}

static bool udp_is_stopped(void *arg)
{
    return ((struct stopping *)arg)->done_count > 0;
}

void udp_stop(struct udp_test *t)
{
    struct stopping stopping = {.op.done = udp_on_stopped, .t = t};
    t->in_call++;
    rung_udp_stop(t->udp, &stopping.op);
    t->in_call--;
    assert_int_equal(stopping.done_count, 0);
    for (unsigned i = 0; i < t->sock_count; i++)
        t->socks[i].socket = NULL;
    udp_wait(t, udp_is_stopped, &stopping);
    test_run_turns(t->p, 3);
    assert_int_equal(stopping.done_count, 1);
    assert_int_equal(stopping.result, RUNG_OK);
    t->udp = NULL;
}

void udp_end(struct udp_test *t)
{
    if (t->udp)
        udp_stop(t);
    for (unsigned i = 0; i < t->sock_count; i++)
        sock_release_held(&t->socks[i]);
    assert_int_equal(t->out_count, 0);
    while (t->outs) {
        struct udp_out *out = t->outs;
        t->outs = out->next;
        assert_int_equal(out->released, 1);
        free(out);
    }
    udp_fixture.free(t->rig);
    test_platform_free(t->p);
}

void udp_skip(struct udp_test *t, const char *why)
{
    print_message("skipped: %s\n", why);
    udp_end(t);
    skip();
}

uint32_t udp_chance(struct udp_test *t, uint32_t below)
{
    return test_chance(&t->chance, below);
}

struct rung_addr udp_host(struct udp_test *t, uint16_t port)
{
    struct rung_addr addr;
    assert_true(udp_fixture.host(t->rig, t->family, &addr));
    addr.port = port;
    return addr;
}

void udp_wait(struct udp_test *t, bool (*done)(void *arg), void *arg)
{
    assert_int_equal(t->in_call, 0);
    test_wait(t->p, done, arg);
}

void udp_settle(struct udp_test *t)
{
    assert_int_equal(t->in_call, 0);
    test_settle(t->p);
}

static uint8_t udp_pattern(uint32_t number, size_t at)
{
    return (uint8_t)(number * 37 + at * 11 + (at >> 8));
}

void udp_fill(uint8_t *data, size_t len, uint32_t number)
{
    for (size_t i = 0; i < len; i++)
        data[i] = udp_pattern(number, i);
    if (len >= sizeof(number))
        memcpy(data, &number, sizeof(number));
}

uint32_t udp_check(const uint8_t *data, size_t len)
{
    uint32_t number = 0;
    if (len < sizeof(number))
        return 0;
    memcpy(&number, data, sizeof(number));
    for (size_t i = sizeof(number); i < len; i++)
        if (data[i] != udp_pattern(number, i))
            fail_msg("datagram %u of %zu bytes is wrong at %zu", number, len, i);
    return number;
}

static int udp_run_group(enum rung_family family)
{
    static const struct CMUnitTest *const files[] = {udp_open_cases, udp_io_cases, udp_life_cases};
    char name[128];
    udp_family = family;
    snprintf(name, sizeof(name), "udp/%s/ipv%d", udp_fixture.module, (int)family);
    return test_run_group(name, files, RUNG_ARRAY_LEN(files));
}

int main(void)
{
    test_enter(udp_fixture.enter);
    return udp_run_group(RUNG_AF_IPV4) + udp_run_group(RUNG_AF_IPV6) != 0;
}
