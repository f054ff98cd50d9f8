/* SPDX-License-Identifier: ISC */
/* test/kvd/kvd_model_test.c - commands of chance from several clients at once, in pieces of chance,
 * on a store that refuses some writes, against a model in memory; and every allocation failing
 * once. Each client has keys of its own, so that its answers are known; they share one counter. */
#include "kvd_rig.h"
#include "test_platform.h"

enum { CLIENTS = 6, KEYS = 4, TEXT = 1 << 16 };

struct model {
    char value[KEYS][256];
    bool there[KEYS];
    unsigned id;
    uint64_t *chance;
    unsigned refused;
};

struct step {
    char say[512];
    char answer[1400];
    struct model after; /* if it was not refused */
    bool writes;
};

static size_t bulk(char *to, const struct model *m, unsigned k)
{
    if (!m->there[k])
        return (size_t)sprintf(to, "$-1\r\n");
    return (size_t)sprintf(to, "$%zu\r\n%s\r\n", strlen(m->value[k]), m->value[k]);
}

static void set(struct model *m, unsigned k, const char *value)
{
    snprintf(m->value[k], sizeof m->value[k], "%s", value);
    m->there[k] = true;
}

static void step_append(struct step *s, struct model *m, unsigned k, unsigned r)
{
    char value[256];
    snprintf(value, sizeof value, "%.200s%u", m->there[k] ? m->value[k] : "", r);
    sprintf(s->say, "APPEND k%u-%u %u", m->id, k, r);
    if (m->there[k] && strlen(m->value[k]) > 190) {
        sprintf(s->say, "DEL k%u-%u", m->id, k);
        sprintf(s->answer, ":1\r\n");
        m->there[k] = false;
        return;
    }
    set(m, k, value);
    sprintf(s->answer, ":%zu\r\n", strlen(value));
}

/* A transaction is said in one step: its QUEUED are part of the answer. */
static void step_exec(struct step *s, struct model *m, unsigned k, unsigned j, unsigned r)
{
    char text[32];
    sprintf(s->say, "MULTI\r\nSET k%u-%u %u\r\nGET k%u-%u\r\nSET k%u-%u x%u\r\nEXEC", m->id, k, r,
            m->id, j, m->id, j, r);
    sprintf(text, "%u", r);
    set(m, k, text);
    size_t n = (size_t)sprintf(s->answer, "+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n*3\r\n+OK\r\n");
    n += bulk(s->answer + n, m, j);
    sprintf(s->answer + n, "+OK\r\n");
    sprintf(text, "x%u", r);
    set(m, j, text);
}

static void step_make(struct step *s, const struct model *before)
{
    struct model *m = &s->after;
    *m = *before;
    unsigned k = test_chance(m->chance, KEYS), j = test_chance(m->chance, KEYS);
    unsigned r = test_chance(m->chance, 1000);
    char text[32];
    size_t n;
    s->writes = true;
    sprintf(text, "%u", r);
    switch (test_chance(m->chance, 9)) {
    case 0:
        sprintf(s->say, "SET k%u-%u %u", m->id, k, r);
        sprintf(s->answer, "+OK\r\n");
        set(m, k, text);
        break;
    case 1:
        step_append(s, m, k, r);
        break;
    case 2:
        sprintf(s->say, "DEL k%u-%u", m->id, k);
        sprintf(s->answer, ":%d\r\n", m->there[k]);
        s->writes = m->there[k];
        m->there[k] = false;
        break;
    case 3:
        sprintf(s->say, "SETNX k%u-%u %u", m->id, k, r);
        sprintf(s->answer, ":%d\r\n", !m->there[k]);
        s->writes = !m->there[k];
        if (!m->there[k])
            set(m, k, text);
        break;
    case 4:
        sprintf(s->say, "SET k%u-%u %u GET", m->id, k, r);
        bulk(s->answer, m, k);
        set(m, k, text);
        break;
    case 5:
        step_exec(s, m, k, j, r);
        break;
    case 6:
        sprintf(s->say, "MSET k%u-%u %u k%u-%u %u", m->id, k, r + 1, m->id, j, r);
        sprintf(s->answer, "+OK\r\n");
        sprintf(text, "%u", r + 1);
        set(m, k, text);
        sprintf(text, "%u", r);
        set(m, j, text);
        break;
    case 7:
        sprintf(s->say, "MGET k%u-%u k%u-%u", m->id, k, m->id, j);
        n = (size_t)sprintf(s->answer, "*2\r\n");
        n += bulk(s->answer + n, m, k);
        bulk(s->answer + n, m, j);
        s->writes = false;
        break;
    default:
        sprintf(s->say, "GET k%u-%u", m->id, k);
        bulk(s->answer, m, k);
        s->writes = false;
    }
}

/* Whether the text begins with the answer of a refused step; gives its length. */
static size_t refused(const struct step *s, const char *at)
{
    static const char queued[] = "+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n";
    size_t n = strncmp(s->say, "MULTI", 5) == 0 ? sizeof queued - 1 : 0;
    if (!s->writes || strncmp(at, queued, n) != 0
        || strncmp(at + n, RIG_FULL, sizeof RIG_FULL - 1) != 0)
        return 0;
    return n + sizeof RIG_FULL - 1;
}

/* The commands are made as they are said, on the model as it is if nothing is refused; so a round
 * stops before the first command whose answer depends on whether another was refused. */
static void round_of(struct rig *rig, struct client *c[], struct model m[])
{
    static struct step steps[CLIENTS];
    for (unsigned i = 0; i < CLIENTS; i++) {
        char line[600];
        step_make(&steps[i], &m[i]);
        int n = snprintf(line, sizeof line, "%s\r\n", steps[i].say);
        client_send(c[i], line, (size_t)n);
    }
    rig_run(rig);
    for (unsigned i = 0; i < CLIENTS; i++) {
        if (strcmp(c[i]->rx, steps[i].answer) == 0) {
            m[i] = steps[i].after;
        } else if (refused(&steps[i], c[i]->rx) == c[i]->len && c[i]->len > 0) {
            m[i].refused++;
        } else {
            fail_msg("'%s': wanted '%s', got '%s'", steps[i].say, steps[i].answer, c[i]->rx);
        }
        c[i]->len = 0;
        c[i]->rx[0] = '\0';
    }
}

static void test_rounds(void **state)
{
    struct rig rig = {0};
    struct client *c[CLIENTS];
    struct model m[CLIENTS] = {0};
    uint64_t chance = test_seed() | 1;
    unsigned all_refused = 0;
    (void)state;
    rig_open(&rig);
    rig.gate.refuse = RUNG_E_FULL;
    rig.gate.refuse_chance = 4;
    for (unsigned i = 0; i < CLIENTS; i++) {
        c[i] = client_new(&rig);
        m[i].id = i;
        m[i].chance = &chance;
    }
    for (unsigned k = 0; k < 3000; k++)
        round_of(&rig, c, m);
    for (unsigned i = 0; i < CLIENTS; i++)
        all_refused += m[i].refused;
    assert_in_range(all_refused, 100, 3000 * CLIENTS);
    rig_close(&rig);
}

/* Long pipelines from all at once; nothing is refused, so that every answer is known. */
static void test_pipelines(void **state)
{
    static char say[CLIENTS][TEXT], answer[CLIENTS][TEXT * 4];
    struct rig rig = {0};
    struct client *c[CLIENTS];
    uint64_t chance = test_seed() | 1;
    (void)state;
    rig_open(&rig);
    for (unsigned i = 0; i < CLIENTS; i++) {
        static struct step s;
        struct model m = {.id = i, .chance = &chance};
        size_t said = 0, answered = 0;
        c[i] = client_new(&rig);
        for (unsigned k = 0; k < 400; k++) {
            step_make(&s, &m);
            m = s.after;
            said += (size_t)sprintf(say[i] + said, "%s\r\n", s.say);
            answered += (size_t)sprintf(answer[i] + answered, "%s", s.answer);
        }
    }
    for (unsigned i = 0; i < CLIENTS; i++)
        client_send(c[i], say[i], strlen(say[i]));
    rig_run(&rig);
    for (unsigned i = 0; i < CLIENTS; i++)
        client_expect(c[i], answer[i]);
    assert_in_range(rig.gate.writes, 1, 2400);
    rig_close(&rig);
}

/* The n-th allocation fails, for every n: an error or a reset, and then all is well again. */
static void test_no_memory(void **state)
{
    static const char say[] = "SET a 1\r\nMGET a b c\r\nAPPEND a 2\r\nMULTI\r\nINCR n\r\n"
                              "SET m 1 EX 10\r\nEXEC\r\nKEYS *\r\nSCAN 0 COUNT 1\r\nINFO\r\n"
                              "DEL a b c\r\nCLIENT SETNAME me\r\nHELLO 3\r\nFLUSHDB\r\nNONE\r\n"
                              "*3\r\n$3\r\nSET\r\n$1\r\nv\r\n$20000\r\n";
    static char value[20002];
    (void)state;
    memset(value, 'v', sizeof value);
    memcpy(value + 20000, "\r\n", 2);
    for (long n = 1; n < 200; n++) {
        struct rig rig = {.tcp = {.segment = 700}};
        rig_open(&rig);
        struct client *c = client_new(&rig);
        test_heap_fail_after(rig.p, n);
        client_send(c, say, sizeof say - 1);
        client_send(c, value, sizeof value);
        client_send(c, "GET v\r\n", 7);
        rig_run(&rig);
        test_heap_fail_after(rig.p, 0);
        c = client_new(&rig);
        client_ask(c, "SET x 1", "+OK\r\n");
        client_ask(c, "GET x", "$1\r\n1\r\n");
        rig_close(&rig);
    }
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(test_rounds), cmocka_unit_test(test_pipelines),
    cmocka_unit_test(test_no_memory), {0},
};

int main(void)
{
    const struct CMUnitTest *const files[] = {cases};
    return test_run_group("kvd-model", files, 1);
}
