/* SPDX-License-Identifier: ISC */
/* test/fuzz/kvd_fuzz.c - fuzzes what a client of kvd can do: the input is the client's bytes. The
 * first byte chooses how the stream is cut, the second what the client does besides; the rest is
 * sent over tcp_loop to kvd on a store in memory. Every run ends with a stop, and nothing may be
 * left: no memory, no lent buffer, no connection. What comes back must be replies. */
#include <string.h>

#include "fuzz_client.h"
#include "kv_memory.h"
#include "kvd.h"
#include "rung/clock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz {
    struct fuzz_client client;
    struct rung_kv_memory store;
    struct kvd *kvd;
    uint8_t how;
};

static void fuzz_open(struct fuzz *f, uint8_t cut, uint8_t how)
{
    static const struct rung_kv_memory_keys keys = {.slot = "store", .max_bytes = 4096};
    static const struct rung_kv_memory_needs needs;
    struct kvd_config config = {
        .local = rung_addr_any(RUNG_AF_NONE, 6379), .max_connections = 2, .max_pipeline = 8,
        .max_value = 256, .max_query = 1024, .memory = 65536,
        .idle_timeout_ns = 5 * RUNG_NS_PER_S, .stall_timeout_ns = 5 * RUNG_NS_PER_S, .sweep = 100,
    };
    struct fuzz_client *c = &f->client;
    fuzz_client_open(c, cut);
    f->how = how;
    FUZZ_CHECK(rung_kv_memory_open(&f->store, c->p, &keys, &needs) == RUNG_OK);
    FUZZ_CHECK(kvd_start(&f->kvd, c->p, &c->tcp.tcp, &f->store.kv, &config) == RUNG_OK);
    fuzz_client_connect(c, 6379);
    c->deaf = (how & 1) != 0;
}

struct fuzz_end {
    struct rung_op op;
    bool done;
};

static void fuzz_ended(struct rung_op *op, int result)
{
    FUZZ_CHECK(result == RUNG_OK);
    rung_container_of(op, struct fuzz_end, op)->done = true;
}

static void fuzz_close(struct fuzz *f)
{
    struct fuzz_client *c = &f->client;
    struct fuzz_end stop = {.op = {.done = fuzz_ended}}, close = stop;
    if ((f->how & 4) != 0) { /* else stop finds it as it is */
        rung_tcp_shutdown(c->conn);
        rung_virtual_advance_ns(c->p, 8 * RUNG_NS_PER_S);
    }
    kvd_stop(f->kvd, &stop.op);
    fuzz_client_run(c);
    fuzz_client_go(c);
    FUZZ_CHECK(stop.done);
    rung_kv_close(&f->store.kv, &close.op);
    fuzz_client_run(c);
    FUZZ_CHECK(close.done);
    FUZZ_CHECK(c->start_len == 0 || strchr("+-:$*%_", c->start[0]) != NULL);
    fuzz_client_close(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz f = {0};
    if (size < 3 || size > 16384)
        return 0;
    fuzz_open(&f, data[0], data[1]);
    struct rung_platform *p = f.client.p;
    if ((f.how & 16) != 0)
        rung_virtual_heap_fail_after(p, 1 + (f.how >> 5) + data[2] % 32);
    fuzz_client_say(&f.client, data + 2, size - 2, (f.how & 8) != 0); /* or all at once */
    if ((f.how & 2) != 0)
        rung_virtual_advance_ns(p, 2 * RUNG_NS_PER_S); /* something expires */
    rung_virtual_heap_fail_after(p, 0);
    fuzz_close(&f);
    return 0;
}
