/* SPDX-License-Identifier: ISC */
/* test/kvd/kvd_readonly_test.c - a store that takes no changes, or few at once: what only reads is
 * not asked how many it takes. */
#include "kvd_rig.h"

static void test_read_only(void **state)
{
    static const char refused[] = "-READONLY the store is read-only\r\n";
    struct rig rig = {0};
    (void)state;
    rig_open(&rig);
    struct client *c = client_new(&rig);
    client_ask(c, "SET a 1", "+OK\r\n");
    rig.gate.kv.info.max_batch = 0;
    client_ask(c, "SET a 2", refused);
    client_ask(c, "DEL a b", refused);
    client_ask(c, "MULTI", "+OK\r\n");
    client_ask(c, "INCR a", refused);
    client_ask(c, "EXEC", "-EXECABORT Transaction discarded because of previous errors.\r\n");
    client_ask(c, "GET a", "$1\r\n1\r\n");
    client_say(c, "MULTI\r\nGET a\r\nMGET a b");
    client_expect(c, "+OK\r\n+QUEUED\r\n+QUEUED\r\n");
    client_ask(c, "EXEC", "*2\r\n$1\r\n1\r\n*2\r\n$1\r\n1\r\n$-1\r\n");
    rig_close(&rig);
}

/* The store's most is of keys that are changed: none are by a transaction that only reads. */
static void test_many_keys_of_a_transaction(void **state)
{
    struct rig rig = {0};
    (void)state;
    rig_open(&rig);
    struct client *c = client_new(&rig);
    rig.gate.kv.info.max_batch = 2;
    client_say(c, "MULTI\r\nMGET a b c");
    client_expect(c, "+OK\r\n+QUEUED\r\n");
    client_ask(c, "EXEC", "*1\r\n*3\r\n$-1\r\n$-1\r\n$-1\r\n");
    client_say(c, "MULTI\r\nMGET b c\r\nSET a 1");
    client_expect(c, "+OK\r\n+QUEUED\r\n+QUEUED\r\n");
    client_ask(c, "EXEC", "-ERR the store takes at most 2 keys at once\r\n");
    client_say(c, "MULTI\r\nGET b\r\nSET a 1");
    client_expect(c, "+OK\r\n+QUEUED\r\n+QUEUED\r\n");
    client_ask(c, "EXEC", "*2\r\n$-1\r\n+OK\r\n");
    rig_close(&rig);
}

#define CASE(name) cmocka_unit_test(test_##name)
static const struct CMUnitTest cases[] = {
    CASE(read_only), CASE(many_keys_of_a_transaction), {0},
};

int main(void)
{
    const struct CMUnitTest *const files[] = {cases};
    return test_run_group("kvd-readonly", files, 1);
}
