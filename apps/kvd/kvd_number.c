/* SPDX-License-Identifier: ISC */
/* apps/kvd/kvd_number.c - whole numbers, and the commands that count; words of either case. */
#include <inttypes.h>
#include <stdio.h>

#include "kvd_int.h"

static const char number_wrong[] = "ERR value is not an integer or out of range";

/* As Redis reads them: digits, perhaps with a minus; no plus, no zero in front, no blanks. */
bool kvd_parse_integer(struct kvd_bytes word, int64_t *number)
{
    bool minus = word.len > 0 && word.at[0] == '-';
    size_t i = minus;
    uint64_t n = 0, most = minus ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
    if (word.len - i < 1 || word.len - i > 19 || (word.at[i] == '0' && word.len > 1))
        return false;
    for (; i < word.len; i++) {
        unsigned digit = (unsigned)word.at[i] - '0';
        if (digit > 9 || n > (most - digit) / 10)
            return false;
        n = n * 10 + digit;
    }
    *number = minus ? (int64_t)(0 - n) : (int64_t)n;
    return true;
}

bool kvd_word_is(struct kvd_bytes word, const char *lower)
{
    for (size_t i = 0; i < word.len; i++) {
        uint8_t c = word.at[i];
        if (c >= 'A' && c <= 'Z')
            c |= 0x20;
        if (lower[i] == '\0' || c != (uint8_t)lower[i])
            return false;
    }
    return lower[word.len] == '\0';
}

static void number_add(struct kvd *kvd, struct kvd_cmd *cmd, int64_t by)
{
    struct kvd_key *key = kvd_key_of(cmd, 0);
    bool there = kvd_exists(kvd, key);
    int64_t number = 0;
    char text[24];
    if (there && !kvd_parse_integer(key->value, &number)) {
        kvd_fail(cmd, number_wrong);
        return;
    }
    if (by > 0 ? number > INT64_MAX - by : number < INT64_MIN - by) {
        kvd_fail(cmd, "ERR increment or decrement would overflow");
        return;
    }
    size_t len = (size_t)snprintf(text, sizeof text, "%" PRId64, number + by);
    struct kvd_hold *hold = kvd_hold_own(&kvd->m, len);
    if (hold == NULL) {
        kvd_fail_result(cmd, RUNG_E_NOMEM);
        return;
    }
    memcpy(kvd_hold_bytes(hold), text, len);
    kvd_hold_charge(&kvd->m, hold, len);
    kvd_set_new(kvd, key, hold, len, there ? key->expiry_ms : 0);
    kvd_integer(cmd, number + by);
}

void kvd_cmd_incr(struct kvd *kvd, struct kvd_cmd *cmd)
{
    number_add(kvd, cmd, 1);
}

void kvd_cmd_decr(struct kvd *kvd, struct kvd_cmd *cmd)
{
    number_add(kvd, cmd, -1);
}

void kvd_cmd_incrby(struct kvd *kvd, struct kvd_cmd *cmd)
{
    int64_t by;
    if (kvd_parse_integer(kvd_arg(cmd, 2), &by))
        number_add(kvd, cmd, by);
    else
        kvd_fail(cmd, number_wrong);
}

void kvd_cmd_decrby(struct kvd *kvd, struct kvd_cmd *cmd)
{
    int64_t by;
    if (!kvd_parse_integer(kvd_arg(cmd, 2), &by))
        kvd_fail(cmd, number_wrong);
    else if (by == INT64_MIN)
        kvd_fail(cmd, "ERR decrement would overflow");
    else
        number_add(kvd, cmd, -by);
}
