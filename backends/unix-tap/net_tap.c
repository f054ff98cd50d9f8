/* SPDX-License-Identifier: ISC */
/* backends/unix-tap/net_tap.c - NET on a tap device: frames in and out. See net_tap.h. */
#include "net_tap.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "net_tap_hdr.h"
#include "net_tap_impl.h"

static struct rung_net_tap *tap_of(struct rung_net *net)
{
    return rung_container_of(net, struct rung_net_tap, net);
}

/* Writes the frame with its header. The header goes in front of the first fragment, where there is
 * room for it: that is one segment less for the kernel to look at, and none at all to a frame of
 * one fragment. */
static ssize_t tap_write(struct rung_net_tap *tap, const struct rung_frame *f)
{
    struct iovec iov[RUNG_NET_TAP_FRAGS];
    uint8_t *front = f->data - tap->hdr_size;
    int count = 1;
    if (tap->hdr_size) {
        struct virtio_net_hdr hdr; /* in front there it need not be aligned */
        rung_net_tap_hdr_from_frame(&hdr, f);
        memcpy(front, &hdr, sizeof(hdr));
    }
    if (!f->next)
        return write(tap->fd, front, f->len + tap->hdr_size);
    iov[0] = (struct iovec){front, f->len + tap->hdr_size};
    for (const struct rung_frame *part = f->next; part; part = part->next) {
        assert(count < (int)RUNG_NET_TAP_FRAGS);
        if (count == (int)RUNG_NET_TAP_FRAGS) {
            errno = EINVAL;
            return -1;
        }
        iov[count++] = (struct iovec){part->data, part->len};
    }
    return writev(tap->fd, iov, count);
}

/* What becomes of a frame that was not written. EAGAIN: it waits, there will be room (the device
 * has been given a limit, TUNSETSNDBUF). EBADFD: there is no device. All else is the end of this
 * one frame: EIO, the device is down; ENOBUFS and ENOMEM, for which poll() would not wait; EINVAL,
 * the kernel does not like it. */
static bool tap_refused(struct rung_net_tap *tap, int err)
{
    if (err == EAGAIN || err == EINTR) {
        tap->tx_want = true;
        tap->events &= ~(unsigned)RUNG_NET_TX_READY;
        rung_net_tap_watch(tap);
        return true;
    }
    if (err == EBADFD) {
        rung_net_tap_lost(tap);
        return true;
    }
    tap->net.stats.tx_dropped++;
    return false;
}

/* Nothing is kept: what the kernel has taken it has copied. */
static int tap_send(struct rung_net *net, struct rung_frame *const f[], unsigned n)
{
    struct rung_net_tap *tap = tap_of(net);
    unsigned k = 0;
    if (tap->gone)
        return RUNG_E_DOWN;
    for (; k < n && tap->fd >= 0; k++) { /* a release() may close it */
        if (!net->link_up) {
            net->stats.tx_dropped++;
        } else {
            ssize_t put = tap_write(tap, f[k]);
            if (put > 0) {
                net->stats.tx_frames++;
                net->stats.tx_bytes += (size_t)put - tap->hdr_size;
            } else if (tap_refused(tap, errno)) {
                break;
            }
        }
        f[k]->release(f[k]);
    }
    return k == 0 && tap->gone ? RUNG_E_DOWN : (int)k;
}

static void tap_release(struct rung_frame *frame)
{
    struct rung_net_tap_page *page = rung_container_of(frame, struct rung_net_tap_page, frame);
    assert(page->lent);
    page->lent = false;
    if (page->rest) {
        rung_net_tap_page_put(page->rest);
        page->rest = NULL;
    }
    rung_net_tap_page_put(page);
}

/* Makes a frame of what was read: len bytes, with their header in front. false: it is lost. */
static bool tap_make_frame(const struct rung_net_tap *tap, struct rung_net_tap_page *page,
                           struct rung_net_tap_page *rest, size_t len)
{
    size_t room = tap->pool.of[RUNG_NET_TAP_SMALL].room;
    struct virtio_net_hdr hdr = {.flags = 0};
    struct rung_frame *f = &page->frame;
    if (len < 14 || len > RUNG_FRAME_MAX || (len > room && !rest))
        return false;
    memcpy(&hdr, page->bytes + RUNG_NET_TAP_FRONT - tap->hdr_size, tap->hdr_size);
    f->next = NULL;
    f->data = page->bytes + RUNG_NET_TAP_FRONT;
    f->len = (uint32_t)(len < room ? len : room);
    f->release = tap_release;
    if (len > room) {
        rest->frame = (struct rung_frame){.data = rest->bytes, .len = (uint32_t)(len - room)};
        f->next = &rest->frame;
    }
    return rung_net_tap_hdr_to_frame(&hdr, f, len);
}

/* Reads one frame into the pages, of which there may be none. Without one the frame is cut: it is
 * lost then, but the device goes on. */
static ssize_t tap_read(struct rung_net_tap *tap, struct rung_net_tap_page *page,
                        struct rung_net_tap_page *rest)
{
    uint8_t lost[64];
    struct iovec iov[2] = {{lost, sizeof(lost)}, {lost, sizeof(lost)}};
    if (page) {
        iov[0].iov_base = page->bytes + RUNG_NET_TAP_FRONT - tap->hdr_size;
        iov[0].iov_len = tap->hdr_size + tap->pool.of[RUNG_NET_TAP_SMALL].room;
    }
    if (rest) {
        iov[1].iov_base = rest->bytes;
        iov[1].iov_len = tap->pool.of[RUNG_NET_TAP_LARGE].room;
    }
    return readv(tap->fd, iov, page ? 2 : 1);
}

/* Nothing more to read, or nothing to read into. */
static int tap_drained(struct rung_net_tap *tap, unsigned k)
{
    tap->rx_want = true;
    tap->events &= ~(unsigned)RUNG_NET_RX_READY; /* it would tell of what is taken already */
    if (!tap->rx_armed) {
        tap->rx_armed = true;
        rung_net_tap_watch(tap);
    }
    return (int)k;
}

/* An error about one frame; that of a device that is down is none. */
static void tap_read_failed(struct rung_net_tap *tap, int err)
{
    if (err == EBADFD)
        rung_net_tap_lost(tap);
    else
        tap->net.stats.rx_dropped++;
}

/* Each turn takes one frame from the device, so that losing frames is bounded too. The large page
 * stays from frame to frame until one needs it. */
static int tap_recv(struct rung_net *net, struct rung_frame *f[], unsigned n)
{
    struct rung_net_tap *tap = tap_of(net);
    struct rung_net_tap_page *page = NULL, *rest = NULL;
    size_t room = tap->pool.of[RUNG_NET_TAP_SMALL].room;
    bool empty = false;
    unsigned k = 0;
    for (unsigned turn = 0; turn < n && !tap->gone && !empty; turn++) {
        if (!page)
            page = rung_net_tap_page_get(&tap->pool, RUNG_NET_TAP_SMALL);
        if (!rest)
            rest = rung_net_tap_page_get(&tap->pool, RUNG_NET_TAP_LARGE);
        ssize_t got = tap_read(tap, page, rest);
        if (got < 0) {
            empty = errno == EAGAIN || errno == EINTR;
            if (!empty)
                tap_read_failed(tap, errno);
            continue;
        }
        size_t len = (size_t)got > tap->hdr_size ? (size_t)got - tap->hdr_size : 0;
        if (!page || !tap_make_frame(tap, page, rest, len)) {
            net->stats.rx_dropped++;
            continue;
        }
        net->stats.rx_frames++;
        net->stats.rx_bytes += len;
        page->lent = true;
        f[k++] = &page->frame;
        if (len > room) {
            page->rest = rest;
            rest = NULL;
        }
        page = NULL;
    }
    if (page)
        rung_net_tap_page_put(page);
    if (rest)
        rung_net_tap_page_put(rest);
    if (tap->gone)
        return k > 0 ? (int)k : RUNG_E_DOWN;
    return k < n ? tap_drained(tap, k) : (int)k;
}

static void tap_close(struct rung_net *net, struct rung_op *op)
{
    struct rung_net_tap *tap = tap_of(net);
    assert(op->done && !tap->closing);
    op->cancel = NULL;
    rung_net_tap_pool_end(&tap->pool);
    rung_net_tap_watch_close(tap, op);
}

const struct rung_net_ops rung_net_tap_net_ops = RUNG_NET_TABLE("net-tap", tap);
