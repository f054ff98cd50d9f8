/* SPDX-License-Identifier: ISC */
/* apps/kvd/kvd_args.c - the arguments of a command, and inline commands; see kvd_parse.h. */
#include "kvd_parse.h"

#include <string.h>

void kvd_args_init(struct kvd_args *args)
{
    args->arg = args->few;
    args->count = 0;
    args->room = KVD_FEW;
    args->bytes = args->own = args->granted = 0;
}

bool kvd_args_add(struct kvd_memory *m, struct kvd_args *args, struct kvd_bytes arg)
{
    if (args->count == args->room) {
        size_t old = args->room * sizeof arg;
        struct kvd_bytes *block = rung_alloc(m->p, 2 * old);
        if (block == NULL)
            return false;
        memcpy(block, args->arg, old);
        if (args->arg != args->few) {
            rung_free(m->p, args->arg);
            args->own -= old;
        }
        args->arg = block;
        args->room *= 2;
        args->own += 2 * old;
    }
    args->arg[args->count++] = arg;
    args->bytes += arg.len;
    return true;
}

size_t kvd_args_in(const struct kvd_args *args, const struct kvd_hold *hold)
{
    size_t bytes = 0;
    for (unsigned i = 0; i < args->count; i++)
        bytes += args->arg[i].hold == hold ? args->arg[i].len : 0;
    return bytes;
}

bool kvd_args_keep(struct kvd_memory *m, struct kvd_args *args, struct kvd_hold *hold)
{
    size_t bytes = kvd_args_in(args, hold);
    struct kvd_hold *own = bytes > 0 ? kvd_hold_own(m, bytes) : NULL;
    if (own == NULL)
        return bytes == 0;
    uint8_t *to = kvd_hold_bytes(own);
    for (unsigned i = 0; i < args->count; i++) {
        struct kvd_bytes *arg = &args->arg[i];
        if (arg->hold != hold)
            continue;
        memcpy(to, arg->at, arg->len);
        arg->at = to;
        to += arg->len;
        arg->hold = own;
        own->refs++;
        kvd_hold_drop(m, hold);
    }
    args->own += bytes;
    kvd_hold_drop(m, own);
    return true;
}

void kvd_args_drop(struct kvd_memory *m, struct kvd_args *args)
{
    for (unsigned i = 0; i < args->count; i++) {
        if (args->arg[i].hold != NULL)
            kvd_hold_drop(m, args->arg[i].hold);
    }
    if (args->arg != args->few)
        rung_free(m->p, args->arg);
    if (args->granted > 0)
        kvd_query_give(m, args->granted);
    kvd_args_init(args);
}

static bool inline_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static unsigned inline_hex(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 16;
}

/* The byte that an escape in "quotes" stands for; moves *at behind it. */
static uint8_t inline_escape(const uint8_t **at, const uint8_t *end)
{
    static const char letters[] = "nrtba", bytes[] = "\n\r\t\b\a";
    uint8_t c = *(*at)++;
    if (c == 'x' && end - *at >= 2 && inline_hex((*at)[0]) < 16 && inline_hex((*at)[1]) < 16) {
        c = (uint8_t)(inline_hex((*at)[0]) * 16 + inline_hex((*at)[1]));
        *at += 2;
        return c;
    }
    const char *known = c != 0 ? strchr(letters, c) : NULL;
    return known != NULL ? (uint8_t)bytes[known - letters] : c;
}

/* One word from *at, written over what was read before it. False: its quotes do not end, or
 * something follows them. */
static bool inline_word(const uint8_t **at, const uint8_t *end, uint8_t **to)
{
    uint8_t quote = 0;
    while (*at < end) {
        uint8_t c = *(*at)++;
        if (quote == 0 && inline_space(c))
            return true;
        if (quote == 0 && (c == '"' || c == '\'')) {
            quote = c;
        } else if (quote != 0 && c == quote) {
            return *at == end || inline_space(**at);
        } else if (c == '\\' && *at < end && quote == '"') {
            *(*to)++ = inline_escape(at, end);
        } else if (c == '\\' && *at < end && quote == '\'' && **at == '\'') {
            *(*to)++ = *(*at)++;
        } else {
            *(*to)++ = c;
        }
    }
    return quote == 0;
}

const char *kvd_parse_line(struct kvd_memory *m, struct kvd_args *args, struct kvd_hold *hold,
                           size_t len)
{
    uint8_t *to = kvd_hold_bytes(hold);
    const uint8_t *at = to, *end = at + len;
    for (;;) {
        while (at < end && inline_space(*at))
            at++;
        if (at == end)
            return NULL;
        struct kvd_bytes arg = {.at = to};
        if (!inline_word(&at, end, &to))
            return "Protocol error: unbalanced quotes in request";
        arg.len = (size_t)(to - arg.at);
        arg.hold = arg.len > 0 ? hold : NULL;
        if (!kvd_args_add(m, args, kvd_bytes_ref(arg))) {
            kvd_bytes_drop(m, &arg);
            return "out of memory";
        }
    }
}
