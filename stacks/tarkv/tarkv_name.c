/* SPDX-License-Identifier: ISC */
/* stacks/tarkv/tarkv_name.c - see tarkv_name.h. */
#include "tarkv_name.h"

#include <string.h>

static bool name_up(struct rung_tarkv_key *key)
{
    if (!key->len)
        return false;
    while (key->len && key->bytes[--key->len] != '/')
        ;
    return true;
}

static bool name_down(struct rung_tarkv_key *key, const char *part, size_t len)
{
    size_t slash = key->len ? 1 : 0;
    if (len > 255 || key->len + slash + len > sizeof(key->bytes))
        return false;
    if (slash)
        key->bytes[key->len++] = '/';
    memcpy(key->bytes + key->len, part, len);
    key->len += len;
    return true;
}

enum rung_tarkv_naming rung_tarkv_walk(struct rung_tarkv_key *key, const char *name, size_t len,
                                       bool dots)
{
    enum rung_tarkv_naming naming = TARKV_NAMED;
    if (len && name[0] == '/')
        return TARKV_OUTSIDE;
    for (size_t at = 0, n; at < len; at += n + 1) {
        const char *part = name + at, *slash = memchr(part, '/', len - at);
        n = slash ? (size_t)(slash - part) : len - at;
        if (n == 0 || (n == 1 && part[0] == '.'))
            continue;
        if (n == 2 && part[0] == '.' && part[1] == '.') {
            if (!dots || !name_up(key))
                return TARKV_OUTSIDE;
            continue;
        }
        if (n >= 6 && memcmp(part, ".rung-", 6) == 0)
            naming = TARKV_HIDDEN;
        if (!name_down(key, part, n))
            return TARKV_TOO_LONG;
    }
    return naming;
}
