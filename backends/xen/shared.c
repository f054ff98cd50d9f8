/* SPDX-License-Identifier: ISC */
/* backends/xen/shared.c - the page that Xen shares with every guest (event bits, clocks), and the
 * parameters by which the toolstack says where console and store are. */
#include "xen/bus/abi.h"
#include "xen/ground.h"
#include "xen/hypercall.h"
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/memory.h>

/* Nothing is ever delivered: every event is masked and interrupts are off. But the toolstack takes
 * a guest with this parameter for one that knows Xen, and tells it how a suspend went; and Xen
 * takes the call as the sign that the shared page is to have its 64-bit shape. */
#define SHARED_CALLBACK ((uint64_t)HVM_PARAM_CALLBACK_TYPE_VECTOR << 56 | 0xf3)

bool rung_xen_param(unsigned index, uint64_t *value)
{
    struct xen_hvm_param param = {.domid = DOMID_SELF, .index = index};
    long err = rung_xen_hvm_op(HVMOP_get_param, &param);
    *value = param.value;
    return err == 0 && param.value != 0;
}

enum rung_err rung_xen_shared_map(struct rung_xen_ground *g)
{
    struct xen_hvm_param callback = {
        .domid = DOMID_SELF, .index = HVM_PARAM_CALLBACK_IRQ, .value = SHARED_CALLBACK};
    struct xen_add_to_physmap map = {.domid = DOMID_SELF, .space = XENMAPSPACE_shared_info};
    if (!g->shared) /* the memory behind this page goes back to Xen */
        g->shared = rung_xen_page_get(&g->base);
    if (!g->shared) {
        rung_log(&g->base, RUNG_LOG_ERROR, "xen",
                 "no memory for Xen's shared page: give the domain more");
        return RUNG_E_NOMEM;
    }
    map.gpfn = rung_xen_frame_of(g->shared);
    long err = rung_xen_hvm_op(HVMOP_set_param, &callback);
    if (!err)
        err = rung_xen_memory_op(XENMEM_add_to_physmap, &map);
    if (err) {
        rung_log(&g->base, RUNG_LOG_ERROR, "xen", "Xen does not share its page with us: error %ld",
                 err);
        return rung_xen_err(err);
    }
    return RUNG_OK;
}
