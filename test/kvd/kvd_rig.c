/* SPDX-License-Identifier: ISC */
/* test/kvd/kvd_rig.c - see kvd_rig.h. */
#include "kvd_rig.h"

#include "test_platform.h"

static struct gate *gate_of(struct rung_kv *kv)
{
    return rung_container_of(kv, struct gate, kv);
}

static void gate_get(struct rung_kv *kv, struct rung_kv_get *get)
{
    struct gate *g = gate_of(kv);
    g->gets++;
    g->got_most = get->len > g->got_most ? get->len : g->got_most;
    if (g->refuse_get != 0)
        rung_op_finish(g->p, &get->op, g->refuse_get);
    else
        rung_kv_get(g->under, get);
}

static bool gate_refuses(struct gate *g, const struct rung_kv_write *write)
{
    bool named = g->refuse_key == NULL;
    for (unsigned i = 0; i < write->change_count && !named; i++)
        named = strlen(g->refuse_key) == write->change[i].key_len
                && memcmp(g->refuse_key, write->change[i].key, write->change[i].key_len) == 0;
    if (g->refuse == 0 || !named || write->change_count <= g->refuse_over)
        return false;
    if (g->refuse_chance > 0 && test_chance(&g->chance, g->refuse_chance) != 0)
        return false;
    if (g->refuse_left > 0 && --g->refuse_left == 0)
        g->refuse_left = -1;
    else if (g->refuse_left < 0)
        return false;
    return true;
}

static void gate_pass(struct gate *g, struct rung_kv_write *write)
{
    if (gate_refuses(g, write)) {
        rung_op_finish(g->p, &write->op, g->refuse);
        return;
    }
    g->writes++;
    g->changes += write->change_count;
    rung_kv_write(g->under, write);
}

static void gate_write(struct rung_kv *kv, struct rung_kv_write *write)
{
    struct gate *g = gate_of(kv);
    assert_null(g->held); /* one at a time */
    if (g->hold)
        g->held = write;
    else
        gate_pass(g, write);
}

static void gate_list(struct rung_kv *kv, struct rung_kv_list *list)
{
    gate_of(kv)->lists++;
    rung_kv_list(gate_of(kv)->under, list);
}

static void gate_close(struct rung_kv *kv, struct rung_op *op)
{
    rung_kv_close(gate_of(kv)->under, op);
}

static const struct rung_kv_ops gate_ops = RUNG_KV_TABLE("gate", gate);

void gate_open(struct rig *rig)
{
    struct rung_kv_write *write = rig->gate.held;
    assert_non_null(write);
    rig->gate.held = NULL;
    gate_pass(&rig->gate, write);
    rig_run(rig);
}

void rig_run(struct rig *rig)
{
    unsigned turns = 0;
    while (rung_virtual_turn(rig->p))
        assert_true(++turns < 2000000);
}

void rig_pass(struct rig *rig, uint64_t ns)
{
    rung_virtual_advance_ns(rig->p, ns);
    rig_run(rig);
}

static void rig_config(struct kvd_config *c)
{
    c->local = rung_addr_any(RUNG_AF_NONE, 6379);
    c->max_connections = c->max_connections ? c->max_connections : 8;
    c->max_pipeline = c->max_pipeline ? c->max_pipeline : 64;
    c->max_value = c->max_value ? c->max_value : 1 << 20;
    c->max_query = c->max_query ? c->max_query : 4 << 20;
    c->memory = c->memory ? c->memory : 32 << 20;
    c->stall_timeout_ns = c->stall_timeout_ns ? c->stall_timeout_ns : 30 * RUNG_NS_PER_S;
}

void rig_start(struct rig *rig)
{
    assert_int_equal(kvd_start(&rig->kvd, rig->p, &rig->tcp.tcp, &rig->gate.kv, &rig->config), 0);
}

void rig_open(struct rig *rig)
{
    static const struct rung_kv_memory_needs needs;
    rig->p = test_platform_new();
    size_t segment = rig->tcp.segment, queue = rig->tcp.queue;
    tcp_loop_open(&rig->tcp, rig->p, test_seed());
    rig->tcp.segment = segment > 0 ? segment : rig->tcp.segment;
    rig->tcp.queue = queue > 0 ? queue : rig->tcp.queue;
    rig->memory_keys.slot = "store";
    assert_int_equal(rung_kv_memory_open(&rig->memory, rig->p, &rig->memory_keys, &needs), 0);
    rig->gate.p = rig->p;
    rig->gate.chance = test_seed() | 1;
    rig->gate.under = &rig->memory.kv;
    rung_kv_init(&rig->gate.kv, &gate_ops);
    rig->gate.kv.info = rig->memory.kv.info;
    rig_config(&rig->config);
    rig_start(rig);
}

struct rig_end {
    struct rung_op op;
    bool done;
};

static void rig_ended(struct rung_op *op, int result)
{
    assert_int_equal(result, 0);
    rung_container_of(op, struct rig_end, op)->done = true;
}

void rig_stop(struct rig *rig)
{
    struct rig_end end = {.op = {.done = rig_ended}};
    kvd_stop(rig->kvd, &end.op);
    rig->gate.hold = false;
    rig_run(rig);
    if (rig->gate.held != NULL)
        gate_open(rig);
    while (rig->clients != NULL) {
        struct client *c = rig->clients;
        rig->clients = c->next;
        client_abort(c);
        free(c->rx);
        free(c);
    }
    rig_pass(rig, 120 * RUNG_NS_PER_S);
    assert_true(end.done);
}

void rig_close(struct rig *rig)
{
    struct rig_end end = {.op = {.done = rig_ended}};
    rig_stop(rig);
    rung_kv_close(&rig->memory.kv, &end.op);
    rig_run(rig);
    assert_true(end.done);
    assert_true(tcp_loop_idle(&rig->tcp));
    assert_true(rung_virtual_idle(rig->p));
    test_platform_free(rig->p); /* fails if memory is left */
}

static void client_keep(struct client *c, const struct rung_buf *buf)
{
    while (c->len + buf->len + 1 > c->room) {
        c->room = c->room > 0 ? 2 * c->room : 4096;
        c->rx = realloc(c->rx, c->room);
        assert_non_null(c->rx);
    }
    memcpy(c->rx + c->len, buf->data, buf->len);
    c->len += buf->len;
    c->rx[c->len] = '\0';
}

static void client_read(struct client *c)
{
    struct rung_buf *lent[3];
    while (c->conn != NULL && !c->deaf && !c->eof && c->error == 0) {
        int k = rung_tcp_recv(c->conn, lent, 3);
        if (k == 0)
            return;
        c->eof = k == RUNG_E_EOF;
        if (k < 0 && !c->eof)
            c->error = k;
        for (int i = 0; i < k; i++) {
            client_keep(c, lent[i]);
            rung_buf_release(lent[i]);
        }
    }
}

static void client_ready(struct rung_tcp_conn *conn, unsigned events)
{
    if ((events & (RUNG_TCP_RX | RUNG_TCP_DOWN)) != 0)
        client_read(conn->arg);
}

static void client_connected(struct rung_op *op, int result)
{
    struct client *c = rung_container_of(op, struct client, connect.op);
    assert_int_equal(result, 0);
    c->conn = c->connect.conn;
    c->conn->ready = client_ready;
    c->conn->arg = c;
    client_read(c);
}

struct client *client_new(struct rig *rig)
{
    struct client *c = calloc(1, sizeof *c);
    assert_non_null(c);
    c->rig = rig;
    c->rx = calloc(1, 1);
    c->room = 1;
    c->next = rig->clients;
    rig->clients = c;
    c->connect.op.done = client_connected;
    c->connect.peer = rung_addr_any(RUNG_AF_IPV4, 6379);
    rung_tcp_connect(&rig->tcp.tcp, &c->connect);
    rig_run(rig);
    assert_non_null(c->conn);
    return c;
}

static void client_sent(struct rung_buf *buf)
{
    free(buf);
}

void client_send(struct client *c, const void *bytes, size_t len)
{
    struct rung_buf *buf = malloc(sizeof *buf + len);
    assert_non_null(buf);
    memcpy(buf + 1, bytes, len);
    *buf = (struct rung_buf){
        .data = (const uint8_t *)(buf + 1), .len = len, .release = client_sent};
    if (rung_tcp_send(c->conn, &buf, 1) != 1)
        free(buf); /* the server has cut it off, and the test will see that */
}

void client_say(struct client *c, const char *line)
{
    char text[4096];
    int len = snprintf(text, sizeof text, "%s\r\n", line);
    assert_in_range(len, 2, sizeof text - 1);
    client_send(c, text, (size_t)len);
    rig_run(c->rig);
}

size_t rig_encode(const char *line, char *out, size_t room)
{
    size_t len = 0, count = 0;
    char body[8192];
    while (*line != '\0') {
        size_t word = strcspn(line, " ");
        len += (size_t)snprintf(body + len, sizeof body - len, "$%zu\r\n%.*s\r\n",
                                word == 2 && memcmp(line, "\"\"", 2) == 0 ? (size_t)0 : word,
                                word == 2 && memcmp(line, "\"\"", 2) == 0 ? 0 : (int)word, line);
        line += word + (line[word] == ' ');
        count++;
        assert_true(len < sizeof body);
    }
    int n = snprintf(out, room, "*%zu\r\n%s", count, body);
    assert_in_range(n, 1, room - 1);
    return (size_t)n;
}

void client_words(struct client *c, const char *line)
{
    char text[8192];
    client_send(c, text, rig_encode(line, text, sizeof text));
    rig_run(c->rig);
}

static void client_forget(struct client *c)
{
    c->len = 0;
    c->rx[0] = '\0';
}

void client_expect(struct client *c, const char *reply)
{
    assert_string_equal(c->rx, reply);
    client_forget(c);
}

void client_ask(struct client *c, const char *line, const char *reply)
{
    client_words(c, line);
    if (strcmp(c->rx, reply) != 0)
        fail_msg("%s: wanted '%s', got '%s' (error %d)", line, reply, c->rx, c->error);
    client_forget(c);
}

void client_set(struct client *c, const char *key, size_t len)
{
    char head[128];
    int n = snprintf(head, sizeof head, "*3\r\n$3\r\nSET\r\n$%zu\r\n%s\r\n$%zu\r\n", strlen(key),
                     key, len);
    char *all = malloc((size_t)n + len + 2);
    assert_non_null(all);
    memcpy(all, head, (size_t)n);
    for (size_t i = 0; i < len; i++)
        all[(size_t)n + i] = (char)('a' + i % 26);
    memcpy(all + n + len, "\r\n", 2);
    client_send(c, all, (size_t)n + len + 2);
    free(all);
    rig_run(c->rig);
}

void client_letters(struct client *c, size_t from, size_t len)
{
    char head[32];
    int n = snprintf(head, sizeof head, "$%zu\r\n", len);
    assert_int_equal(c->len, (size_t)n + len + 2);
    assert_memory_equal(c->rx, head, (size_t)n);
    for (size_t i = 0; i < len; i++)
        assert_int_equal(c->rx[(size_t)n + i], 'a' + (from + i) % 26);
    client_forget(c);
}

void client_gone(struct client *c)
{
    rig_run(c->rig);
    if (!c->eof && c->error == 0)
        fail_msg("the server has not ended the connection; it has said '%s'", c->rx);
    client_expect(c, "");
}

void client_shut(struct client *c)
{
    rung_tcp_shutdown(c->conn);
    rig_run(c->rig);
}

void client_abort(struct client *c)
{
    if (c->conn != NULL)
        rung_tcp_abort(c->conn);
    c->conn = NULL;
    rig_run(c->rig);
}

void client_listen(struct client *c)
{
    c->deaf = false;
    client_read(c);
    rig_run(c->rig);
}

unsigned client_take(struct client *c, unsigned most)
{
    struct rung_buf *lent;
    unsigned taken = 0;
    for (; taken < most && rung_tcp_recv(c->conn, &lent, 1) == 1; taken++) {
        client_keep(c, lent);
        rung_buf_release(lent);
    }
    return taken;
}

uint64_t client_info(struct client *c, const char *name)
{
    client_words(c, "INFO");
    const char *at = strstr(c->rx, name);
    assert_non_null(at);
    uint64_t value = strtoull(at + strlen(name) + 1, NULL, 10);
    c->len = 0;
    c->rx[0] = '\0';
    return value;
}
