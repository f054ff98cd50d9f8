/* SPDX-License-Identifier: ISC */
/* apps/bulk/bulk.c - sends on one port and takes on another, as fast as TCP lets it: what the
 * benchmarks measure a TCP with. Try: nc 127.0.0.1 7100 | head -c 1G >/dev/null, or another bulk
 * with --to=localhost. */
#include "rung/heap.h"
#include "rung/log.h"

#include "bulk.h"
#include "bulk_app.h"

#define BULK_MIN 1024u
#define BULK_MAX (UINT64_C(16) << 20)

/* One line that says what is wrong and how to mend it. */
static void bulk_no_port(struct rung_platform *p, const char *key, unsigned port, int err)
{
    switch (err) {
    case RUNG_E_ADDRINUSE:
        rung_log(p, RUNG_LOG_ERROR, "bulk", "port %u is in use; stop the other program or choose "
                 "another port with --%s=N", port, key);
        break;
    case RUNG_E_ACCESS:
        rung_log(p, RUNG_LOG_ERROR, "bulk", "no permission for port %u; choose one above 1023 "
                 "with --%s=N", port, key);
        break;
    case RUNG_E_ADDRNOTAVAIL:
        rung_log(p, RUNG_LOG_ERROR, "bulk", "this host does not have that address; give one that "
                 "it has with --address=A, or leave it out");
        break;
    default:
        rung_log(p, RUNG_LOG_ERROR, "bulk", "cannot listen on port %u: %s", port,
                 rung_err_text(err));
    }
}

static struct bulk_stream *bulk_stream_new(struct rung_platform *p, size_t len, uint64_t total)
{
    struct bulk_stream *stream = rung_alloc(p, sizeof(*stream) + len);
    if (stream == NULL) {
        rung_log(p, RUNG_LOG_ERROR, "bulk", "no memory for a buffer of %zu bytes; choose a smaller "
                 "one with --buffer=N", len);
        return NULL;
    }
    stream->users = 1;
    stream->total = total == 0 ? UINT64_MAX : total;
    stream->len = len;
    for (size_t i = 0; i < len; i++)
        stream->bytes[i] = (uint8_t)(i % 251);
    return stream;
}

void bulk_stream_drop(struct rung_platform *p, struct bulk_stream *stream)
{
    if (--stream->users == 0)
        rung_free(p, stream);
}

static int bulk_open(struct bulk_port *port, const struct bulk_slots *slots, const char *key,
                     uint16_t number)
{
    char text[RUNG_ADDR_TEXT];
    struct rung_addr local = bulk_key_address(&slots->keys);
    local.port = number;
    int err = bulk_port_open(port, slots->tcp, &local);
    if (err < 0) {
        bulk_no_port(port->p, key, number, err);
        return err;
    }
    if (local.family == RUNG_AF_NONE)
        local = rung_addr_any(RUNG_AF_IPV6, local.port);
    rung_log(port->p, RUNG_LOG_INFO, "bulk", "%s on %s", port->kind->name,
             rung_addr_format(&local, text));
    return RUNG_OK;
}

/* The outgoing way: a call instead of two listeners. */
static int bulk_run_to(struct rung_platform *p, const struct bulk_slots *slots,
                       struct bulk_stream *stream)
{
    bool send = bulk_key_send(&slots->keys);
    struct bulk_port port = {.kind = send ? &bulk_source : &bulk_sink, .p = p, .stream = stream};
    struct bulk_to to = {
        .tcp = slots->tcp, .dns = slots->dns, .name = bulk_key_to(&slots->keys),
        .number = send ? bulk_key_sink_port(&slots->keys) : bulk_key_port(&slots->keys),
        .key = send ? "sink-port" : "port", .local = bulk_key_address(&slots->keys)};
    return bulk_to(&port, &to);
}

static int bulk_run(struct rung_platform *p, const struct bulk_slots *slots,
                    struct bulk_stream *stream)
{
    struct bulk_port source = {.kind = &bulk_source, .p = p, .stream = stream};
    struct bulk_port sink = {.kind = &bulk_sink, .p = p, .stream = stream};
    if (bulk_open(&source, slots, "port", bulk_key_port(&slots->keys)) < 0)
        return 1;
    int status = 1;
    if (bulk_open(&sink, slots, "sink-port", bulk_key_sink_port(&slots->keys)) == RUNG_OK) {
        status = rung_loop_run(p);
        bulk_port_close(&sink);
    }
    bulk_port_close(&source);
    return status;
}

static int bulk_check_to(struct rung_platform *p, const struct bulk_slots *slots)
{
    bool send = bulk_key_send(&slots->keys);
    uint16_t port = send ? bulk_key_sink_port(&slots->keys) : bulk_key_port(&slots->keys);
    if (bulk_key_to(&slots->keys) == NULL && send) {
        rung_log(p, RUNG_LOG_ERROR, "bulk", "--send goes with --to=NAME, which says whom to send "
                 "to");
        return 64;
    }
    if (bulk_key_to(&slots->keys) != NULL && port == 0) {
        rung_log(p, RUNG_LOG_ERROR, "bulk", "--%s=0 is no port to call; give the one on which the "
                 "other bulk listens", send ? "sink-port" : "port");
        return 64;
    }
    return 0;
}

int bulk_check(struct rung_platform *p, const struct bulk_slots *slots)
{
    uint64_t len = bulk_key_buffer(&slots->keys);
    if (len < BULK_MIN || len > BULK_MAX) {
        rung_log(p, RUNG_LOG_ERROR, "bulk", "--buffer is from 1K to 16M");
        return 64;
    }
    uint16_t port = bulk_key_port(&slots->keys);
    if (port != 0 && port == bulk_key_sink_port(&slots->keys)) {
        rung_log(p, RUNG_LOG_ERROR, "bulk", "--port and --sink-port are both %u; give them two "
                 "different ports", (unsigned)port);
        return 64;
    }
    if (bulk_key_address(&slots->keys).port != 0) {
        rung_log(p, RUNG_LOG_ERROR, "bulk", "--address has a port; give that with --port=N");
        return 64;
    }
    return bulk_check_to(p, slots);
}

int bulk_main(struct rung_platform *p, const struct bulk_slots *slots)
{
    size_t len = (size_t)bulk_key_buffer(&slots->keys);
    struct bulk_stream *stream = bulk_stream_new(p, len, bulk_key_bytes(&slots->keys));
    if (stream == NULL)
        return 1;
    int status = bulk_key_to(&slots->keys) != NULL ? bulk_run_to(p, slots, stream)
                                                   : bulk_run(p, slots, stream);
    bulk_stream_drop(p, stream);
    return status;
}
