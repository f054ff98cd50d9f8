/* SPDX-License-Identifier: ISC */
/* apps/kvd/kvd_info.c - INFO and CONFIG GET: what the server is and does. */
#include <inttypes.h>
#include <stdio.h>

#include "kvd_int.h"
#include "rung/clock.h"

static const char *info_durable(const struct kvd *kvd)
{
    return (kvd->kv->info.caps & RUNG_KV_IS_DURABLE) != 0 ? "yes" : "no";
}

static uint64_t info_uptime_s(struct kvd *kvd)
{
    return (rung_clock_monotonic_ns(kvd->p) - kvd->stats.started_ns) / RUNG_NS_PER_S;
}

static void info_server(struct kvd *kvd, struct kvd_text *t)
{
    kvd_text_fmt(t, "# Server\r\nredis_version:7.0.0\r\nredis_mode:standalone\r\nserver:kvd\r\n"
                 "tcp_port:%u\r\nuptime_in_seconds:%" PRIu64 "\r\n",
                 (unsigned)kvd->config.local.port, info_uptime_s(kvd));
}

static void info_clients(struct kvd *kvd, struct kvd_text *t)
{
    kvd_text_fmt(t, "# Clients\r\nconnected_clients:%" PRIu32 "\r\nmaxclients:%" PRIu32
                 "\r\nblocked_clients:0\r\n", kvd->conn_count, kvd->config.max_connections);
}

static void info_memory(struct kvd *kvd, struct kvd_text *t)
{
    const struct kvd_memory *m = &kvd->m;
    kvd_text_fmt(t, "# Memory\r\nused_memory:%" PRIu64 "\r\nkvd_query_bytes:%" PRIu64
                 "\r\nkvd_query_max:%" PRIu64 "\r\nkvd_reply_bytes:%" PRIu64
                 "\r\nkvd_reply_max:%" PRIu64 "\r\nkvd_work_bytes:%" PRIu64
                 "\r\nkvd_work_max:%" PRIu64 "\r\nkvd_keys_at_work:%zu\r\n",
                 m->query_used + m->reply_used + m->work_used, m->query_used, m->query_max,
                 m->reply_used, m->reply_max, m->work_used, m->work_max, kvd->key_count);
}

static void info_persistence(struct kvd *kvd, struct kvd_text *t)
{
    kvd_text_fmt(t, "# Persistence\r\nstore_durable:%s\r\nloading:0\r\n", info_durable(kvd));
}

static void info_stats(struct kvd *kvd, struct kvd_text *t)
{
    const struct kvd_stats *s = &kvd->stats;
    kvd_text_fmt(t, "# Stats\r\ntotal_connections_received:%" PRIu64
                 "\r\ntotal_commands_processed:%" PRIu64 "\r\nrejected_connections:%" PRIu64
                 "\r\nexpired_keys:%" PRIu64 "\r\ntotal_error_replies:%" PRIu64
                 "\r\nstore_writes:%" PRIu64 "\r\nstore_changes:%" PRIu64 "\r\n",
                 s->connections, s->commands, s->refused, s->expired, s->errors, s->batches,
                 s->changes);
}

static void info_replication(struct kvd *kvd, struct kvd_text *t)
{
    (void)kvd;
    kvd_text_fmt(t, "# Replication\r\nrole:master\r\nconnected_slaves:0\r\n");
}

void kvd_cmd_info(struct kvd *kvd, struct kvd_cmd *cmd)
{
    static const struct {
        const char *name;
        void (*write)(struct kvd *kvd, struct kvd_text *t);
    } sections[] = {{"server", info_server}, {"clients", info_clients}, {"memory", info_memory},
                    {"persistence", info_persistence}, {"stats", info_stats},
                    {"replication", info_replication}};
    struct kvd_text body, t;
    kvd_text_init(&body, &kvd->m, KVD_INFO_MOST);
    kvd_text_init(&t, &kvd->m, KVD_INFO_MOST);
    kvd_text_add(&body, "", 0);
    for (unsigned i = 0; i < RUNG_ARRAY_LEN(sections); i++) {
        bool wanted = cmd->args.count == 1;
        for (unsigned k = 1; k < cmd->args.count; k++) {
            struct kvd_bytes word = kvd_arg(cmd, k);
            wanted = wanted || kvd_word_is(word, sections[i].name) || kvd_word_is(word, "all")
                     || kvd_word_is(word, "default") || kvd_word_is(word, "everything");
        }
        if (!wanted)
            continue;
        if (body.len > 0)
            kvd_text_fmt(&body, "\r\n");
        sections[i].write(kvd, &body);
    }
    if (body.hold != NULL)
        kvd_text_bulk(&t, kvd_hold_bytes(body.hold), body.len);
    else
        kvd_text_bulk(&t, "", 0);
    t.failed = t.failed || body.failed;
    kvd_text_drop(&body);
    kvd_text_reply(&t, cmd);
}

struct info_parameter {
    const char *name;
    char value[24];
};

static unsigned info_parameters(const struct kvd *kvd, struct info_parameter all[8])
{
    const struct kvd_config *c = &kvd->config;
    bool durable = (kvd->kv->info.caps & RUNG_KV_IS_DURABLE) != 0;
    unsigned n = 0;
    all[n++] = (struct info_parameter){.name = "save"};
    all[n++] = (struct info_parameter){.name = "appendonly"};
    snprintf(all[1].value, sizeof all[1].value, "%s", durable ? "yes" : "no");
    all[n++] = (struct info_parameter){.name = "appendfsync", .value = "always"};
    all[n++] = (struct info_parameter){.name = "databases", .value = "1"};
    all[n] = (struct info_parameter){.name = "port"};
    snprintf(all[n++].value, sizeof all[0].value, "%u", (unsigned)c->local.port);
    all[n] = (struct info_parameter){.name = "maxclients"};
    snprintf(all[n++].value, sizeof all[0].value, "%" PRIu32, c->max_connections);
    all[n] = (struct info_parameter){.name = "timeout"};
    snprintf(all[n++].value, sizeof all[0].value, "%" PRIu64, c->idle_timeout_ns / RUNG_NS_PER_S);
    all[n] = (struct info_parameter){.name = "proto-max-bulk-len"};
    snprintf(all[n++].value, sizeof all[0].value, "%zu", kvd->limits.max_value);
    return n;
}

static bool info_matches(const struct kvd_cmd *cmd, const char *name)
{
    struct kvd_bytes bytes = {(const uint8_t *)name, strlen(name), NULL};
    uint64_t steps = 0;
    for (unsigned i = 2; i < cmd->args.count; i++) {
        if (kvd_glob(kvd_arg(cmd, i), bytes, &steps))
            return true;
    }
    return false;
}

static void config_get(struct kvd *kvd, struct kvd_cmd *cmd)
{
    struct info_parameter all[8];
    if (cmd->args.bytes - kvd_arg(cmd, 0).len - kvd_arg(cmd, 1).len > KVD_PATTERN) {
        kvd_fail(cmd, "ERR patterns are of at most 4096 bytes here, all together");
        return;
    }
    unsigned n = info_parameters(kvd, all), found = 0;
    struct kvd_text t;
    for (unsigned i = 0; i < n; i++)
        found += info_matches(cmd, all[i].name);
    bool map = cmd->conn != NULL && cmd->conn->resp >= 3;
    kvd_text_init(&t, &kvd->m, 65536);
    kvd_text_fmt(&t, "%c%u\r\n", map ? '%' : '*', map ? found : 2 * found);
    for (unsigned i = 0; i < n; i++) {
        if (!info_matches(cmd, all[i].name))
            continue;
        kvd_text_word(&t, all[i].name);
        kvd_text_word(&t, all[i].value);
    }
    kvd_text_reply(&t, cmd);
}

void kvd_cmd_config(struct kvd *kvd, struct kvd_cmd *cmd)
{
    if (kvd_word_is(kvd_arg(cmd, 1), "get") && cmd->args.count >= 3)
        config_get(kvd, cmd);
    else
        kvd_fail(cmd, "ERR CONFIG knows only GET pattern; the server's keys are set when it "
                      "starts");
}
