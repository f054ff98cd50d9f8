/* SPDX-License-Identifier: ISC */
/* test/xen-fake/netback.c - a back end for network devices: its life. See netback.h. */
#include "netback.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <xen/io/xenbus.h>

void netback_fault(struct netback *back, const char *format, ...)
{
    va_list args;
    if (back->careless) {
        back->confused = true;
        longjmp(back->way_out, 1);
    }
    va_start(args, format);
    fprintf(stderr, "netback: vif %s: ", back->id);
    vfprintf(stderr, format, args);
    fprintf(stderr, "\n");
    va_end(args);
    abort();
}

static uint32_t back_front(struct netback *back, const char *key, uint32_t absent)
{
    return (uint32_t)fake_store_number(back->fake, fake_front(back->fake, "vif", back->id, key),
                                       absent);
}

static void back_say(struct netback *back, const char *key, bool yes)
{
    fake_store_write(back->fake, fake_back(back->fake, "vif", back->id, key), "%d", yes);
}

static void back_on_tx(struct fake_port *port)
{
    ((struct netback *)port->arg)->notified++;
}

static void back_disconnect(struct fake_backend *device)
{
    struct netback *back = device->arg;
    netback_let_go(back);
    fake_unbind(back->fake, &back->tx_port);
    fake_unbind(back->fake, &back->rx_port);
    if (back->tx)
        fake_unmap(back->fake, back->tx_ref);
    if (back->rx)
        fake_unmap(back->fake, back->rx_ref);
    back->tx = NULL;
    back->rx = NULL;
    back->up = false;
}

static bool back_bind(struct netback *back)
{
    back->tx_port = (struct fake_port){.fn = back_on_tx, .arg = back};
    back->rx_port = (struct fake_port){.fn = back_on_tx, .arg = back};
    uint32_t tx = back_front(back, "event-channel-tx", 0);
    back->split = tx != 0;
    if (back->split && back->config.no_split)
        return false;
    if (!back->split)
        return fake_bind(back->fake, &back->tx_port, 0, back_front(back, "event-channel", 0));
    return fake_bind(back->fake, &back->tx_port, 0, tx)
           && fake_bind(back->fake, &back->rx_port, 0, back_front(back, "event-channel-rx", 0));
}

/* What the front end has published; false: it is not what was offered. */
static bool back_read(struct netback *back)
{
    back->sg = back_front(back, "feature-sg", 0) == 1;
    back->gso4 = back_front(back, "feature-gso-tcpv4", 0) == 1;
    back->gso6 = back_front(back, "feature-gso-tcpv6", 0) == 1;
    back->csum = back_front(back, "feature-no-csum-offload", 0) == 0;
    back->csum6 = back_front(back, "feature-ipv6-csum-offload", 0) == 1;
    back->tx_ref = back_front(back, "tx-ring-ref", 0);
    back->rx_ref = back_front(back, "rx-ring-ref", 0);
    return back_front(back, "request-rx-copy", 0) == 1
           && back_front(back, "feature-rx-notify", 0) == 1
           && back_front(back, "multi-queue-num-queues", 1) == 1;
}

static bool back_connect(struct fake_backend *device)
{
    struct netback *back = device->arg;
    bool good = back_read(back);
    back->tx = fake_map(back->fake, 0, back->tx_ref, true);
    back->rx = fake_map(back->fake, 0, back->rx_ref, true);
    back->tx_taken = back->tx_said = back->rx_taken = back->rx_said = 0;
    back->held_count = back->kept_count = back->group_count = 0;
    memset(back->flying, 0, sizeof(back->flying));
    back->up = back_bind(back) && good && back->tx && back->rx;
    back->confused = false;
    if (!back->up && !back->careless)
        netback_fault(back, "its keys make no sense, or its rings or ports are not there");
    if (!back->up)
        back_disconnect(device);
    back->connects += back->up;
    return back->up;
}

static void back_features(struct netback *back)
{
    const struct netback_config *config = &back->config;
    struct fake *fake = back->fake;
    fake_store_write(fake, fake_front(fake, "vif", back->id, "mac"), "%s",
                     config->mac ? config->mac : "00:16:3e:00:00:01");
    if (config->mtu)
        fake_store_write(fake, fake_front(fake, "vif", back->id, "mtu"), "%u", config->mtu);
    if (config->untrusted)
        fake_store_write(fake, fake_front(fake, "vif", back->id, "trusted"), "0");
    back_say(back, "feature-sg", !config->no_sg);
    back_say(back, "feature-gso-tcpv4", !config->no_gso4);
    back_say(back, "feature-gso-tcpv6", !config->no_gso6);
    back_say(back, "feature-ipv6-csum-offload", !config->no_csum6);
    back_say(back, "feature-no-csum-offload", config->no_csum);
    back_say(back, "feature-rx-copy", !config->no_copy);
    back_say(back, "feature-rx-flip", false);
    back_say(back, "feature-multicast-control", !config->no_mcast);
    back_say(back, "feature-dynamic-multicast-control", !config->no_mcast && !config->no_dynamic);
    back_say(back, "feature-split-event-channels", !config->no_split);
    back_say(back, "feature-ctrl-ring", true);
    if (!config->no_queues)
        fake_store_write(fake, fake_back(fake, "vif", back->id, "multi-queue-max-queues"), "2");
}

static void back_start(struct netback *back)
{
    back_features(back);
    back->device = (struct fake_backend){
        .kind = "vif", .id = back->id, .connect = back_connect, .disconnect = back_disconnect,
        .arg = back,
    };
    fake_backend_start(back->fake, &back->device);
}

struct netback *netback_new(struct fake *fake, const char *id, const struct netback_config *config)
{
    struct netback *back = calloc(1, sizeof(*back));
    if (!back)
        abort();
    back->fake = fake;
    back->id = id;
    if (config)
        back->config = *config;
    fake_device_add(fake, "vif", id);
    back_start(back);
    return back;
}

void netback_free(struct netback *back)
{
    fake_backend_stop(&back->device);
    fake_device_remove(back->fake, "vif", back->id);
    free(back);
}

void netback_restart(struct netback *back, bool plug)
{
    fake_backend_stop(&back->device);
    if (plug)
        fake_device_add(back->fake, "vif", back->id);
    back_start(back);
}

void netback_down(struct netback *back)
{
    fake_backend_state(&back->device, XenbusStateClosing);
}

void netback_up(struct netback *back)
{
    fake_backend_state(&back->device, XenbusStateInitWait);
}
