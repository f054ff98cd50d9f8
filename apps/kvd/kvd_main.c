/* SPDX-License-Identifier: ISC */
/* apps/kvd/kvd_main.c - the program: its keys, its port, and what is wrong with them. */
#include "rung/clock.h"
#include "rung/log.h"
#include "rung/loop.h"

#include "kvd.h"
#include "kvd_app.h"

/* One line that says what is wrong and how to mend it. */
static void kvd_no_port(struct rung_platform *p, unsigned port, int err)
{
    switch (err) {
    case RUNG_E_ADDRINUSE:
        rung_log(p, RUNG_LOG_ERROR, "kvd", "TCP port %u is in use; stop the other program or "
                 "choose another port with --port=N", port);
        break;
    case RUNG_E_ACCESS:
        rung_log(p, RUNG_LOG_ERROR, "kvd", "no permission for TCP port %u; choose one above 1023 "
                 "with --port=N", port);
        break;
    case RUNG_E_ADDRNOTAVAIL:
        rung_log(p, RUNG_LOG_ERROR, "kvd", "this host does not have that address; give one that it "
                 "has with --address=A, or leave it out");
        break;
    default:
        rung_log(p, RUNG_LOG_ERROR, "kvd", "cannot listen on TCP port %u: %s", port,
                 rung_err_text(err));
    }
}

static bool kvd_in_range(struct rung_platform *p, const char *key, uint64_t value, uint64_t least,
                         uint64_t most)
{
    if (value >= least && value <= most)
        return true;
    rung_log(p, RUNG_LOG_ERROR, "kvd", "%s=%llu is out of range; give %llu to %llu", key,
             (unsigned long long)value, (unsigned long long)least, (unsigned long long)most);
    return false;
}

/* A limit that another key sets. */
static bool kvd_holds(struct rung_platform *p, const char *key, uint64_t value, const char *what,
                      uint64_t least)
{
    if (value >= least)
        return true;
    rung_log(p, RUNG_LOG_ERROR, "kvd", "%s=%llu is less than %s: give --%s=%llu or more, or make "
             "that smaller", key, (unsigned long long)value, what, key, (unsigned long long)least);
    return false;
}

static bool kvd_keys_good(struct rung_platform *p, const struct kvd_config *c)
{
    if (c->local.port != 0) {
        rung_log(p, RUNG_LOG_ERROR, "kvd", "--address has a port; give that with --port=N");
        return false;
    }
    return kvd_in_range(p, "max-connections", c->max_connections, 1, 1000000)
           && kvd_in_range(p, "max-pipeline", c->max_pipeline, 1, 65536)
           && kvd_in_range(p, "max-value", c->max_value, 64, 512 << 20)
           && kvd_in_range(p, "max-query", c->max_query, 64, UINT64_C(1) << 31)
           && kvd_holds(p, "max-query", c->max_query, "max-value", c->max_value)
           && kvd_in_range(p, "memory", c->memory, 128, UINT64_C(1) << 40)
           && kvd_holds(p, "memory", c->memory, "twice max-query", 2 * c->max_query)
           && kvd_in_range(p, "busy-poll", c->busy_poll_us, 0, 1000)
           && kvd_in_range(p, "sweep", c->sweep, 0, 1000000);
}

enum { KVD_KEEPALIVE_MAX_S = 32767 /* rung/tcp.h: what TCP takes */ };

/* In whole seconds, 0 for 0s alone: that means never. */
static uint32_t kvd_keepalive_s(uint64_t ns)
{
    uint64_t seconds = ns / RUNG_NS_PER_S + (ns % RUNG_NS_PER_S != 0);
    return seconds < KVD_KEEPALIVE_MAX_S ? (uint32_t)seconds : KVD_KEEPALIVE_MAX_S;
}

static struct kvd_config kvd_config_of(const struct kvd_keys *keys)
{
    return (struct kvd_config){
        .local = kvd_key_address(keys),
        .max_connections = kvd_key_max_connections(keys),
        .max_pipeline = kvd_key_max_pipeline(keys),
        .max_value = kvd_key_max_value(keys),
        .max_query = kvd_key_max_query(keys),
        .memory = kvd_key_memory(keys),
        .idle_timeout_ns = kvd_key_idle_timeout(keys),
        .stall_timeout_ns = kvd_key_stall_timeout(keys),
        .keepalive_s = kvd_keepalive_s(kvd_key_keepalive(keys)),
        .busy_poll_us = kvd_key_busy_poll(keys),
        .sweep = kvd_key_sweep(keys),
    };
}

/* Whether the port can be had is found out before the store is opened: one that is made for a
 * server which then cannot start would be left behind. */
int kvd_check(struct rung_platform *p, const struct kvd_slots *slots)
{
    struct kvd_config config = kvd_config_of(&slots->keys);
    struct rung_tcp_listener *listener;
    if (!kvd_keys_good(p, &config))
        return 64;
    struct rung_tcp_listen how = {.local = config.local};
    how.local.port = kvd_key_port(&slots->keys);
    int err = rung_tcp_listen(slots->tcp, &how, &listener);
    if (err < 0) {
        kvd_no_port(p, how.local.port, err);
        return 1;
    }
    rung_tcp_unlisten(listener);
    return 0;
}

struct kvd_end {
    struct rung_op op;
    struct rung_platform *p;
    int status;
    bool done;
};

static void kvd_ended(struct rung_op *op, int result)
{
    struct kvd_end *end = rung_container_of(op, struct kvd_end, op);
    (void)result;
    end->done = true;
    rung_loop_stop(end->p, end->status);
}

static int kvd_serve(struct rung_platform *p, const struct kvd_slots *slots, struct kvd *kvd)
{
    struct kvd_end end = {.op = {.done = kvd_ended}, .p = p};
    end.status = rung_loop_run(p);
    kvd_stop(kvd, &end.op);
    while (!end.done) /* what was sent to the store is waited for, even if asked to stop again */
        rung_loop_run(p);
    (void)slots;
    return end.status;
}

/* What a client may rely on. */
static const char *main_promise(const struct rung_kv_info *info)
{
    if (info->max_batch == 0)
        return "the store is read-only";
    return (info->caps & RUNG_KV_IS_DURABLE) != 0
               ? "what is set is durable when it is answered"
               : "what is set is gone when this program ends: the store is not durable";
}

int kvd_main(struct rung_platform *p, const struct kvd_slots *slots)
{
    char text[RUNG_ADDR_TEXT];
    struct kvd_config config = kvd_config_of(&slots->keys);
    struct kvd *kvd;
    config.local.port = kvd_key_port(&slots->keys);
    int err = kvd_start(&kvd, p, slots->tcp, slots->store, &config);
    if (err < 0) {
        kvd_no_port(p, config.local.port, err);
        return 1;
    }
    struct rung_addr local = config.local;
    if (local.family == RUNG_AF_NONE)
        local = rung_addr_any(RUNG_AF_IPV6, local.port);
    rung_log(p, RUNG_LOG_INFO, "kvd", "serving on %s; %s", rung_addr_format(&local, text),
             main_promise(&slots->store->info));
    return kvd_serve(p, slots, kvd);
}
