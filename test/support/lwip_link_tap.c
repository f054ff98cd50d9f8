/* SPDX-License-Identifier: ISC */
/* test/support/lwip_link_tap.c - lwip_link.h with a tap, and the kernel's side of it. */
#include "lwip_link.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <unistd.h>

#include "net_tap.h"
#include "test_netns.h"
#include "test_platform.h"
#include "test_wait.h"
#include "unix-socket/sockaddr.h"

#define LINK_RETRANS_MS "50" /* the first answer may come before the kernel's address is at work */
#define LINK_DISCARD 9 /* the port where nobody is */

struct lwip_link {
    struct rung_platform *p;
    struct rung_net_tap tap;
    struct rung_net_tap_keys keys; /* as long as it is open */
};

bool lwip_link_enter(const char **why)
{
    return test_netns_enter_with_tun(why);
}

struct lwip_link *lwip_link_open(struct rung_platform *p, enum rung_err *err)
{
    struct rung_net_tap_needs none = {0};
    struct lwip_link *link = calloc(1, sizeof(*link));
    char path[128];
    assert_non_null(link);
    link->p = p;
    link->keys = (struct rung_net_tap_keys){.slot = "net", .offload = true,
                                             .rx_memory = 16u << 20};
    *err = rung_net_tap_open(&link->tap, p, &link->keys, &none);
    if (*err) {
        free(link);
        return NULL;
    }
    snprintf(path, sizeof(path), "net/ipv6/neigh/%s/retrans_time_ms", link->tap.name);
    test_sysctl(path, LINK_RETRANS_MS);
    test_link_up(link->tap.name, true);
    test_link_addr(link->tap.name, "10.77.0.1/24");
    test_link_addr(link->tap.name, "fd77::1/64");
    return link;
}

struct rung_net *lwip_link_net(struct lwip_link *link)
{
    return &link->tap.net;
}

unsigned lwip_link_index(struct lwip_link *link)
{
    return link->tap.index;
}

struct link_greeting {
    int fd;
    unsigned asked;
};

/* "Nobody at this port" comes back when either side has found the other. */
static bool link_is_greeted(void *arg)
{
    struct link_greeting *g = arg;
    if (g->asked++ % 100 == 0)
        return send(g->fd, "", 0, 0) < 0 && errno == ECONNREFUSED;
    char byte;
    return recv(g->fd, &byte, 1, MSG_DONTWAIT) < 0 && errno == ECONNREFUSED;
}

void lwip_link_greet(struct lwip_link *link, const struct rung_addr *host)
{
    struct rung_addr to = *host;
    union rung_sockaddr sa;
    to.port = LINK_DISCARD;
    socklen_t len = rung_sockaddr_set(&sa, rung_sockaddr_domain(&to), &to);
    struct link_greeting g = {.fd = socket(sa.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    assert_int_equal(connect(g.fd, &sa.any, len), 0);
    test_wait(link->p, link_is_greeted, &g);
    close(g.fd);
}

void lwip_link_free(struct lwip_link *link)
{
    free(link);
}
