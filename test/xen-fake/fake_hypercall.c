/* SPDX-License-Identifier: ISC */
/* test/xen-fake/fake_hypercall.c - the calls of backends/xen/hypercall.h. */
#include "fake_impl.h"

#include "rung/clock.h"
#include "virtual/virtual.h"
#include <xen/event_channel.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/physdev.h>
#include <xen/sched.h>
#include <xen/version.h>

long rung_xen_memory_op(unsigned cmd, void *arg)
{
    struct fake *fake = fake_current;
    const struct xen_add_to_physmap *map = arg;
    fake->hypercalls++;
    if (cmd != XENMEM_add_to_physmap || map->space != XENMAPSPACE_grant_table)
        return -XEN_ENOSYS;
    return fake_grants_place(fake, map->idx, fake_frame_find(fake, map->gpfn));
}

long rung_xen_event_channel_op(int cmd, void *arg)
{
    struct fake *fake = fake_current;
    fake->hypercalls++;
    if (cmd == EVTCHNOP_alloc_unbound) {
        struct evtchn_alloc_unbound *alloc = arg;
        long port = fake_channel_open(fake, alloc->remote_dom, FAKE_UNBOUND);
        alloc->port = port < 0 ? 0 : (evtchn_port_t)port;
        return port < 0 ? port : 0;
    }
    if (cmd == EVTCHNOP_close)
        return fake_channel_close(fake, ((const struct evtchn_close *)arg)->port);
    if (cmd == EVTCHNOP_send)
        return fake_channel_send(fake, ((const struct evtchn_send *)arg)->port);
    return -XEN_ENOSYS;
}

long rung_xen_grant_table_op(unsigned cmd, void *arg, unsigned count)
{
    struct fake *fake = fake_current;
    fake->hypercalls++;
    assert(count == 1);
    if (cmd == GNTTABOP_query_size) {
        struct gnttab_query_size *size = arg;
        size->nr_frames = 1;
        size->max_nr_frames = fake->config.grant_frames;
        size->status = GNTST_okay;
        return 0;
    }
    if (cmd == GNTTABOP_get_version) {
        ((struct gnttab_get_version *)arg)->version = fake->version;
        return 0;
    }
    if (cmd == GNTTABOP_set_version) {
        struct gnttab_set_version *set = arg;
        if (set->version != 1 && set->version != 2)
            return -XEN_EINVAL;
        if (set->version != fake->version && fake_grants_open(fake) > 0)
            return -XEN_EBUSY;
        fake->version = set->version;
        return 0;
    }
    return -XEN_ENOSYS;
}

/* Time passes in it as it would: all at once, for nothing else can happen meanwhile. */
static long sched_poll(struct fake *fake, const struct sched_poll *poll)
{
    uint64_t now_ns = rung_clock_monotonic_ns(fake->x.p);
    if (poll->nr_ports > 128)
        return -XEN_EINVAL;
    for (unsigned i = 0; i < poll->nr_ports; i++)
        if (fake_channel_pending(fake, poll->ports.p[i]))
            return 0;
    if (poll->timeout == 0)
        fake_die("the guest sleeps for ever");
    if (poll->timeout > now_ns)
        rung_virtual_skip_ns(fake->x.p, poll->timeout - now_ns);
    return 0;
}

long rung_xen_sched_op(int cmd, void *arg)
{
    fake_current->hypercalls++;
    return cmd == SCHEDOP_poll ? sched_poll(fake_current, arg) : -XEN_ENOSYS;
}

long rung_xen_hvm_op(int cmd, void *arg)
{
    struct fake *fake = fake_current;
    struct xen_hvm_param *param = arg;
    fake->hypercalls++;
    if (cmd != HVMOP_get_param || param->index != HVM_PARAM_STORE_EVTCHN)
        return -XEN_ENOSYS;
    param->value = fake->store.port;
    return 0;
}

long rung_xen_version(int cmd, void *arg)
{
    (void)arg;
    fake_current->hypercalls++;
    return cmd == XENVER_version ? 4 << 16 | 17 : -XEN_ENOSYS;
}

long rung_xen_physdev_op(int cmd, void *arg)
{
    (void)cmd;
    (void)arg;
    fake_current->hypercalls++;
    return -XEN_ENOSYS;
}
