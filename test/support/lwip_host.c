/* SPDX-License-Identifier: ISC */
/* test/support/lwip_host.c - lwIP on a link that can be clogged. */
#include "lwip_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "rung/clock.h"
#include "test_platform.h"

#define HOST_CLOG_ROOM 20u

static struct lwip_host *host_open; /* there is one lwIP in a program */

static struct rung_addr host_addr(const char *text)
{
    struct rung_addr addr;
    assert_int_equal(rung_addr_parse(&addr, text), RUNG_OK);
    return addr;
}

struct rung_addr lwip_host_address(enum rung_family family)
{
    return host_addr(family == RUNG_AF_IPV4 ? "10.77.0.2" : "fd77::2");
}

struct rung_addr lwip_host_peer(enum rung_family family)
{
    return host_addr(family == RUNG_AF_IPV4 ? "10.77.0.1" : "fd77::1");
}

struct rung_addr lwip_host_elsewhere(enum rung_family family)
{
    return host_addr(family == RUNG_AF_IPV4 ? "192.0.2.1:9" : "[2001:db8::1]:9");
}

unsigned lwip_host_link(struct lwip_host *host)
{
    return lwip_link_index(host->link);
}

struct rung_lwip_keys lwip_host_keys(void)
{
    return (struct rung_lwip_keys){
        .dad = false, .backlog = 1024, .max_connections = 32768, .max_half_open = 1024,
        .time_wait = 8, .memory = 64u << 20, .rx_memory = 16u << 20,
        .tx_buffer = 256u << 10, .tx_memory = 64u << 20, .linger = 30 * RUNG_NS_PER_S,
    };
}

static int host_send(struct rung_net *net, struct rung_frame *const f[], unsigned n)
{
    struct lwip_host *host = host_open;
    if (!host->clogged)
        return host->link_ops->send(net, f, n);
    unsigned room = n < host->room ? n : host->room;
    int k = room > 0 ? host->link_ops->send(net, f, room) : 0;
    if (k >= 0) {
        host->room -= (unsigned)k;
        host->tx_due = host->tx_due || k < (int)n;
    }
    return k;
}

static void host_unclogged(struct rung_task *task)
{
    struct lwip_host *host = rung_container_of(task, struct lwip_host, unclogged);
    struct rung_net *net = lwip_link_net(host->link);
    if (net->ready)
        net->ready(net, RUNG_NET_TX_READY, net->arg);
}

void lwip_host_clog(struct lwip_host *host, bool on)
{
    host->clogged = on;
    host->room = HOST_CLOG_ROOM;
    if (!on && host->tx_due)
        rung_loop_defer(host->p, &host->unclogged);
    host->tx_due = false;
}

enum rung_err lwip_host_open(struct lwip_host *host, struct rung_platform *p,
                             const struct rung_lwip_keys *keys)
{
    static const enum rung_family families[] = {RUNG_AF_IPV4, RUNG_AF_IPV6};
    enum rung_err err = RUNG_OK;
    *host = (struct lwip_host){.p = p, .keys = *keys, .unclogged.fn = host_unclogged};
    host->link = lwip_link_open(p, &err);
    if (!host->link)
        return err;
    struct rung_net *net = lwip_link_net(host->link);
    host_open = host;
    host->link_ops = net->ops;
    host->ops = *net->ops;
    host->ops.send = host_send;
    net->ops = &host->ops;
    host->keys.slot = "tcp";
    host->keys.ipv4 = (struct rung_cidr){lwip_host_address(RUNG_AF_IPV4), 24};
    host->keys.ipv6 = (struct rung_cidr){lwip_host_address(RUNG_AF_IPV6), 64};
    struct rung_lwip_needs needs = {.net = net};
    err = rung_lwip_open(&host->stack, p, &host->keys, &needs);
    host->open = !err;
    for (unsigned i = 0; !err && i < RUNG_ARRAY_LEN(families); i++) {
        struct rung_addr at = lwip_host_address(families[i]);
        lwip_link_greet(host->link, &at);
    }
    return err;
}

struct host_closing {
    struct rung_op op;
    bool done;
};

static void host_on_closed(struct rung_op *op, int result)
{
    assert_int_equal(result, RUNG_OK);
    rung_container_of(op, struct host_closing, op)->done = true;
}

static bool host_is_closed(void *arg)
{
    return ((struct host_closing *)arg)->done;
}

void lwip_host_stop_tcp(struct lwip_host *host)
{
    struct host_closing stopping = {.op.done = host_on_closed};
    if (!host->open)
        return;
    rung_tcp_stop(&host->stack.tcp, &stopping.op);
    test_run_until(host->p, host_is_closed, &stopping);
}

void lwip_host_stop_udp(struct lwip_host *host)
{
    struct host_closing stopping = {.op.done = host_on_closed};
    if (!host->open)
        return;
    rung_udp_stop(&host->stack.udp, &stopping.op);
    test_run_until(host->p, host_is_closed, &stopping);
}

void lwip_host_stop_dns(struct lwip_host *host)
{
    struct host_closing stopping = {.op.done = host_on_closed};
    if (!host->open)
        return;
    rung_dns_stop(&host->stack.dns, &stopping.op);
    test_run_until(host->p, host_is_closed, &stopping);
}

void lwip_host_close(struct lwip_host *host)
{
    struct host_closing closing = {.op.done = host_on_closed};
    if (!host->link)
        return;
    rung_net_close(lwip_link_net(host->link), &closing.op);
    test_run_until(host->p, host_is_closed, &closing);
    lwip_link_free(host->link);
    host->link = NULL;
}
