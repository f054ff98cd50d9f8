/* SPDX-License-Identifier: ISC */
/* backends/unix-tap/net_tap_event.c - libuv watches the device; what it sees becomes ready().
 * Under load nobody calls epoll_ctl: as long as each event is answered with a recv() that drains
 * the device, the watch stays as it is. It is taken off only at a second event that nobody came
 * for, and put back by the next recv() that drains. */
#include <errno.h>
#include <unistd.h>
#include <uv.h>

#include "net_tap_impl.h"
#include "rung/heap.h"
#include "rung/log.h"
#include "unix/unix.h"

struct rung_net_tap_watch {
    struct rung_net_tap *tap;
    uv_poll_t frames, link;
    uv_prepare_t unheard; /* active while an event waits for a listener: looks before each wait */
    int mask;             /* what frames watches for: enum uv_poll_event */
    unsigned open;        /* handles that libuv knows */
};

static struct rung_net_tap *tap_of_handle(uv_poll_t *poll)
{
    return ((struct rung_net_tap_watch *)poll->data)->tap;
}

static void tap_on_frames(uv_poll_t *poll, int status, int events)
{
    struct rung_net_tap *tap = tap_of_handle(poll);
    unsigned say = 0;
    if (status < 0) { /* POLLERR, which a tap says when it has no device any more */
        rung_net_tap_lost(tap);
        return;
    }
    rung_unix_had_io(tap->p);
    if (events & UV_READABLE) {
        tap->rx_armed = tap->rx_want;
        say |= tap->rx_want ? RUNG_NET_RX_READY : 0u;
        tap->rx_want = false;
    }
    if ((events & UV_WRITABLE) && tap->tx_want) {
        say |= RUNG_NET_TX_READY;
        tap->tx_want = false;
    }
    rung_net_tap_watch(tap);
    if (say && tap->net.ready && !tap->events)
        tap->net.ready(&tap->net, say, tap->net.arg);
    else if (say)
        rung_net_tap_tell(tap, say);
}

void rung_net_tap_watch(struct rung_net_tap *self)
{
    struct rung_net_tap_watch *watch = self->watch;
    int mask = (self->rx_armed ? UV_READABLE : 0) | (self->tx_want ? UV_WRITABLE : 0);
    if (self->gone || mask == watch->mask)
        return;
    watch->mask = mask;
    if (mask)
        uv_poll_start(&watch->frames, mask, tap_on_frames);
    else
        uv_poll_stop(&watch->frames);
}

static void tap_on_link(uv_poll_t *poll, int status, int events)
{
    (void)status; /* whatever it is, reading clears it */
    (void)events;
    rung_net_tap_link_read(tap_of_handle(poll));
}

/* Runs before each wait, and before the platform's own prepare (libuv: the last one started goes
 * first), so that what it defers is not waited for. */
static void tap_on_unheard(uv_prepare_t *prepare)
{
    struct rung_net_tap *tap = ((struct rung_net_tap_watch *)prepare->data)->tap;
    if (tap->net.ready) {
        uv_prepare_stop(prepare);
        rung_loop_defer(tap->p, &tap->tell);
    }
}

static void tap_tell(struct rung_task *task)
{
    struct rung_net_tap *tap = rung_container_of(task, struct rung_net_tap, tell);
    unsigned events = tap->events;
    if (!events)
        return;
    if (!tap->net.ready) {
        uv_prepare_start(&tap->watch->unheard, tap_on_unheard);
        return;
    }
    tap->events = 0;
    tap->net.ready(&tap->net, events, tap->net.arg);
}

void rung_net_tap_tell(struct rung_net_tap *self, unsigned events)
{
    self->events |= events;
    rung_loop_defer(self->p, &self->tell);
}

void rung_net_tap_lost(struct rung_net_tap *self)
{
    if (self->gone)
        return;
    self->gone = true;
    self->net.link_up = false;
    self->rx_want = self->tx_want = self->rx_armed = false;
    uv_poll_stop(&self->watch->frames);
    if (self->link_fd >= 0)
        uv_poll_stop(&self->watch->link);
    rung_log(self->p, RUNG_LOG_ERROR, self->keys->slot,
             "%s has been deleted: start the program again once it is back", self->name);
    rung_net_tap_tell(self, RUNG_NET_RX_READY | RUNG_NET_TX_READY | RUNG_NET_LINK);
}

static void tap_handle_closed(uv_handle_t *handle)
{
    struct rung_net_tap_watch *watch = handle->data;
    struct rung_net_tap *tap = watch->tap;
    if (--watch->open > 0)
        return;
    rung_free(tap->p, watch);
    tap->watch = NULL;
    rung_op_finish(tap->p, tap->closing, RUNG_OK);
}

/* uv_close first, close after: epoll has to forget the number before it is another's. */
void rung_net_tap_watch_close(struct rung_net_tap *self, struct rung_op *op)
{
    self->closing = op;
    rung_loop_undefer(self->p, &self->tell);
    uv_close((uv_handle_t *)&self->watch->unheard, tap_handle_closed);
    uv_close((uv_handle_t *)&self->watch->frames, tap_handle_closed);
    close(self->fd);
    self->fd = -1;
    if (self->link_fd < 0)
        return;
    uv_close((uv_handle_t *)&self->watch->link, tap_handle_closed);
    close(self->link_fd);
    self->link_fd = -1;
}

/* The device's handle is the only one that may not be to be had; it comes first, so that there is
 * nothing to be closed when it fails. Without the other the link is not watched. */
enum rung_err rung_net_tap_watch_open(struct rung_net_tap *self)
{
    uv_loop_t *loop = rung_unix_loop(self->p);
    struct rung_net_tap_watch *watch = rung_zalloc(self->p, 1, sizeof(*watch));
    if (!watch)
        return RUNG_E_NOMEM;
    int err = uv_poll_init(loop, &watch->frames, self->fd);
    if (err) { /* ENOSPC: fs.epoll.max_user_watches */
        rung_free(self->p, watch);
        return err == UV_ENOSPC ? RUNG_E_LIMIT : rung_err_from_uv(err);
    }
    watch->tap = self;
    watch->frames.data = watch;
    uv_prepare_init(loop, &watch->unheard);
    watch->unheard.data = watch;
    watch->open = 2;
    if (self->link_fd >= 0 && uv_poll_init(loop, &watch->link, self->link_fd)) {
        close(self->link_fd);
        self->link_fd = -1;
    }
    if (self->link_fd >= 0) {
        watch->link.data = watch;
        watch->open++;
        uv_poll_start(&watch->link, UV_READABLE, tap_on_link);
    }
    self->watch = watch;
    self->tell.fn = tap_tell;
    self->rx_want = self->rx_armed = true;
    rung_net_tap_watch(self);
    return RUNG_OK;
}
