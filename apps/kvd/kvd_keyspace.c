/* SPDX-License-Identifier: ISC */
/* apps/kvd/kvd_keyspace.c - the commands over all keys, but for FLUSHDB. They are alone on their
 * connection while they are at work, and no more at one moment than the store's list is: what
 * others write meanwhile may be in it or not. A scan's cursor is a number by which the key is
 * remembered that it has come to: the last KVD_CURSORS of them are. A reply that gets long waits
 * for its turn, and goes on behind the last key that it has seen: one grows at a time, begun while
 * there is memory. So does one whose pattern takes long, after so many steps of matching. */
#include <inttypes.h>
#include <stdio.h>

#include "kvd_int.h"

enum { SPACE_HEAD = 96, SPACE_COUNT = 10, SPACE_COUNT_MAX = 1 << 20,
       SPACE_STEPS = 1 << 17 /* of matching, before others have their turn */,
       SPACE_BULK = 16 /* around a key */ };

struct kvd_space {
    struct rung_kv_list list;
    struct kvd *kvd;
    struct kvd_cmd *cmd;
    struct kvd_bytes pattern; /* of the command's words; at NULL: every key */
    struct kvd_text text;     /* the keys found, behind room for what stands before them */
    uint64_t found, seen, count;
    uint64_t steps;           /* of matching, at this turn */
    struct kvd_space *next;   /* of kvd->spaces */
    bool paused;              /* for its turn: the last key that was given is not taken */
    bool none;                /* a scan asks for a type that no value has */
    uint64_t cursor;          /* to go on from; 0: from the first key */
    size_t last_len;
    char last[RUNG_KV_KEY_MAX]; /* seen */
};

static void space_end(struct kvd_space *s)
{
    struct kvd *kvd = s->kvd;
    struct kvd_cmd *cmd = s->cmd;
    kvd_text_drop(&s->text);
    if (kvd->growing == s)
        kvd->growing = NULL;
    rung_free(kvd->p, s);
    kvd->lists--;
    kvd_cmd_done(cmd);
    kvd_memory_back(kvd);
    kvd_stop_check(kvd);
}

static struct kvd_space *space_new(struct kvd *kvd, struct kvd_cmd *cmd,
                               bool (*each)(struct rung_kv_list *, const char *, size_t, uint64_t),
                               void (*done)(struct rung_op *op, int result))
{
    struct kvd_space *s = rung_zalloc(kvd->p, 1, sizeof *s);
    if (s == NULL) {
        kvd_fail_result(cmd, RUNG_E_NOMEM);
        kvd_cmd_done(cmd);
        return NULL;
    }
    s->kvd = kvd;
    s->cmd = cmd;
    s->list.each = each;
    s->list.op.done = done;
    s->list.prefix = "";
    kvd_text_init(&s->text, &kvd->m, (size_t)kvd->m.reply_max / 2);
    kvd->lists++;
    return s;
}

static struct kvd_space *space_of(struct rung_op *op)
{
    struct rung_kv_list *list = rung_container_of(op, struct rung_kv_list, op);
    return rung_container_of(list, struct kvd_space, list);
}

static bool space_matches(struct kvd_space *s, const char *key, size_t len)
{
    struct kvd_bytes name = {(const uint8_t *)key, len, NULL};
    return s->pattern.at == NULL || kvd_glob(s->pattern, name, &s->steps);
}

/* NULL, or what is wrong: every key may take the product of its length and the pattern's, and
 * meanwhile nobody else is served. */
static const char *space_match(struct kvd_space *s, struct kvd_bytes pattern)
{
    if (pattern.len > KVD_PATTERN)
        return "ERR a pattern is of at most 4096 bytes here";
    s->pattern = pattern;
    s->list.prefix = (const char *)pattern.at;
    s->list.prefix_len = kvd_glob_literal(pattern);
    return NULL;
}

/* The reply: what stands before the keys, written close to them. */
static void space_reply(struct kvd_space *s, const char *head)
{
    struct kvd_cmd *cmd = s->cmd;
    size_t len = strlen(head);
    kvd_text_reply(&s->text, cmd);
    if (cmd->reply.kind != KVD_RAW)
        return;
    uint8_t *at = kvd_hold_bytes(cmd->reply.bytes.hold) + SPACE_HEAD - len;
    memcpy(at, head, len);
    cmd->reply.bytes.at = at;
    cmd->reply.bytes.len -= SPACE_HEAD - len;
}

static void space_text_start(struct kvd_space *s)
{
    static const char room[SPACE_HEAD];
    kvd_text_add(&s->text, room, sizeof room);
}

/* Whether the text may have so many bytes more. */
static bool space_grows(struct kvd_space *s, size_t more)
{
    struct kvd *kvd = s->kvd;
    if (kvd->growing == s || s->text.len + more <= KVD_SMALL)
        return true;
    s->paused = kvd->growing != NULL || kvd->spaces != NULL || kvd_reply_full(&kvd->m);
    if (!s->paused)
        kvd->growing = s;
    return !s->paused;
}

/* Walks on behind the last key seen. */
static void space_list(struct kvd_space *s)
{
    s->paused = false;
    s->steps = 0;
    if (s->last_len > 0) {
        s->list.after = s->last;
        s->list.after_len = s->last_len;
    }
    rung_kv_list(s->kvd->kv, &s->list);
}

static void space_wait(struct kvd_space *s)
{
    struct kvd *kvd = s->kvd;
    s->next = NULL;
    *kvd->spaces_end = s;
    kvd->spaces_end = &s->next;
    kvd_memory_back(kvd);
}

/* If one key alone may take all steps of a turn, there is one such walk at a time. */
static void space_start(struct kvd_space *s)
{
    space_text_start(s);
    if (s->pattern.len > SPACE_STEPS / RUNG_KV_KEY_MAX)
        space_wait(s);
    else
        space_list(s);
}

/* The walk has ended. False: not for good, it waits for its turn. */
static bool space_walked(struct kvd_space *s, int result)
{
    struct kvd *kvd = s->kvd;
    if (!s->paused || result < 0)
        return true;
    if (kvd->growing == s && s->text.len > KVD_SMALL) {
        space_list(s); /* no other may grow meanwhile */
        return false;
    }
    if (kvd->growing == s)
        kvd->growing = NULL;
    space_wait(s);
    return false;
}

static struct kvd_space *space_next(struct kvd *kvd)
{
    struct kvd_space *s = kvd->spaces;
    kvd->spaces = s->next;
    if (kvd->spaces == NULL)
        kvd->spaces_end = &kvd->spaces;
    return s;
}

void kvd_spaces_feed(struct kvd *kvd)
{
    while (kvd->spaces != NULL && kvd->spaces->cmd->conn == NULL)
        space_end(space_next(kvd)); /* nobody waits for it any more */
    if (kvd->spaces == NULL || kvd->growing != NULL || kvd_reply_full(&kvd->m))
        return;
    kvd->growing = space_next(kvd);
    space_list(kvd->growing);
}

static bool keys_each(struct rung_kv_list *list, const char *key, size_t len, uint64_t size)
{
    struct kvd_space *s = rung_container_of(list, struct kvd_space, list);
    (void)size;
    s->paused = s->steps >= SPACE_STEPS;
    if (s->paused)
        return false;
    if (space_matches(s, key, len)) {
        if (!space_grows(s, len + SPACE_BULK))
            return false;
        kvd_text_bulk(&s->text, key, len);
        s->found++;
    }
    memcpy(s->last, key, len);
    s->last_len = len;
    return !s->text.failed && s->cmd->conn != NULL; /* nobody waits for it any more */
}

static void keys_done(struct rung_op *op, int result)
{
    struct kvd_space *s = space_of(op);
    char head[32];
    if (!space_walked(s, result))
        return;
    snprintf(head, sizeof head, "*%" PRIu64 "\r\n", s->found);
    if (result < 0)
        kvd_fail_result(s->cmd, result);
    else
        space_reply(s, head);
    space_end(s);
}

void kvd_cmd_keys(struct kvd *kvd, struct kvd_cmd *cmd)
{
    struct kvd_space *s = space_new(kvd, cmd, keys_each, keys_done);
    if (s == NULL)
        return;
    const char *wrong = space_match(s, kvd_arg(cmd, 1));
    if (wrong != NULL) {
        kvd_fail(cmd, wrong);
        space_end(s);
        return;
    }
    space_start(s);
}

static bool scan_each(struct rung_kv_list *list, const char *key, size_t len, uint64_t size)
{
    struct kvd_space *s = rung_container_of(list, struct kvd_space, list);
    return keys_each(list, key, len, size) && ++s->seen < s->count;
}

static void scan_done(struct rung_op *op, int result)
{
    struct kvd_space *s = space_of(op);
    struct kvd *kvd = s->kvd;
    uint64_t number = 0;
    char head[SPACE_HEAD], cursor[24];
    if (!space_walked(s, result))
        return;
    if (result >= 0 && s->list.more) {
        number = ++kvd->cursor_count;
        struct kvd_cursor *kept = &kvd->cursors[number % KVD_CURSORS];
        kept->number = number;
        kept->len = s->last_len;
        memcpy(kept->key, s->last, s->last_len);
    }
    int len = snprintf(cursor, sizeof cursor, "%" PRIu64, number);
    snprintf(head, sizeof head, "*2\r\n$%d\r\n%s\r\n*%" PRIu64 "\r\n", len, cursor, s->found);
    if (result < 0)
        kvd_fail_result(s->cmd, result);
    else
        space_reply(s, head);
    space_end(s);
}

/* MATCH, COUNT and TYPE. NULL, or what is wrong. */
static const char *scan_options(struct kvd_space *s)
{
    const struct kvd_cmd *cmd = s->cmd;
    int64_t number;
    for (unsigned i = 2; i < cmd->args.count; i += 2) {
        struct kvd_bytes word = kvd_arg(cmd, i);
        if (i + 1 == cmd->args.count)
            return "ERR syntax error";
        struct kvd_bytes value = kvd_arg(cmd, i + 1);
        if (kvd_word_is(word, "match")) {
            const char *wrong = space_match(s, value);
            if (wrong != NULL)
                return wrong;
        } else if (kvd_word_is(word, "count")) {
            if (!kvd_parse_integer(value, &number) || number < 1)
                return "ERR value is not an integer or out of range";
            s->count = number < SPACE_COUNT_MAX ? (uint64_t)number : SPACE_COUNT_MAX;
        } else if (kvd_word_is(word, "type")) {
            s->none = !kvd_word_is(value, "string"); /* there are no others */
        } else {
            return "ERR syntax error";
        }
    }
    return NULL;
}

/* Where to go on. NULL, or what is wrong. */
static const char *scan_cursor(struct kvd_space *s)
{
    struct kvd *kvd = s->kvd;
    int64_t number;
    if (!kvd_parse_integer(kvd_arg(s->cmd, 1), &number) || number < 0)
        return "ERR invalid cursor";
    if (number == 0)
        return NULL;
    const struct kvd_cursor *kept = &kvd->cursors[(uint64_t)number % KVD_CURSORS];
    if (kept->number != (uint64_t)number)
        return "ERR unknown cursor: it is too old, or was never given out; begin with 0";
    memcpy(s->last, kept->key, kept->len);
    s->last_len = kept->len;
    return NULL;
}

void kvd_cmd_scan(struct kvd *kvd, struct kvd_cmd *cmd)
{
    struct kvd_space *s = space_new(kvd, cmd, scan_each, scan_done);
    if (s == NULL)
        return;
    s->count = SPACE_COUNT;
    const char *wrong = scan_options(s);
    if (wrong == NULL)
        wrong = scan_cursor(s);
    if (wrong != NULL) {
        kvd_fail(cmd, wrong);
        space_end(s);
        return;
    }
    if (s->none) {
        space_text_start(s);
        space_reply(s, "*2\r\n$1\r\n0\r\n*0\r\n");
        space_end(s);
        return;
    }
    space_start(s);
}

static bool dbsize_each(struct rung_kv_list *list, const char *key, size_t len, uint64_t size)
{
    struct kvd_space *s = rung_container_of(list, struct kvd_space, list);
    (void)key, (void)len, (void)size;
    s->found++;
    return s->cmd->conn != NULL;
}

static void dbsize_done(struct rung_op *op, int result)
{
    struct kvd_space *s = space_of(op);
    if (result < 0)
        kvd_fail_result(s->cmd, result);
    else
        kvd_integer(s->cmd, (int64_t)s->found);
    space_end(s);
}

void kvd_cmd_dbsize(struct kvd *kvd, struct kvd_cmd *cmd)
{
    struct kvd_space *s = space_new(kvd, cmd, dbsize_each, dbsize_done);
    if (s != NULL)
        rung_kv_list(kvd->kv, &s->list);
}
