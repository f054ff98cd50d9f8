/* SPDX-License-Identifier: ISC */
/* test/kvd/kvd_wipe_test.c - FLUSHDB of many clients at once. */
#include "kvd_rig.h"

/* All who want the keys removed at once share two walks: those that come while one is at work have
 * the next, so that what was there when they came is gone. */
static void test_flushes(void **state)
{
    enum { CLIENTS = 7 };
    struct rig rig = {0};
    struct client *c[CLIENTS];
    (void)state;
    rig_open(&rig);
    for (unsigned i = 0; i < CLIENTS; i++)
        c[i] = client_new(&rig);
    client_ask(c[0], "MSET a 1 b 2", "+OK\r\n");
    for (unsigned times = 0; times < 3; times++) {
        unsigned lists = rig.gate.lists;
        rig.gate.refuse = times == 1 ? RUNG_E_IO : 0;
        rig.gate.hold = true;
        for (unsigned i = 1; i < CLIENTS; i++)
            client_words(c[i], i % 2 ? "FLUSHDB" : "FLUSHALL");
        if (times == 0)
            client_words(c[0], "SET late 1"); /* behind the first walk's keys, before the next */
        client_abort(c[CLIENTS - 1]);
        c[CLIENTS - 1] = client_new(&rig);
        rig.gate.hold = false;
        if (rig.gate.held != NULL)
            gate_open(&rig);
        rig_run(&rig);
        assert_in_range(rig.gate.lists - lists, times == 0 ? 3 : 1, 4);
        for (unsigned i = 1; i < CLIENTS - 1; i++)
            client_expect(c[i], times == 1 ? "-ERR the store failed: input/output error\r\n"
                                           : "+OK\r\n");
        if (times == 0)
            client_expect(c[0], "+OK\r\n");
        rig.gate.refuse = 0;
        client_ask(c[0], "DBSIZE", times == 1 ? ":1\r\n" : ":0\r\n");
        client_ask(c[0], "SET a 1", "+OK\r\n");
    }
    rig.gate.hold = true; /* and the server ends meanwhile */
    for (unsigned i = 1; i < CLIENTS; i++)
        client_words(c[i], "FLUSHDB");
    rig_close(&rig);
}

#define CASE(name) cmocka_unit_test(test_##name)
static const struct CMUnitTest cases[] = {CASE(flushes), {0}};

int main(void)
{
    const struct CMUnitTest *const files[] = {cases};
    return test_run_group("kvd-wipe", files, 1);
}
