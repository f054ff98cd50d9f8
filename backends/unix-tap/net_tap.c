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
 * room for it. A short frame is put together first: to the kernel one piece by write() costs less
 * than two by writev(), by more than the copy does (0005-lwip.md). */
static ssize_t tap_write(struct rung_net_tap *tap, const struct rung_frame *f)
{
    uint8_t whole[RUNG_NET_TAP_SHORT];
    struct iovec iov[RUNG_NET_TAP_FRAGS];
    uint8_t *front = f->data - tap->hdr_size;
    size_t len = f->len + tap->hdr_size;
    int count = 1;
    if (tap->hdr_size) {
        struct virtio_net_hdr hdr; /* in front there it need not be aligned */
        rung_net_tap_hdr_from_frame(&hdr, f);
        memcpy(front, &hdr, sizeof(hdr));
    }
    if (!f->next)
        return write(tap->fd, front, len);
    iov[0] = (struct iovec){front, len};
    for (const struct rung_frame *part = f->next; part; part = part->next) {
        assert(count < (int)RUNG_NET_TAP_FRAGS);
        if (count == (int)RUNG_NET_TAP_FRAGS) {
            errno = EINVAL;
            return -1;
        }
        iov[count++] = (struct iovec){part->data, part->len};
        len += part->len;
    }
    if (len > sizeof(whole))
        return writev(tap->fd, iov, count);
    len = 0;
    for (int i = 0; i < count; i++) {
        memcpy(whole + len, iov[i].iov_base, iov[i].iov_len);
        len += iov[i].iov_len;
    }
    return write(tap->fd, whole, len);
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
    rung_net_tap_page_put(page);
}

/* A page for the frame of len bytes that lies in tap->in: a small one with a copy; or, with a long
 * frame, that page itself, when there is another to read into from now on. */
static struct rung_net_tap_page *tap_page_for(struct rung_net_tap *tap, size_t len)
{
    struct rung_net_tap_page *in = tap->in, *page;
    bool small = len <= tap->pool.of[RUNG_NET_TAP_SMALL].room;
    page = rung_net_tap_page_get(&tap->pool, small ? RUNG_NET_TAP_SMALL : RUNG_NET_TAP_LARGE);
    if (page && small) {
        memcpy(page->bytes + RUNG_NET_TAP_FRONT, in->bytes + RUNG_NET_TAP_FRONT, len);
        return page;
    }
    if (page)
        tap->in = page;
    return page ? in : NULL;
}

/* Makes a frame of what was read into tap->in: len bytes, with their header in front. NULL: it is
 * lost. */
static struct rung_frame *tap_make_frame(struct rung_net_tap *tap, size_t len)
{
    struct virtio_net_hdr hdr = {.flags = 0};
    struct rung_net_tap_page *page;
    struct rung_frame *f;
    memcpy(&hdr, tap->in->bytes + RUNG_NET_TAP_FRONT - tap->hdr_size, tap->hdr_size);
    page = len < 14 || len > RUNG_FRAME_MAX ? NULL : tap_page_for(tap, len);
    if (!page)
        return NULL;
    f = &page->frame;
    f->next = NULL;
    f->data = page->bytes + RUNG_NET_TAP_FRONT;
    f->len = (uint32_t)len;
    f->release = tap_release;
    if (!rung_net_tap_hdr_to_frame(&hdr, f, len)) {
        rung_net_tap_page_put(page);
        return NULL;
    }
    page->lent = true;
    return f;
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

/* Each turn takes one frame from the device, so that losing frames is bounded too. A frame longer
 * than the room is cut, and lost. */
static int tap_recv(struct rung_net *net, struct rung_frame *f[], unsigned n)
{
    struct rung_net_tap *tap = tap_of(net);
    bool empty = false;
    unsigned k = 0;
    for (unsigned turn = 0; turn < n && !tap->gone && !empty; turn++) {
        ssize_t got = read(tap->fd, tap->in->bytes + RUNG_NET_TAP_FRONT - tap->hdr_size,
                           tap->hdr_size + tap->pool.of[RUNG_NET_TAP_LARGE].room);
        if (got < 0) {
            empty = errno == EAGAIN || errno == EINTR;
            if (!empty)
                tap_read_failed(tap, errno);
            continue;
        }
        size_t len = (size_t)got > tap->hdr_size ? (size_t)got - tap->hdr_size : 0;
        f[k] = tap_make_frame(tap, len);
        if (!f[k]) {
            net->stats.rx_dropped++;
            continue;
        }
        net->stats.rx_frames++;
        net->stats.rx_bytes += len;
        k++;
    }
    if (tap->gone)
        return k > 0 ? (int)k : RUNG_E_DOWN;
    return k < n ? tap_drained(tap, k) : (int)k;
}

static void tap_close(struct rung_net *net, struct rung_op *op)
{
    struct rung_net_tap *tap = tap_of(net);
    assert(op->done && !tap->closing);
    op->cancel = NULL;
    rung_net_tap_page_put(tap->in);
    rung_net_tap_pool_end(&tap->pool);
    rung_net_tap_watch_close(tap, op);
}

const struct rung_net_ops rung_net_tap_net_ops = RUNG_NET_TABLE("net-tap", tap);
