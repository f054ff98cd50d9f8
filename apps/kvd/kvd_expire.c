/* SPDX-License-Identifier: ISC */
/* apps/kvd/kvd_expire.c - the commands on expiry. */
#include "kvd_int.h"

/* NX, XX, GT and LT: whether the options let the new time through. False and *good false: they are
 * no options. */
static bool expire_lets(const struct kvd_cmd *cmd, const struct kvd_key *key, int64_t expiry_ms,
                        bool *good)
{
    bool nx = false, xx = false, gt = false, lt = false;
    for (unsigned i = 3; i < cmd->args.count; i++) {
        struct kvd_bytes word = kvd_arg(cmd, i);
        bool *which = kvd_word_is(word, "nx")   ? &nx
                      : kvd_word_is(word, "xx") ? &xx
                      : kvd_word_is(word, "gt") ? &gt
                      : kvd_word_is(word, "lt") ? &lt
                                                : NULL;
        if (which == NULL) {
            *good = false;
            return false;
        }
        *which = true;
    }
    *good = !(nx && (xx || gt || lt)) && !(gt && lt);
    int64_t had = key->expiry_ms > 0 ? (int64_t)key->expiry_ms : INT64_MAX; /* never is late */
    return *good && !(nx && key->expiry_ms > 0) && !(xx && key->expiry_ms == 0)
           && !(gt && expiry_ms <= had) && !(lt && expiry_ms >= had);
}

void kvd_cmd_expire(struct kvd *kvd, struct kvd_cmd *cmd)
{
    struct kvd_key *key = kvd_key_of(cmd, 0);
    const char *name = cmd->op->name;
    bool good, absolute = name[strlen(name) - 1] == 't', there = kvd_exists(kvd, key);
    int64_t expiry_ms, number;
    if (!kvd_parse_integer(kvd_arg(cmd, 2), &number)) {
        kvd_fail(cmd, "ERR value is not an integer or out of range");
        return;
    }
    if (!kvd_parse_expiry(kvd, kvd_arg(cmd, 2), name[0] == 'p' ? 1 : 1000, absolute, &expiry_ms)) {
        kvd_fail_fmt(cmd, "ERR invalid expire time in '%s' command", name);
        return;
    }
    bool lets = expire_lets(cmd, key, expiry_ms, &good);
    if (!good) {
        kvd_fail(cmd, "ERR unsupported option, or options that contradict each other");
        return;
    }
    if (there && lets && expiry_ms <= (int64_t)kvd_wall_ms(kvd))
        kvd_remove(kvd, key);
    else if (there && lets)
        kvd_set(kvd, key, key->value, (uint64_t)expiry_ms);
    kvd_integer(cmd, there && lets);
}

void kvd_cmd_persist(struct kvd *kvd, struct kvd_cmd *cmd)
{
    struct kvd_key *key = kvd_key_of(cmd, 0);
    bool expires = kvd_exists(kvd, key) && key->expiry_ms > 0;
    if (expires)
        kvd_set(kvd, key, key->value, 0);
    kvd_integer(cmd, expires);
}

void kvd_cmd_ttl(struct kvd *kvd, struct kvd_cmd *cmd)
{
    struct kvd_key *key = kvd_key_of(cmd, 0);
    const char *name = cmd->op->name;
    bool absolute = strstr(name, "expiretime") != NULL, ms = name[0] == 'p';
    if (!kvd_exists(kvd, key)) {
        kvd_integer(cmd, -2);
    } else if (key->expiry_ms == 0) {
        kvd_integer(cmd, -1);
    } else {
        int64_t left = (int64_t)key->expiry_ms - (absolute ? 0 : (int64_t)kvd_wall_ms(kvd));
        kvd_integer(cmd, ms ? left : left / 1000 + (!absolute && left % 1000 >= 500));
    }
}
