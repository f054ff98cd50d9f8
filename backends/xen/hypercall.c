/* SPDX-License-Identifier: ISC */
/* backends/xen/hypercall.c - hypercall.h in an image. */
#include "xen/hypercall.h"

#include "xen/boot/image.h"
#include "xen/bus/abi.h"
#include "xen/ground.h"

long rung_xen_memory_op(unsigned cmd, void *arg)
{
    return rung_xen_hypercall(__HYPERVISOR_memory_op, cmd, (uintptr_t)arg, 0);
}

long rung_xen_event_channel_op(int cmd, void *arg)
{
    return rung_xen_hypercall(__HYPERVISOR_event_channel_op, (unsigned)cmd, (uintptr_t)arg, 0);
}

long rung_xen_grant_table_op(unsigned cmd, void *arg, unsigned count)
{
    return rung_xen_hypercall(__HYPERVISOR_grant_table_op, cmd, (uintptr_t)arg, count);
}

long rung_xen_sched_op(int cmd, void *arg)
{
    return rung_xen_hypercall(__HYPERVISOR_sched_op, (unsigned)cmd, (uintptr_t)arg, 0);
}

long rung_xen_hvm_op(int cmd, void *arg)
{
    return rung_xen_hypercall(__HYPERVISOR_hvm_op, (unsigned)cmd, (uintptr_t)arg, 0);
}

long rung_xen_version(int cmd, void *arg)
{
    return rung_xen_hypercall(__HYPERVISOR_xen_version, (unsigned)cmd, (uintptr_t)arg, 0);
}

long rung_xen_physdev_op(int cmd, void *arg)
{
    return rung_xen_hypercall(__HYPERVISOR_physdev_op, (unsigned)cmd, (uintptr_t)arg, 0);
}

uint64_t rung_xen_frame_of(const void *address)
{
    return xen_physical(address) / XEN_PAGE_SIZE;
}

void *rung_xen_page_get(struct rung_platform *p)
{
    return rung_xen_ram_get(&ground_of(p)->ram, 1);
}

void rung_xen_page_put(struct rung_platform *p, void *page)
{
    rung_xen_ram_put(&ground_of(p)->ram, page, 1);
}

void *rung_xen_pages_get(struct rung_platform *p, size_t count)
{
    return rung_xen_ram_get(&ground_of(p)->ram, count);
}

void rung_xen_pages_put(struct rung_platform *p, void *pages, size_t count)
{
    rung_xen_ram_put(&ground_of(p)->ram, pages, count);
}

size_t rung_xen_pages_left(struct rung_platform *p)
{
    return ground_of(p)->ram.free;
}

struct rung_xen_entropy *rung_xen_entropy_of(struct rung_platform *p)
{
    return &ground_of(p)->entropy;
}

struct rung_xen *rung_xen_of(struct rung_platform *p)
{
    return &ground_of(p)->xen;
}
