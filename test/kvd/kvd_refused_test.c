/* SPDX-License-Identifier: ISC */
/* test/kvd/kvd_refused_test.c - what runs again because the store has refused a batch: nothing is
 * left of what was refused, and all of it happens in the order in which it came. */
#include "kvd_rig.h"
#include "test_platform.h"

static void send_text(struct client *c, const char *text)
{
    client_send(c, text, strlen(text));
    rig_run(c->rig);
}

/* The next so many writes find the store full. */
static void refuse_next(struct rig *rig, long writes)
{
    rig->gate.refuse = RUNG_E_FULL;
    rig->gate.refuse_left = writes;
}

/* A refused SET leaves no expiry to what makes the key behind it, in its batch or in the next. */
static void test_no_expiry_is_left(void **state)
{
    static const struct { const char *say, *reply; } seconds[] = {
        {"APPEND a hello\r\n", ":5\r\n"}, {"INCR a\r\n", ":1\r\n"},
        {"SET a 2 KEEPTTL\r\n", "+OK\r\n"}, {"SETNX a 2\r\n", ":1\r\n"}};
    struct rig rig = {.tcp = {.segment = 4096}};
    char text[256];
    (void)state;
    rig_open(&rig);
    struct client *c = client_new(&rig);
    for (unsigned i = 0; i < 2 * RUNG_ARRAY_LEN(seconds); i++) {
        bool together = i % 2 == 1;
        refuse_next(&rig, together && i < 6 ? 2 : 1); /* both, if both write, and then the SET */
        rig.gate.hold = !together;
        snprintf(text, sizeof text, "SET a 7 PX 3000\r\n%s", together ? seconds[i / 2].say : "");
        send_text(c, text);
        if (!together)
            send_text(c, seconds[i / 2].say);
        rig.gate.hold = false;
        if (!together)
            gate_open(&rig);
        send_text(c, "PTTL a\r\n");
        snprintf(text, sizeof text, "%s%s:-1\r\n", RIG_FULL, seconds[i / 2].reply);
        client_expect(c, text);
        rig_pass(&rig, 4 * RUNG_NS_PER_S);
        client_ask(c, "DEL a", ":1\r\n");
    }
    rig_close(&rig);
}

/* A command that waited for the refused batch alone has come behind one that waits for the next one
 * as well: of one connection, and of another. */
static void test_in_order_of_arrival(void **state)
{
    struct rig rig = {.tcp = {.segment = 4096}};
    (void)state;
    rig_open(&rig);
    struct client *a = client_new(&rig), *b = client_new(&rig);
    for (unsigned i = 0; i < 2; i++) {
        struct client *second = i == 0 ? a : b;
        rig.gate.hold = true;
        send_text(a, "SET k old\r\n");
        send_text(a, "MULTI\r\nSET o 1\r\nSETNX k v\r\nEXEC\r\n");
        send_text(second, "GET k\r\n");
        send_text(second, "MULTI\r\nSET p 1\r\nAPPEND k w\r\nEXEC\r\n");
        send_text(second, "STRLEN k\r\nGET k\r\n");
        rig.gate.hold = false;
        refuse_next(&rig, 1);
        gate_open(&rig);
        if (i == 0) {
            client_expect(a, RIG_FULL "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n+OK\r\n:1\r\n"
                          "$1\r\nv\r\n+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n+OK\r\n:2\r\n"
                          ":2\r\n$2\r\nvw\r\n");
        } else {
            client_expect(a, RIG_FULL "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n+OK\r\n:1\r\n");
            client_expect(b, "$1\r\nv\r\n+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n+OK\r\n:2\r\n"
                          ":2\r\n$2\r\nvw\r\n");
        }
        client_ask(a, "DEL k o p", ":3\r\n");
    }
    rig_close(&rig);
}

/* So do many, whatever their number: some have waited for the one batch, some for the other. */
static void test_many_in_order(void **state)
{
    struct rig rig = {.config = {.max_pipeline = 1024}};
    static char replies[8192];
    char line[64];
    (void)state;
    rig_open(&rig);
    struct client *c = client_new(&rig);
    for (unsigned count = 1; count < 500; count += count / 3 + 1) {
        unsigned appended = 0, len = (unsigned)sprintf(replies, "%s", RIG_FULL);
        rig.gate.hold = true;
        send_text(c, "MSET x 1 k 1\r\n");
        for (unsigned i = 0; i < count; i++) {
            bool appends = i % 3 != 0;
            snprintf(line, sizeof line, appends ? "APPEND k .\r\n" : "SETNX x v%u\r\n", i);
            send_text(c, line);
            appended += appends;
            len += (unsigned)sprintf(replies + len, ":%u\r\n", appends ? appended : i == 0);
        }
        send_text(c, "GET x\r\n");
        rig.gate.hold = false;
        refuse_next(&rig, 1);
        gate_open(&rig);
        sprintf(replies + len, "$2\r\nv0\r\n");
        client_expect(c, replies);
        client_words(c, "DEL x k");
        client_expect(c, count > 1 ? ":2\r\n" : ":1\r\n");
    }
    rig_close(&rig);
}

/* There is no memory to run one of them again: its answer says so, or the other's, and what the
 * batch was to change is let go of once. The transaction has read x, which is at work no more; it
 * has to be found room for, and SET z has taken the last that was free. */
static void test_no_memory_to_run_again(void **state)
{
    unsigned failed = 0;
    (void)state;
    for (long n = 1; n <= 12; n++) {
        struct rig rig = {.tcp = {.segment = 4096}};
        rig_open(&rig);
        struct client *c = client_new(&rig);
        client_ask(c, "SET x 1", "+OK\r\n");
        rig.gate.hold = true;
        send_text(c, "SET a 1\r\n");
        send_text(c, "MULTI\r\nSET b 1\r\nGET x\r\nEXEC\r\n");
        send_text(c, "SET z 1\r\n");
        rig.gate.hold = false;
        refuse_next(&rig, 1);
        test_heap_fail_after(rig.p, n);
        gate_open(&rig);
        test_heap_fail_after(rig.p, 0);
        failed += strstr(c->rx, "-OOM") != NULL;
        if (c->error != 0 || c->eof)
            c = client_new(&rig);
        c->len = 0;
        client_ask(c, "MSET a 2 b 2 z 2", "+OK\r\n");
        client_ask(c, "MGET a b x z", "*4\r\n$1\r\n2\r\n$1\r\n2\r\n$1\r\n1\r\n$1\r\n2\r\n");
        rig_close(&rig);
    }
    assert_in_range(failed, 1, 12);
}

#define CASE(name) cmocka_unit_test(test_##name)
static const struct CMUnitTest cases[] = {
    CASE(no_expiry_is_left), CASE(in_order_of_arrival), CASE(many_in_order),
    CASE(no_memory_to_run_again), {0},
};

int main(void)
{
    const struct CMUnitTest *const files[] = {cases};
    return test_run_group("kvd-refused", files, 1);
}
