/* SPDX-License-Identifier: ISC */
/* test/kvd/kvd_half_test.c - clients within a long command, that others wait for the memory of: how
 * much has to come of it, and when. */
#include "kvd_rig.h"
#include "test_platform.h"

static const char half_set[] = "*3\r\n$3\r\nSET\r\n$1\r\nv\r\n$1500000\r\nabc";

/* Clients that say a part of a long command: the first has the memory, the others wait for it. */
static void halves_open(struct rig *rig, struct client *c[], unsigned count)
{
    rig->config.memory = 4 << 20;
    rig->config.max_value = 1500000;
    rig->config.max_query = 1600000;
    rig_open(rig);
    for (unsigned i = 0; i < count; i++) {
        c[i] = client_new(rig);
        client_send(c[i], half_set, sizeof half_set - 1);
        rig_run(rig);
    }
    assert_int_equal(rig->tcp.segments, 0); /* nobody keeps what TCP has lent */
}

/* What is missing of it. */
static void rest_of_set(struct client *c)
{
    static char rest[1500000 - 3 + 2];
    memset(rest, 'x', sizeof rest);
    memcpy(rest + sizeof rest - 2, "\r\n", 2);
    client_send(c, rest, sizeof rest);
    rig_run(c->rig);
    client_expect(c, "+OK\r\n");
}

/* Who stops within a long command has a second while others wait, and a byte now and then does not
 * help. */
static void test_half_commands_are_hurried(void **state)
{
    struct rig rig = {.tcp = {.segment = 4096}};
    struct client *c[3], *reader;
    (void)state;
    halves_open(&rig, c, 1);
    reader = client_new(&rig);
    client_send(reader, "*2\r\n$3\r\nGE", 10); /* it holds nothing that others wait for */
    rig_pass(&rig, 20 * RUNG_NS_PER_S);
    assert_int_equal(c[0]->error, 0); /* nobody waits */
    c[1] = client_new(&rig);
    client_send(c[1], half_set, sizeof half_set - 1);
    for (unsigned i = 0; i < 4 && c[0]->error == 0 && !c[0]->eof; i++) {
        client_send(c[0], "x", 1);
        rig_pass(&rig, RUNG_NS_PER_S / 2);
    }
    client_gone(c[0]);
    assert_int_equal(c[1]->error, 0);
    client_send(reader, "T\r\n$1\r\nv\r\n", 10);
    rig_run(&rig);
    client_expect(reader, "$-1\r\n");
    rest_of_set(c[1]);
    rig_close(&rig);
}

/* All of it within 64 seconds is still slow, and not stalled. */
static void test_a_slow_command_is_not_stalled(void **state)
{
    struct rig rig = {.tcp = {.segment = 4096}};
    struct client *c[2];
    (void)state;
    halves_open(&rig, c, 2);
    static char part[24000];
    memset(part, 'x', sizeof part);
    for (unsigned left = 1500000 - 3; left > 0;) {
        unsigned n = left < sizeof part ? left : (unsigned)sizeof part;
        client_send(c[0], part, n);
        left -= n;
        if (left > 0)
            rig_pass(&rig, RUNG_NS_PER_S * 9 / 10);
    }
    client_send(c[0], "\r\n", 2);
    rig_run(&rig);
    client_expect(c[0], "+OK\r\n");
    rig_close(&rig);
}

/* Whoever has much of it and is slower than that goes on while nobody waits, and no longer. */
static void test_much_held_by_the_slow(void **state)
{
    struct rig rig = {.tcp = {.segment = 4096}};
    struct client *c[2];
    static char part[20000];
    (void)state;
    halves_open(&rig, c, 1);
    memset(part, 'x', sizeof part);
    for (unsigned i = 0; i < 40; i++) {
        client_send(c[0], part, sizeof part);
        rig_pass(&rig, RUNG_NS_PER_S * 9 / 10);
    }
    assert_int_equal(c[0]->error, 0);
    c[1] = client_new(&rig);
    client_send(c[1], half_set, sizeof half_set - 1);
    for (unsigned i = 0; i < 2; i++) {
        client_send(c[0], part, sizeof part);
        rig_pass(&rig, RUNG_NS_PER_S * 9 / 10);
    }
    client_gone(c[0]);
    rest_of_set(c[1]);
    rig_close(&rig);
}

/* Who has waited for the memory has its second from when it gets it, though others wait then. */
static void test_waiting_is_not_stalling(void **state)
{
    struct rig rig = {.tcp = {.segment = 4096}};
    struct client *c[3];
    (void)state;
    halves_open(&rig, c, 3);
    rig_pass(&rig, RUNG_NS_PER_S * 9 / 10);
    client_abort(c[0]);
    rig_pass(&rig, RUNG_NS_PER_S / 2);
    rest_of_set(c[1]);
    rig_pass(&rig, RUNG_NS_PER_S / 2);
    rest_of_set(c[2]);
    rig_close(&rig);
}

/* Parked clients give TCP's buffers back; when what is kept for them is too much, a command is
 * refused and does not wait. */
static void test_many_halves(void **state)
{
    struct rig rig = {.config = {.max_connections = 50},
                      .tcp = {.segment = 65536}};
    struct client *c[40];
    static char more[60000];
    unsigned refused = 0;
    (void)state;
    halves_open(&rig, c, 1);
    memcpy(more, half_set, sizeof half_set - 1);
    memset(more + sizeof half_set - 1, 'x', sizeof more - (sizeof half_set - 1));
    for (unsigned i = 1; i < 40; i++) {
        c[i] = client_new(&rig);
        client_send(c[i], more, sizeof more);
        rig_run(&rig);
    }
    assert_int_equal(rig.tcp.segments, 0);
    client_ask(client_new(&rig), "PING", "+PONG\r\n");
    client_abort(c[0]);
    static char rest[1500000];
    size_t len = 1500000 + (sizeof half_set - 1 - 3) - sizeof more;
    memset(rest, 'x', len);
    memcpy(rest + len, "\r\n", 2);
    for (unsigned i = 1; i < 40; i++) {
        client_send(c[i], rest, len + 2);
        rig_run(&rig);
        if (strcmp(c[i]->rx, "+OK\r\n") == 0)
            continue;
        client_expect(c[i], "-OOM too many long commands at once\r\n");
        refused++;
    }
    assert_in_range(refused, 1, 38);
    rig_close(&rig);
}

#define CASE(name) cmocka_unit_test(test_##name)
static const struct CMUnitTest cases[] = {
    CASE(half_commands_are_hurried), CASE(a_slow_command_is_not_stalled),
    CASE(much_held_by_the_slow), CASE(waiting_is_not_stalling),
    CASE(many_halves), {0},
};

int main(void)
{
    const struct CMUnitTest *const files[] = {cases};
    return test_run_group("kvd-half", files, 1);
}
