/* SPDX-License-Identifier: ISC */
/* apps/kvd/kvd_set.c - SET with its options, and the older commands that are one of them: SETEX,
 * PSETEX, GETSET. */
#include "kvd_int.h"

struct set_how {
    bool nx, xx, get, keep;
    uint64_t expiry_ms;
};

static const char set_syntax[] = "ERR syntax error";

bool kvd_parse_expiry(struct kvd *kvd, struct kvd_bytes word, unsigned unit, bool absolute,
                      int64_t *expiry_ms)
{
    int64_t time, now = absolute ? 0 : (int64_t)kvd_wall_ms(kvd);
    if (!kvd_parse_integer(word, &time) || time > INT64_MAX / unit || time < INT64_MIN / unit)
        return false;
    time *= unit;
    if (time > INT64_MAX - now)
        return false;
    *expiry_ms = time + now;
    return true;
}

/* A time of SET: what follows the option. False: the command has failed. */
static bool set_expiry(struct kvd *kvd, struct kvd_cmd *cmd, unsigned at, unsigned unit,
                       bool absolute, struct set_how *how)
{
    int64_t number, expiry_ms;
    if (at >= cmd->args.count || how->expiry_ms > 0 || how->keep) {
        kvd_fail(cmd, set_syntax);
        return false;
    }
    if (!kvd_parse_integer(kvd_arg(cmd, at), &number)) {
        kvd_fail(cmd, "ERR value is not an integer or out of range");
        return false;
    }
    if (number <= 0 || !kvd_parse_expiry(kvd, kvd_arg(cmd, at), unit, absolute, &expiry_ms)) {
        kvd_fail_fmt(cmd, "ERR invalid expire time in '%s' command", cmd->op->name);
        return false;
    }
    how->expiry_ms = (uint64_t)expiry_ms;
    return true;
}

static bool set_options(struct kvd *kvd, struct kvd_cmd *cmd, struct set_how *how)
{
    static const struct { const char *word; unsigned unit; bool absolute; } times[] = {
        {"ex", 1000, false}, {"px", 1, false}, {"exat", 1000, true}, {"pxat", 1, true}};
    for (unsigned i = 3; i < cmd->args.count; i++) {
        struct kvd_bytes word = kvd_arg(cmd, i);
        unsigned t = 0;
        while (t < RUNG_ARRAY_LEN(times) && !kvd_word_is(word, times[t].word))
            t++;
        if (t < RUNG_ARRAY_LEN(times)) {
            if (!set_expiry(kvd, cmd, ++i, times[t].unit, times[t].absolute, how))
                return false;
        } else if (kvd_word_is(word, "nx") && !how->xx) {
            how->nx = true;
        } else if (kvd_word_is(word, "xx") && !how->nx) {
            how->xx = true;
        } else if (kvd_word_is(word, "get")) {
            how->get = true;
        } else if (kvd_word_is(word, "keepttl") && how->expiry_ms == 0) {
            how->keep = true;
        } else {
            kvd_fail(cmd, set_syntax);
            return false;
        }
    }
    return true;
}

static void set_do(struct kvd *kvd, struct kvd_cmd *cmd, struct kvd_bytes value,
                   const struct set_how *how)
{
    struct kvd_key *key = kvd_key_of(cmd, 0);
    bool look = how->nx || how->xx || how->get || how->keep;
    bool there = look && kvd_exists(kvd, key);
    bool set = !(how->nx && there) && !(how->xx && !there);
    if (how->get && there)
        kvd_bulk(cmd, key->value);
    else if (how->get || !set)
        kvd_nil(cmd);
    else
        kvd_ok(cmd);
    if (set)
        kvd_set(kvd, key, value, how->keep && there ? key->expiry_ms : how->expiry_ms);
}

void kvd_cmd_set(struct kvd *kvd, struct kvd_cmd *cmd)
{
    struct set_how how = {0};
    const char *name = cmd->op->name;
    if (cmd->op->arity < 0) {
        if (cmd->args.count > 3 && !set_options(kvd, cmd, &how))
            return;
        set_do(kvd, cmd, kvd_arg(cmd, 2), &how);
    } else if (name[0] == 'g') { /* GETSET */
        how.get = true;
        set_do(kvd, cmd, kvd_arg(cmd, 2), &how);
    } else if (set_expiry(kvd, cmd, 2, name[0] == 'p' ? 1 : 1000, false, &how)) {
        set_do(kvd, cmd, kvd_arg(cmd, 3), &how);
    }
}
