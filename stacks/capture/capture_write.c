/* SPDX-License-Identifier: ISC */
/* stacks/capture/capture_write.c - from the ring to the file, and the file's end. Everything here
 * runs from the loop and not inside send() or recv(), which may have to take back what they have
 * just put into the ring. */
#include <string.h>

#include "capture_impl.h"
#include "capture_pcapng.h"
#include "rung/clock.h"
#include "rung/heap.h"
#include "rung/log.h"

#define WRITE_PATIENCE_NS (2 * RUNG_NS_PER_S) /* for a slow reader, when closing */

static void write_go_on(struct rung_net_capture *capture);

static const char *write_file(const struct rung_net_capture *capture)
{
    return rung_net_capture_key_file(capture->keys);
}

/* What is in the ring is of no use any more. */
static void write_give_up(struct rung_net_capture *capture, int why)
{
    struct rung_capture_ring *ring = &capture->ring;
    capture->recording = false;
    capture->ended = true;
    capture->failed = true;
    ring->head = ring->tail = ring->used = ring->out = 0;
    rung_log(capture->p, RUNG_LOG_ERROR, capture->keys->slot,
             "cannot write to %s: %s: its end is missing, and frames pass unrecorded from here on",
             write_file(capture),
             why == RUNG_E_CANCELED ? "its reader is too slow" : rung_err_text(why));
}

static void write_on_written(struct rung_op *op, int result)
{
    struct rung_net_capture *capture = rung_container_of(op, struct rung_net_capture, write_op);
    if (result < 0)
        write_give_up(capture, result);
    else
        rung_capture_ring_done(&capture->ring);
    if (capture->closing)
        write_go_on(capture);
    else
        rung_capture_write_soon(capture);
}

static void write_on_closed(struct rung_op *op, int result)
{
    struct rung_net_capture *capture = rung_container_of(op, struct rung_net_capture, write_op);
    bool lost = capture->lost > 0;
    if (!capture->failed && result < 0)
        write_give_up(capture, result);
    else if (!capture->failed) /* else it has been told, and nobody knows how much is there */
        rung_log(capture->p, lost ? RUNG_LOG_WARN : RUNG_LOG_INFO, capture->keys->slot,
                 "%llu frames are recorded in %s, %llu are missing there",
                 (unsigned long long)capture->recorded, write_file(capture),
                 (unsigned long long)(capture->seen - capture->recorded));
    rung_free(capture->p, capture->ring.bytes);
    rung_timer_stop(capture->p, &capture->patience);
    rung_op_finish(capture->p, capture->closing, RUNG_OK);
}

/* The frames counted until now, as the file's last block. */
static void write_statistics(struct rung_net_capture *capture)
{
    uint8_t *block = rung_capture_ring_add(&capture->ring, RUNG_PCAPNG_STATISTICS_LEN);
    capture->ended = true;
    assert(block); /* the ring is empty */
    if (!block)
        return;
    rung_pcapng_statistics(block, &(struct rung_pcapng_statistics){
        .time_ns = rung_clock_wall_ns(capture->p), .start_ns = capture->start_ns,
        .seen = capture->seen, .lost = capture->lost, .recorded = capture->recorded,
    });
}

static void write_go_on(struct rung_net_capture *capture)
{
    if (capture->ring.out)
        return;
    capture->hurry = false;
    unsigned n = rung_capture_ring_take(&capture->ring, capture->vec, RUNG_SINK_VECS);
    if (!n && capture->closing && !capture->ended) {
        write_statistics(capture);
        n = rung_capture_ring_take(&capture->ring, capture->vec, RUNG_SINK_VECS);
    }
    if (n) {
        capture->write_op.done = write_on_written;
        rung_sink_write(capture->sink, &capture->write_op, capture->vec, n);
    } else if (capture->closing) {
        capture->write_op.done = write_on_closed;
        rung_sink_close(capture->sink, &capture->write_op);
    }
}

static void write_on_soon(struct rung_timer *timer)
{
    write_go_on(rung_container_of(timer, struct rung_net_capture, write_soon));
}

static void write_on_patience(struct rung_timer *timer)
{
    rung_sink_cancel(rung_container_of(timer, struct rung_net_capture, patience)->sink);
}

void rung_capture_start(struct rung_net_capture *capture)
{
    uint8_t head[RUNG_PCAPNG_HEAD_MAX];
    struct rung_pcapng_head what = {
        .application = "Rung net-capture", .name = capture->keys->slot,
        .description = capture->link->ops ? capture->link->ops->name : NULL,
        .snaplen = capture->snaplen == UINT32_MAX ? 0 : capture->snaplen,
    };
    memcpy(what.mac, capture->net.info.mac, sizeof(what.mac));
    uint32_t len = rung_pcapng_head(head, &what);
    memcpy(rung_capture_ring_add(&capture->ring, len), head, len);
    capture->file_len = len;
    capture->start_ns = rung_clock_wall_ns(capture->p);
    capture->recording = true;
    capture->write_soon.fn = write_on_soon;
    capture->patience.fn = write_on_patience;
    rung_capture_write_soon(capture);
}

/* One write at a time, each with all that has come together since; soon when the ring gets full. */
void rung_capture_write_soon(struct rung_net_capture *capture)
{
    bool full = capture->ring.used > capture->ring.size / 4;
    if (!capture->sink || capture->closing || capture->ring.out || !capture->ring.used)
        return;
    if (full && !capture->hurry)
        rung_timer_start(capture->p, &capture->write_soon, 0);
    else if (!capture->write_soon.active)
        rung_timer_start(capture->p, &capture->write_soon,
                         rung_net_capture_key_delay(capture->keys));
    capture->hurry |= full;
}

void rung_capture_finish(struct rung_net_capture *capture, struct rung_op *op)
{
    if (!capture->sink) {
        rung_op_finish(capture->p, op, RUNG_OK);
        return;
    }
    capture->closing = op;
    rung_timer_start(capture->p, &capture->patience, WRITE_PATIENCE_NS);
    rung_timer_start(capture->p, &capture->write_soon, 0);
}
