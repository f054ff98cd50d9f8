/* SPDX-License-Identifier: ISC */
/* test/xen-guest/link_netfront.c - lwip_link.h with the guest's first vif; its second one is what
 * the kernel at the other end is commanded over (remote.h). */
#include "lwip_link.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "netfront.h"
#include "remote.h"
#include "rung/clock.h"
#include "test_platform.h"
#include "test_wait.h"

struct lwip_link {
    struct rung_platform *p;
    struct rung_netfront vif;
    struct rung_netfront_keys keys; /* as long as it is open */
};

bool lwip_link_enter(const char **why)
{
    (void)why;
    remote_open();
    return true;
}

struct lwip_link *lwip_link_open(struct rung_platform *p, enum rung_err *err)
{
    static const struct rung_netfront_needs none;
    struct lwip_link *link = calloc(1, sizeof(*link));
    assert_non_null(link);
    remote_begin();
    link->p = p;
    link->keys = (struct rung_netfront_keys){.slot = "net", .device = "0", .offload = true,
                                              .wait = 10 * RUNG_NS_PER_S, .rx_memory = 16u << 20};
    *err = rung_netfront_open(&link->vif, p, &link->keys, &none);
    if (!*err)
        return link;
    free(link);
    return NULL;
}

struct rung_net *lwip_link_net(struct lwip_link *link)
{
    return &link->vif.net;
}

unsigned lwip_link_index(struct lwip_link *link)
{
    (void)link;
    return 0;
}

static bool link_is_greeted(void *arg)
{
    struct remote_call call = {.what = REMOTE_GREET, .addr = *(const struct rung_addr *)arg};
    return remote_call(&call) == 0;
}

void lwip_link_greet(struct lwip_link *link, const struct rung_addr *to)
{
    struct rung_addr at = *to;
    test_wait(link->p, link_is_greeted, &at);
}

void lwip_link_free(struct lwip_link *link)
{
    free(link);
}
