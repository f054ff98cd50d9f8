/* SPDX-License-Identifier: ISC */
/* test/kvd/kvd_text_test.c - commands of no key whose replies are long, or many: they need room as
 * values do. */
#include "kvd_rig.h"

/* A transaction of so many INFO; gives where the reply to EXEC begins. */
static const char *infos(struct client *c, unsigned count)
{
    client_ask(c, "MULTI", "+OK\r\n");
    for (unsigned i = 0; i < count; i++) {
        client_send(c, "INFO\r\n", 6);
        if (i % 16 == 15)
            rig_run(c->rig);
    }
    rig_run(c->rig);
    client_say(c, "EXEC");
    assert_in_range(c->len, 9 * count + 1, SIZE_MAX);
    return c->rx + 9 * count;
}

static void test_info_in_transactions(void **state)
{
    struct rig rig = {.config = {.memory = 8 << 20}};
    (void)state;
    rig_open(&rig);
    struct client *c = client_new(&rig);
    assert_string_equal(infos(c, 3000), "-OOM the transaction makes and shows values that there is "
                        "no memory for: nothing was changed\r\n");
    client_expect(c, c->rx);
    const char *at = infos(c, 500);
    assert_memory_equal(at, "*500\r\n$", 7);
    for (unsigned i = 0; i < 500; i++) {
        at = strstr(at, "# Server\r\n");
        assert_non_null(at);
        at++;
    }
    assert_null(strstr(at, "# Server\r\n"));
    client_expect(c, c->rx);
    rig_close(&rig);
}

/* Deaf clients have all of it: what is long has no answer, what is short has. */
static void test_command_needs_room(void **state)
{
    struct rig rig = {.config = {.memory = 8 << 20}, .tcp = {.segment = 16384, .queue = 16384}};
    static char line[16000] = "COMMAND INFO";
    (void)state;
    rig_open(&rig);
    struct client *c = client_new(&rig);
    for (unsigned i = 0; i < 3500; i++)
        strcat(line, " get");
    strcat(line, "\r\n");
    client_send(c, line, strlen(line));
    rig_run(&rig);
    assert_in_range(c->len, 100000, 1 << 20);
    client_expect(c, c->rx);
    for (char key = 'a'; key < 'e'; key++) {
        client_set(c, (char[]){key, '\0'}, 1 << 20);
        client_expect(c, "+OK\r\n");
        struct client *deaf = client_new(&rig);
        deaf->deaf = true;
        client_words(deaf, (char[]){'G', 'E', 'T', ' ', key, '\0'});
    }
    client_send(c, line, strlen(line));
    rig_run(&rig);
    client_expect(c, "-OOM the answer needs more memory than there is for it\r\n");
    client_words(c, "COMMAND");
    assert_in_range(c->len, 2000, 16384);
    rig_close(&rig);
}

#define CASE(name) cmocka_unit_test(test_##name)
static const struct CMUnitTest cases[] = {
    CASE(info_in_transactions), CASE(command_needs_room), {0},
};

int main(void)
{
    const struct CMUnitTest *const files[] = {cases};
    return test_run_group("kvd-text", files, 1);
}
