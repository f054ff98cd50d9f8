/* SPDX-License-Identifier: ISC */
/* test/contract/http/suite_client.c - the suite's own client: bytes out, responses in. */
#include "suite.h"

static void client_keep(struct http_client *c, const struct rung_buf *buf)
{
    while (c->rx_len + buf->len + 1 > c->rx_cap) {
        c->rx_cap = c->rx_cap > 0 ? 2 * c->rx_cap : 4096;
        c->rx = realloc(c->rx, c->rx_cap);
        assert_non_null(c->rx);
    }
    memcpy(c->rx + c->rx_len, buf->data, buf->len);
    c->rx_len += buf->len;
    c->rx[c->rx_len] = '\0';
}

static void client_read(struct http_client *c)
{
    while (!c->deaf && !c->eof && c->error == 0) {
        struct rung_buf *lent[3];
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

size_t http_sip(struct http_client *c)
{
    struct rung_buf *lent;
    int k = rung_tcp_recv(c->conn, &lent, 1);
    c->eof = k == RUNG_E_EOF;
    if (k < 0 && !c->eof)
        c->error = k;
    if (k <= 0)
        return 0;
    size_t len = lent->len;
    client_keep(c, lent);
    rung_buf_release(lent);
    return len;
}

static void client_ready(struct rung_tcp_conn *conn, unsigned events)
{
    struct http_client *c = conn->arg;
    if ((events & RUNG_TCP_RX) != 0)
        client_read(c);
    if ((events & RUNG_TCP_DOWN) != 0 && !c->deaf && c->error == 0)
        c->error = RUNG_E_RESET;
}

static void client_connected(struct rung_op *op, int result)
{
    struct http_client *c = rung_container_of(op, struct http_client, connect.op);
    c->connected = true;
    c->error = result;
    if (result != RUNG_OK)
        return;
    c->conn = c->connect.conn;
    c->conn->ready = client_ready;
    c->conn->arg = c;
}

void http_connect(struct http_test *t, struct http_client *c)
{
    memset(c, 0, sizeof *c);
    c->t = t;
    c->connect.op.done = client_connected;
    c->connect.peer = rung_addr_any(RUNG_AF_IPV4, 80);
    rung_tcp_connect(&t->tcp.tcp, &c->connect);
    http_run(t);
    assert_true(c->connected);
    client_read(c);
}

struct sent {
    struct rung_buf buf;
    char bytes[];
};

static void client_sent(struct rung_buf *buf)
{
    free(rung_container_of(buf, struct sent, buf));
}

void http_send(struct http_client *c, const char *bytes, size_t len)
{
    struct sent *sent = malloc(sizeof *sent + len);
    assert_non_null(sent);
    memcpy(sent->bytes, bytes, len);
    sent->buf = (struct rung_buf){
        .data = (const uint8_t *)sent->bytes, .len = len, .release = client_sent};
    struct rung_buf *buf = &sent->buf;
    if (rung_tcp_send(c->conn, &buf, 1) != 1)
        free(sent); /* the server has cut it off, and the test will see that */
}

void http_say(struct http_client *c, const char *text)
{
    if (*text != '\0')
        http_send(c, text, strlen(text));
    http_run(c->t);
}

void http_shut(struct http_client *c)
{
    rung_tcp_shutdown(c->conn);
    http_run(c->t);
}

void http_leave(struct http_client *c, bool orderly)
{
    if (c->conn != NULL && orderly)
        rung_tcp_close(c->conn);
    else if (c->conn != NULL)
        rung_tcp_abort(c->conn);
    c->conn = NULL;
    free(c->rx);
    c->rx = NULL;
    c->rx_len = c->rx_cap = 0;
    http_run(c->t);
}

const char *http_value(const struct http_answer *a, const char *name)
{
    static char value[512];
    char start[64];
    snprintf(start, sizeof start, "\r\n%s: ", name);
    const char *at = strstr(a->head, start);
    if (at == NULL)
        return NULL;
    at += strlen(start);
    size_t len = strcspn(at, "\r");
    assert_true(len < sizeof value);
    memcpy(value, at, len);
    value[len] = '\0';
    return value;
}

void http_take(struct http_client *c, struct http_answer *a, bool head)
{
    const char *end = c->rx_len > 0 ? strstr(c->rx, "\r\n\r\n") : NULL;
    if (end == NULL)
        fail_msg("no whole response among %zu bytes (%s)", c->rx_len, rung_err_name(c->error));
    size_t len = (size_t)(end - c->rx) + 4;
    assert_true(len < sizeof a->head);
    memcpy(a->head, c->rx, len);
    a->head[len] = '\0';
    if (sscanf(a->head, "HTTP/1.1 %3u ", &a->status) != 1)
        fail_msg("no status line: %s", a->head);
    const char *text = http_value(a, "Content-Length");
    bool bodiless = head || a->status == 304 || a->status == 204 || a->status < 200;
    if (a->status != 204 && a->status != 304 && a->status >= 200)
        assert_non_null(text); /* this module frames nothing otherwise */
    size_t length = text != NULL ? strtoull(text, NULL, 10) : 0;
    a->body_len = bodiless ? 0 : length;
    if (c->rx_len - len < a->body_len)
        fail_msg("%zu of %zu bytes of body have come", c->rx_len - len, a->body_len);
    free(a->body);
    a->body = malloc(a->body_len + 1);
    assert_non_null(a->body);
    memcpy(a->body, c->rx + len, a->body_len);
    a->body[a->body_len] = '\0';
    len += a->body_len;
    memmove(c->rx, c->rx + len, c->rx_len - len + 1);
    c->rx_len -= len;
}

void http_expect(struct http_client *c, unsigned status, const char *body)
{
    struct http_answer a = {0};
    http_take(c, &a, false);
    if (a.status != status)
        fail_msg("status %u, not %u: %s", a.status, status, a.head);
    if (body != NULL)
        assert_string_equal(a.body, body);
    free(a.body);
}

void http_expect_closed(struct http_client *c)
{
    http_run(c->t);
    if (c->rx_len > 0)
        fail_msg("more has come: %s", c->rx);
    assert_int_equal(c->error, 0); /* in order: a reset might have eaten the response */
    assert_true(c->eof);
    http_leave(c, true);
}

void http_expect_open(struct http_client *c)
{
    http_run(c->t);
    if (c->rx_len > 0)
        fail_msg("more has come: %s", c->rx);
    assert_int_equal(c->error, 0);
    assert_false(c->eof);
}
