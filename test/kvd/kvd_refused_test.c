/* SPDX-License-Identifier: ISC */
/* test/kvd/kvd_refused_test.c - what runs again because the store has refused a batch: nothing is
 * left of what was refused, and all of it happens in the order in which it came. */
#include "kvd_rig.h"

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

#define CASE(name) cmocka_unit_test(test_##name)
static const struct CMUnitTest cases[] = {
    CASE(no_expiry_is_left), {0},
};

int main(void)
{
    const struct CMUnitTest *const files[] = {cases};
    return test_run_group("kvd-refused", files, 1);
}
