/* SPDX-License-Identifier: ISC */
/* test/support/lwip_host.c - a tap, the kernel's side of it, and lwIP on the other. */
#include "lwip_host.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>
#include <unistd.h>

#include "rung/clock.h"
#include "test_netns.h"
#include "test_platform.h"
#include "test_wait.h"
#include "unix-socket/sockaddr.h"

#define HOST_CLOG_ROOM 20u
#define HOST_RETRANS_MS "50" /* the first answer may come before the kernel's address is at work */
#define HOST_DISCARD 9 /* the port where nobody is */

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
    return host->tap.index;
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
    struct lwip_host *host = rung_container_of(net, struct lwip_host, tap.net);
    if (!host->clogged)
        return host->tap_ops->send(net, f, n);
    unsigned room = n < host->room ? n : host->room;
    int k = room > 0 ? host->tap_ops->send(net, f, room) : 0;
    if (k >= 0) {
        host->room -= (unsigned)k;
        host->tx_due = host->tx_due || k < (int)n;
    }
    return k;
}

static void host_unclogged(struct rung_task *task)
{
    struct lwip_host *host = rung_container_of(task, struct lwip_host, unclogged);
    struct rung_net *net = &host->tap.net;
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

static enum rung_err host_tap(struct lwip_host *host)
{
    struct rung_net_tap_needs none = {0};
    char path[128];
    host->tap_keys = (struct rung_net_tap_keys){.slot = "net", .offload = true,
                                                 .rx_memory = 16u << 20};
    enum rung_err err = rung_net_tap_open(&host->tap, host->p, &host->tap_keys, &none);
    if (err)
        return err;
    host->tap_open = true;
    host->tap_ops = host->tap.net.ops;
    host->ops = *host->tap_ops;
    host->ops.send = host_send;
    host->tap.net.ops = &host->ops;
    snprintf(path, sizeof(path), "net/ipv6/neigh/%s/retrans_time_ms", host->tap.name);
    test_sysctl(path, HOST_RETRANS_MS);
    test_link_up(host->tap.name, true);
    test_link_addr(host->tap.name, "10.77.0.1/24");
    test_link_addr(host->tap.name, "fd77::1/64");
    return RUNG_OK;
}

struct host_greeting {
    int fd;
    unsigned asked;
};

/* "Nobody at this port" comes back when either side has found the other. */
static bool host_is_greeted(void *arg)
{
    struct host_greeting *g = arg;
    if (g->asked++ % 100 == 0)
        return send(g->fd, "", 0, 0) < 0 && errno == ECONNREFUSED;
    char byte;
    return recv(g->fd, &byte, 1, MSG_DONTWAIT) < 0 && errno == ECONNREFUSED;
}

static void host_greet(struct lwip_host *host, enum rung_family family)
{
    struct rung_addr to = lwip_host_address(family);
    union rung_sockaddr sa;
    to.port = HOST_DISCARD;
    socklen_t len = rung_sockaddr_set(&sa, rung_sockaddr_domain(&to), &to);
    struct host_greeting g = {.fd = socket(sa.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    assert_int_equal(connect(g.fd, &sa.any, len), 0);
    test_wait(host->p, host_is_greeted, &g);
    close(g.fd);
}

enum rung_err lwip_host_open(struct lwip_host *host, struct rung_platform *p,
                             const struct rung_lwip_keys *keys)
{
    *host = (struct lwip_host){.p = p, .keys = *keys, .unclogged.fn = host_unclogged};
    enum rung_err err = host_tap(host);
    if (err)
        return err;
    host->keys.slot = "tcp";
    host->keys.ipv4 = (struct rung_cidr){lwip_host_address(RUNG_AF_IPV4), 24};
    host->keys.ipv6 = (struct rung_cidr){lwip_host_address(RUNG_AF_IPV6), 64};
    struct rung_lwip_needs needs = {.net = &host->tap.net};
    err = rung_lwip_open(&host->stack, p, &host->keys, &needs);
    host->open = !err;
    if (err)
        return err;
    host_greet(host, RUNG_AF_IPV4);
    host_greet(host, RUNG_AF_IPV6);
    return RUNG_OK;
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

void lwip_host_close(struct lwip_host *host)
{
    struct host_closing closing = {.op.done = host_on_closed};
    if (!host->tap_open)
        return;
    rung_net_close(&host->tap.net, &closing.op);
    test_run_until(host->p, host_is_closed, &closing);
    host->tap_open = false;
}
