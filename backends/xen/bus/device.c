/* SPDX-License-Identifier: ISC */
/* backends/xen/bus/device.c - opens and closes devices, and gives them up; see device.h. */
#include "xen/bus/device.h"

#include <stdio.h>
#include <string.h>

#include "rung/log.h"
#include "xen/bus/device_impl.h"

#define DEVICE_CLOSE_NS UINT64_C(1000000000)

/* A list of what the toolstack has given us of one kind. */
struct device_list {
    struct rung_xen_store_req req;
    struct rung_platform *p;
    const char *id;  /* wanted, or NULL: the index-th */
    unsigned index;
    char *found;     /* 16 bytes */
    int result;
    bool answered;
};

static bool list_is_number(const char *name)
{
    size_t len = strlen(name);
    return len > 0 && len < 10 && strspn(name, "0123456789") == len;
}

/* The least number above floor among the names; UINT32_MAX if there is none. */
static uint32_t list_next(const char *names, int len, int64_t floor)
{
    uint32_t best = UINT32_MAX;
    for (const char *name = names; name < names + len; name += strlen(name) + 1) {
        uint32_t number = list_is_number(name) ? (uint32_t)rung_xen_decimal(name) : UINT32_MAX;
        if (number < best && (int64_t)number > floor)
            best = number;
    }
    return best;
}

static void list_done(struct rung_op *op, int result)
{
    struct rung_xen_store_req *req = rung_container_of(op, struct rung_xen_store_req, op);
    struct device_list *list = rung_container_of(req, struct device_list, req);
    int64_t at = -1;
    unsigned index = 0;
    list->answered = true;
    list->result = result < 0 ? result : RUNG_E_NOTFOUND;
    for (uint32_t number; result > 0; index++, at = number) {
        number = list_next(req->reply, result, at);
        if (number == UINT32_MAX)
            break;
        snprintf(list->found, 16, "%u", (unsigned)number);
        if (list->id ? strcmp(list->id, list->found) == 0 : index == list->index) {
            list->result = RUNG_OK;
            break;
        }
    }
    rung_loop_stop(list->p, 0);
}

/* Runs the loop until *ready or a stop that was not ours, which the next run is to see too. */
static bool device_run(struct rung_platform *p, const bool *ready)
{
    int status = rung_loop_run(p);
    if (*ready)
        return true;
    rung_loop_stop(p, status);
    return false;
}

static enum rung_err device_find(struct rung_xen_device *device, const char *id, unsigned index)
{
    struct rung_platform *p = device->x->p;
    struct device_list list = {.p = p, .id = id, .index = index, .found = device->id,
                               .req.op.done = list_done};
    char path[32];
    snprintf(path, sizeof(path), "device/%s", device->driver->kind);
    rung_xen_store_list(&device->x->store, &list.req, 0, path);
    if (!device_run(p, &list.answered)) {
        rung_xen_store_forget(&device->x->store, &list.req);
        return RUNG_E_CANCELED;
    }
    if (list.result == RUNG_E_NOTFOUND) {
        bool net = strcmp(device->driver->kind, "vif") == 0;
        rung_log(p, RUNG_LOG_ERROR, device->who, "this domain has no %s%s%s: add %s to its "
                 "configuration", net ? "network interface" : "disk", id ? " " : "",
                 id && device->called ? device->called : id ? id : "",
                 net ? "vif = [ '' ]" : "disk = [ 'phy:/dev/...,xvda,w' ]");
    } else if (list.result) {
        rung_log(p, RUNG_LOG_ERROR, device->who, "%s cannot be listed: %s", path,
                 rung_err_text(list.result));
    }
    return (enum rung_err)list.result;
}

static void device_on_watch(struct rung_xen_watch *watch, const char *path)
{
    struct rung_xen_device_impl *impl =
        rung_container_of(watch, struct rung_xen_device_impl, back_watch);
    (void)path;
    impl->nudged = true;
    rung_xen_device_again(impl);
}

static void device_on_front(struct rung_xen_watch *watch, const char *path)
{
    struct rung_xen_device_impl *impl =
        rung_container_of(watch, struct rung_xen_device_impl, front_watch);
    (void)path;
    rung_xen_device_again(impl);
}

static void device_on_pause(struct rung_timer *timer)
{
    rung_xen_device_again(rung_container_of(timer, struct rung_xen_device_impl, pause));
}

static void device_on_patience(struct rung_timer *timer)
{
    struct rung_xen_device_impl *impl =
        rung_container_of(timer, struct rung_xen_device_impl, patience);
    impl->late = true;
    if (impl->opening) {
        rung_loop_stop(impl->device->x->p, 0);
        return;
    }
    rung_xen_device_stop(impl); /* a store that does not answer is not waited for either */
    rung_loop_defer(impl->device->x->p, &impl->walk);
}

/* The store has ended all that was asked, and its watches fire: that starts the walk. */
static void device_on_resumed(struct rung_xen_resumer *resumer)
{
    struct rung_xen_device_impl *impl =
        rung_container_of(resumer, struct rung_xen_device_impl, resumer);
    struct rung_xen_device *device = impl->device;
    bool ran = device->state == RUNG_XEN_RUNNING;
    rung_xen_device_stop(impl);
    if (device->state < RUNG_XEN_CLOSING)
        device->state = RUNG_XEN_WAITING;
    impl->orphans = 0;
    rung_xen_device_disconnect(impl, true);
    if (ran)
        rung_xen_device_settled(impl);
    rung_xen_device_again(impl);
}

void rung_xen_device_set_back(struct rung_xen_device_impl *impl, const char *back)
{
    struct rung_xen_device *device = impl->device;
    if (impl->back_watch.active)
        rung_xen_store_unwatch(&device->x->store, &impl->back_watch);
    snprintf(device->back, sizeof(device->back), "%s", back);
    if (!back[0])
        return;
    snprintf(impl->back_state_path, sizeof(impl->back_state_path), "%s/state", back);
    impl->back_watch.path = impl->back_state_path;
    impl->back_watch.changed = device_on_watch;
    rung_xen_store_watch(&device->x->store, &impl->back_watch);
}

void rung_xen_device_settled(struct rung_xen_device_impl *impl)
{
    struct rung_xen_device *device = impl->device;
    if (device->driver->changed && !impl->closing && !impl->opening)
        device->driver->changed(device);
    if (impl->opening)
        rung_loop_stop(device->x->p, 0);
}

void rung_xen_device_end(struct rung_xen_device_impl *impl)
{
    struct rung_xen_device *device = impl->device;
    struct rung_xen *x = device->x;
    rung_xen_device_stop(impl);
    rung_xen_device_set_back(impl, "");
    rung_xen_store_unwatch(&x->store, &impl->front_watch);
    rung_xen_resumer_remove(x, &impl->resumer);
    rung_timer_stop(x->p, &impl->pause);
    rung_timer_stop(x->p, &impl->patience);
    rung_loop_undefer(x->p, &impl->walk);
    rung_xen_grants_uncharge(x, &impl->orphans);
    rung_xen_device_impl_free(impl);
}

static void device_start(struct rung_xen_device_impl *impl, uint64_t timeout_ns)
{
    struct rung_xen_device *device = impl->device;
    struct rung_xen *x = device->x;
    snprintf(device->front, sizeof(device->front), "device/%s/%s", device->driver->kind,
             device->id);
    device->state = RUNG_XEN_WAITING;
    device->back[0] = '\0';
    device->back_state = 0;
    impl->walk.fn = rung_xen_device_walk;
    impl->pause.fn = device_on_pause;
    impl->patience.fn = device_on_patience;
    impl->resumer.resumed = device_on_resumed;
    rung_xen_resumer_add(x, &impl->resumer);
    snprintf(impl->front_back_path, sizeof(impl->front_back_path), "%s/backend", device->front);
    impl->front_watch = (struct rung_xen_watch){.path = impl->front_back_path,
                                                .changed = device_on_front};
    rung_xen_store_watch(&x->store, &impl->front_watch);
    rung_timer_start(x->p, &impl->patience, timeout_ns);
    rung_xen_device_again(impl);
}

static enum rung_err device_await(struct rung_xen_device_impl *impl)
{
    struct rung_xen_device *device = impl->device;
    int status;
    impl->opening = true;
    status = rung_loop_run(device->x->p);
    impl->opening = false;
    if (device->state == RUNG_XEN_RUNNING)
        return RUNG_OK;
    if (device->state == RUNG_XEN_BROKEN)
        return RUNG_E_DOWN;
    if (!impl->late) {
        rung_loop_stop(device->x->p, status);
        return RUNG_E_CANCELED;
    }
    rung_log(device->x->p, RUNG_LOG_ERROR, device->who, "%s %s: its back end has not connected (it "
             "is in state %u): is the driver domain running? More time: --%s.wait=60s",
             device->driver->kind, device->id, device->back_state, device->who);
    return RUNG_E_TIMEDOUT;
}

enum rung_err rung_xen_device_open(struct rung_xen_device *device, struct rung_platform *p,
                                   const char *id, unsigned index, uint64_t timeout_ns)
{
    device->x = rung_xen_of(p);
    if (!device->x->store.ring || device->x->store.lost) {
        rung_log(p, RUNG_LOG_ERROR, device->who, "there is no xenstore: devices cannot be found");
        return RUNG_E_DOWN;
    }
    enum rung_err err = device_find(device, id, index);
    if (err)
        return err;
    err = rung_xen_device_impl_new(device, p);
    if (err) {
        rung_log(p, RUNG_LOG_ERROR, device->who, "%s for a device: give the guest more",
                 rung_err_text(err));
        return err;
    }
    device_start(device->impl, timeout_ns);
    err = device_await(device->impl);
    if (err) {
        rung_xen_device_disconnect(device->impl, false);
        rung_xen_device_end(device->impl);
        device->state = RUNG_XEN_CLOSED;
    }
    return err;
}

void rung_xen_device_fail(struct rung_xen_device *device, const char *why)
{
    if (device->state >= RUNG_XEN_CLOSING)
        return;
    if (why)
        rung_log(device->x->p, RUNG_LOG_ERROR, device->who, "%s %s: %s: it is not used any more",
                 device->driver->kind, device->id, why);
    device->state = RUNG_XEN_BROKEN;
    device->impl->failing = true;
    rung_loop_defer(device->x->p, &device->impl->walk);
}

void rung_xen_device_close(struct rung_xen_device *device, struct rung_op *op)
{
    struct rung_xen_device_impl *impl = device->impl;
    assert(op->done && impl && !impl->closing);
    op->cancel = NULL;
    impl->closing = op;
    impl->late = false;
    device->state = RUNG_XEN_CLOSING;
    rung_timer_stop(device->x->p, &impl->pause);
    rung_timer_start(device->x->p, &impl->patience, DEVICE_CLOSE_NS);
    rung_xen_device_stop(impl);
    rung_xen_device_again(impl);
}

const char *rung_xen_device_text(const struct rung_xen_device *device, const char *name)
{
    for (unsigned i = 0; i < device->key_count; i++)
        if (strcmp(device->keys[i].name, name) == 0)
            return device->keys[i].value;
    return "";
}

uint64_t rung_xen_decimal(const char *text)
{
    uint64_t number = 0;
    for (; *text >= '0' && *text <= '9'; text++)
        number = 10 * number + (unsigned)(*text - '0');
    return number;
}

uint64_t rung_xen_device_number(const struct rung_xen_device *device, const char *name,
                                uint64_t absent)
{
    const char *text = rung_xen_device_text(device, name);
    size_t len = strlen(text);
    if (len == 0 || len > 19 || strspn(text, "0123456789") != len)
        return absent;
    return rung_xen_decimal(text);
}
