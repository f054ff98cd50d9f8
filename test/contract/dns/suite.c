/* SPDX-License-Identifier: ISC */
/* test/contract/dns/suite.c - runs the cases; a case's beginning and end, and requests as an app
 * makes them. */
#include "suite.h"

#include "test_suite.h"
#include "test_wait.h"

static void dns_open(struct dns_test *t, bool no_server)
{
    memset(t, 0, sizeof(*t));
    t->p = test_platform_new();
    t->rig = dns_fixture.make(t->p);
    enum rung_err err = dns_fixture.open(t->rig, no_server, &t->dns);
    if (err)
        fail_msg("open gives %s: %s", rung_err_name(err), test_log_last(t->p));
    assert_int_equal(dns_asked(t), 0);
}

void dns_begin(struct dns_test *t)
{
    dns_open(t, false);
}

void dns_begin_without_server(struct dns_test *t)
{
    dns_open(t, true);
}

struct stopping {
    struct rung_op op;
    struct dns_test *t;
    unsigned done;
};

static void dns_on_stopped(struct rung_op *op, int result)
{
    struct stopping *stopping = rung_container_of(op, struct stopping, op);
    assert_int_equal(stopping->t->in_call, 0);
    assert_int_equal(result, RUNG_OK);
    stopping->done++;
}

static bool dns_is_stopped(void *arg)
{
    struct stopping *stopping = arg;
    dns_fixture.pump(stopping->t->rig, stopping->t->silent);
    return stopping->done > 0;
}

void dns_stop(struct dns_test *t)
{
    struct stopping stopping = {.op.done = dns_on_stopped, .t = t};
    t->in_call++;
    rung_dns_stop(t->dns, &stopping.op);
    t->in_call--;
    assert_int_equal(stopping.done, 0);
    test_wait(t->p, dns_is_stopped, &stopping);
    test_run_turns(t->p, 3);
    assert_int_equal(stopping.done, 1);
    t->dns = NULL;
}

void dns_end(struct dns_test *t)
{
    if (t->dns)
        dns_stop(t);
    dns_fixture.free(t->rig);
    test_platform_free(t->p);
}

static void ask_on_done(struct rung_op *op, int result)
{
    struct dns_ask *ask = rung_container_of(op, struct dns_ask, how.op);
    assert_int_equal(ask->t->in_call, 0);
    assert_int_equal(ask->done, 0);
    ask->done++;
    ask->result = result;
    if (result == RUNG_OK)
        assert_in_range(ask->how.count, 1, ask->how.room);
    for (unsigned i = 0; result == RUNG_OK && i < ask->how.count; i++) {
        assert_int_equal(ask->addrs[i].port, ask->how.port);
        if (ask->how.family != RUNG_AF_NONE)
            assert_int_equal(ask->addrs[i].family, ask->how.family);
    }
    if (ask->on_done)
        ask->on_done(ask);
}

void ask_start(struct dns_test *t, struct dns_ask *ask, const char *name, enum rung_family family)
{
    void (*on_done)(struct dns_ask *) = ask->on_done;
    unsigned room = ask->how.room ? ask->how.room : DNS_TEST_ROOM;
    uint16_t port = ask->how.port;
    memset(ask, 0, sizeof(*ask));
    ask->t = t;
    ask->on_done = on_done;
    ask->how = (struct rung_dns_resolve){.op.done = ask_on_done, .name = name, .family = family,
                                         .port = port, .addrs = ask->addrs, .room = room};
    t->in_call++;
    rung_dns_resolve(t->dns, &ask->how);
    t->in_call--;
    assert_int_equal(ask->done, 0);
}

static bool ask_is_done(void *arg)
{
    struct dns_ask *ask = arg;
    dns_fixture.pump(ask->t->rig, ask->t->silent);
    return ask->done > 0;
}

void ask_wait(struct dns_ask *ask)
{
    test_wait(ask->t->p, ask_is_done, ask);
}

int ask_for(struct dns_test *t, struct dns_ask *ask, const char *name, enum rung_family family)
{
    ask_start(t, ask, name, family);
    ask_wait(ask);
    return ask->result;
}

static bool ask_has(const struct dns_ask *ask, const char *text)
{
    struct rung_addr addr;
    assert_int_equal(rung_addr_parse(&addr, text), RUNG_OK);
    addr.port = ask->how.port;
    for (unsigned i = 0; i < ask->how.count; i++)
        if (rung_addr_equal(&ask->addrs[i], &addr))
            return true;
    return false;
}

void ask_found(const struct dns_ask *ask, const char *first, const char *second)
{
    char text[RUNG_ADDR_TEXT];
    assert_int_equal(ask->result, RUNG_OK);
    if (ask->how.count != (second ? 2 : 1) || !ask_has(ask, first)
        || (second && !ask_has(ask, second)))
        fail_msg("%s: %u addresses, the first %s", ask->how.name, ask->how.count,
                 rung_addr_format(&ask->addrs[0], text));
}

unsigned dns_asked(struct dns_test *t)
{
    return dns_fixture.pump(t->rig, t->silent);
}

int main(void)
{
    static const struct CMUnitTest *const files[] = {dns_name_cases, dns_flight_cases};
    char name[128];
    test_enter(dns_fixture.enter);
    snprintf(name, sizeof(name), "dns/%s", dns_fixture.module);
    return test_run_group(name, files, RUNG_ARRAY_LEN(files)) != 0;
}
