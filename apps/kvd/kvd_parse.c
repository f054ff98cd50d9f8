/* SPDX-License-Identifier: ISC */
/* apps/kvd/kvd_parse.c - the state machine of kvd_parse.h. */
#include "kvd_parse.h"

#include <stdio.h>
#include <string.h>

static const char parse_no_memory[] = "out of memory";

static enum kvd_parse parse_error(struct kvd_parser *ps, const char *what)
{
    ps->error = what;
    return KVD_PARSE_ERROR;
}

/* Whether extra more bytes of ours are covered; if not, want says what to ask for. */
static bool parse_covered(struct kvd_parser *ps, const struct kvd_args *args, size_t extra)
{
    size_t all = args->own + extra, have = KVD_SMALL + args->granted;
    if (all <= have)
        return true;
    ps->want = (all - have + KVD_SMALL - 1) / KVD_SMALL * KVD_SMALL;
    return false;
}

static void parse_number_start(struct kvd_parser *ps)
{
    ps->number = 0;
    ps->digits = 0;
    ps->minus = ps->cr = false;
}

/* Digits up to CRLF. 1: number is read, 0: the buffer has ended, -1: that is no number. */
static int parse_number(struct kvd_parser *ps, const uint8_t **at, const uint8_t *end)
{
    const uint8_t *p = *at;
    for (; p < end; p++) {
        unsigned digit = (unsigned)*p - '0';
        if (digit <= 9 && !ps->cr && ps->digits < 10) {
            ps->number = ps->number * 10 + (int64_t)digit;
            ps->digits++;
        } else if (*p == '\r' && !ps->cr && ps->digits > 0) {
            ps->cr = true;
        } else if (*p == '\n' && ps->cr) {
            if (ps->minus)
                ps->number = -ps->number;
            *at = p + 1;
            return 1;
        } else if (*p == '-' && ps->digits == 0 && !ps->minus) {
            ps->minus = true;
        } else {
            return -1;
        }
    }
    *at = p;
    return 0;
}

static void parse_start(struct kvd_parser *ps)
{
    ps->state = KVD_AT_START;
    ps->refused = NULL;
}

void kvd_parse_refuse(struct kvd_parser *ps, struct kvd_memory *m, struct kvd_args *args,
                      const char *why)
{
    kvd_args_drop(m, args);
    ps->refused = why;
    ps->fill = NULL;
    if (ps->state == KVD_AT_BEGIN) { /* the length is read, and now there is no argument to fill */
        ps->data_left = (size_t)ps->number;
        ps->state = KVD_AT_DATA;
    }
}

void kvd_parse_reset(struct kvd_parser *ps, struct kvd_memory *m, struct kvd_args *args)
{
    kvd_args_drop(m, args);
    if (ps->line_hold != NULL)
        kvd_hold_drop(m, ps->line_hold);
    *ps = (struct kvd_parser){.limits = ps->limits};
}

/* An argument's length is known: whether it is let in, and where its bytes go. */
static enum kvd_parse parse_begin(struct kvd_parser *ps, struct kvd_memory *m,
                                  struct kvd_args *args, struct kvd_hold *hold, const uint8_t **at,
                                  const uint8_t *end)
{
    struct kvd_bytes arg = {.at = *at, .len = (size_t)ps->number};
    if (ps->refused == NULL && arg.len > ps->limits->max_value) {
        snprintf(ps->error_text, sizeof ps->error_text, "an argument is %s",
                 ps->limits->too_long);
        kvd_parse_refuse(ps, m, args, ps->error_text);
    }
    if (ps->refused == NULL && args->bytes + arg.len > ps->limits->max_query)
        kvd_parse_refuse(ps, m, args, "the command is longer than max-query allows");
    if (ps->refused != NULL) {
        ps->fill = NULL;
        ps->data_left = arg.len;
        ps->state = KVD_AT_DATA;
        return KVD_PARSE_MORE;
    }
    size_t grow = args->count == args->room ? 2 * args->room * sizeof arg : 0;
    if ((size_t)(end - *at) >= arg.len) {
        if (grow > 0 && !parse_covered(ps, args, grow))
            return KVD_PARSE_RESERVE;
        arg.hold = arg.len > 0 ? hold : NULL;
        if (arg.hold != NULL)
            hold->refs++;
        *at += arg.len;
        ps->state = KVD_AT_CR;
    } else {
        if (!parse_covered(ps, args, arg.len + grow))
            return KVD_PARSE_RESERVE;
        arg.hold = kvd_hold_own(m, arg.len);
        if (arg.hold == NULL) {
            kvd_parse_refuse(ps, m, args, parse_no_memory);
            return KVD_PARSE_MORE;
        }
        ps->fill = kvd_hold_bytes(arg.hold);
        arg.at = ps->fill;
        args->own += arg.len;
        ps->data_left = arg.len;
        ps->state = KVD_AT_DATA;
    }
    if (!kvd_args_add(m, args, arg)) {
        if (arg.hold != NULL)
            kvd_hold_drop(m, arg.hold);
        kvd_parse_refuse(ps, m, args, parse_no_memory);
    }
    return KVD_PARSE_MORE;
}

static void parse_data(struct kvd_parser *ps, const uint8_t **at, const uint8_t *end)
{
    size_t n = (size_t)(end - *at);
    n = n < ps->data_left ? n : ps->data_left;
    if (ps->fill != NULL && n > 0) {
        memcpy(ps->fill, *at, n);
        ps->fill += n;
    }
    *at += n;
    ps->data_left -= n;
    if (ps->data_left == 0)
        ps->state = KVD_AT_CR;
}

/* What a line of the protocol says. READY: a whole command was empty; MORE: go on. */
static enum kvd_parse parse_head(struct kvd_parser *ps, struct kvd_memory *m,
                                 struct kvd_args *args)
{
    if (ps->state == KVD_AT_LENGTH) {
        if (ps->number < 0 || ps->number > KVD_BULK_MAX)
            return parse_error(ps, "Protocol error: invalid bulk length");
        ps->state = KVD_AT_BEGIN;
        return KVD_PARSE_MORE;
    }
    if (ps->number > KVD_COUNT_MAX)
        return parse_error(ps, "Protocol error: invalid multibulk length");
    if (ps->number <= 0) { /* as redis does: nothing is asked, nothing answered */
        parse_start(ps);
        return KVD_PARSE_MORE;
    }
    ps->left = (unsigned)ps->number;
    ps->state = KVD_AT_BULK;
    if (ps->left > ps->limits->max_args)
        kvd_parse_refuse(ps, m, args, "the command has too many arguments");
    return KVD_PARSE_MORE;
}

/* The buffer is used up: nothing of it may be needed any more. */
static enum kvd_parse parse_end(struct kvd_parser *ps, struct kvd_memory *m, struct kvd_args *args,
                                struct kvd_hold *hold)
{
    size_t in = kvd_args_in(args, hold);
    if (in > 0 && !parse_covered(ps, args, in))
        return KVD_PARSE_RESERVE;
    if (in > 0 && !kvd_args_keep(m, args, hold))
        kvd_parse_refuse(ps, m, args, parse_no_memory);
    return KVD_PARSE_MORE;
}

/* Of the line that has been gathered the words are kept, and not the blanks between them: the
 * words are what is counted. NULL, or what is wrong. */
static const char *parse_words(struct kvd_parser *ps, struct kvd_memory *m, struct kvd_args *args)
{
    struct kvd_hold *line = ps->line_hold;
    const char *wrong = kvd_parse_line(m, args, line, ps->line);
    if (wrong == NULL && !kvd_args_keep(m, args, line))
        wrong = parse_no_memory;
    kvd_hold_drop(m, line);
    ps->line_hold = NULL;
    ps->line = 0;
    return wrong;
}

/* An inline command, up to its newline. */
static enum kvd_parse parse_inline(struct kvd_parser *ps, struct kvd_memory *m,
                                   struct kvd_args *args, const uint8_t **at, const uint8_t *end)
{
    size_t n = (size_t)(end - *at);
    const uint8_t *newline = memchr(*at, '\n', n);
    n = newline != NULL ? (size_t)(newline + 1 - *at) : n;
    if (ps->line + n > KVD_LINE_MAX)
        return parse_error(ps, "Protocol error: too big inline request");
    if (ps->line_hold == NULL) {
        ps->line_hold = kvd_hold_own(m, newline != NULL ? n : KVD_LINE_MAX);
        if (ps->line_hold == NULL)
            return parse_error(ps, parse_no_memory);
    }
    memcpy(kvd_hold_bytes(ps->line_hold) + ps->line, *at, n);
    ps->line += n;
    *at += n;
    if (newline == NULL)
        return KVD_PARSE_MORE;
    const char *wrong = parse_words(ps, m, args);
    if (wrong != NULL)
        return parse_error(ps, wrong);
    parse_start(ps);
    return args->count > 0 ? KVD_PARSE_READY : KVD_PARSE_MORE;
}

/* One byte that there is no choice about. */
static enum kvd_parse parse_byte(struct kvd_parser *ps, uint8_t byte)
{
    switch (ps->state) {
    case KVD_AT_BULK:
        if (byte != '$') {
            snprintf(ps->error_text, sizeof ps->error_text,
                     "Protocol error: expected '$', got '%c'",
                     byte >= ' ' && byte < 0x7f ? byte : '?');
            return parse_error(ps, ps->error_text);
        }
        parse_number_start(ps);
        ps->state = KVD_AT_LENGTH;
        return KVD_PARSE_MORE;
    case KVD_AT_CR:
        ps->state = KVD_AT_LF;
        return byte == '\r' ? KVD_PARSE_MORE
                            : parse_error(ps, "Protocol error: no CRLF behind an argument");
    default: /* KVD_AT_LF */
        if (byte != '\n')
            return parse_error(ps, "Protocol error: no CRLF behind an argument");
        ps->state = KVD_AT_BULK;
        return --ps->left == 0 ? KVD_PARSE_READY : KVD_PARSE_MORE;
    }
}

/* The first byte of a command. */
static void parse_first(struct kvd_parser *ps, const uint8_t **at)
{
    if (**at == '\r' || **at == '\n') {
        (*at)++; /* an empty line */
        return;
    }
    ps->state = KVD_AT_LINE;
    if (**at == '*') {
        (*at)++;
        parse_number_start(ps);
        ps->state = KVD_AT_COUNT;
    }
}

enum kvd_parse kvd_parse(struct kvd_parser *ps, struct kvd_memory *m, struct kvd_args *args,
                         struct kvd_hold *hold, const uint8_t **at, const uint8_t *end)
{
    enum kvd_parse go = KVD_PARSE_MORE;
    int got;
    while (*at < end || (ps->state == KVD_AT_BEGIN && ps->number == 0)) {
        switch (ps->state) {
        case KVD_AT_START:
            parse_first(ps, at);
            break;
        case KVD_AT_COUNT:
        case KVD_AT_LENGTH:
            got = parse_number(ps, at, end);
            if (got < 0)
                return parse_error(ps, ps->state == KVD_AT_COUNT
                                           ? "Protocol error: invalid multibulk length"
                                           : "Protocol error: invalid bulk length");
            if (got > 0)
                go = parse_head(ps, m, args);
            break;
        case KVD_AT_BEGIN:
            go = parse_begin(ps, m, args, hold, at, end);
            break;
        case KVD_AT_DATA:
            parse_data(ps, at, end);
            break;
        case KVD_AT_LINE:
            go = parse_inline(ps, m, args, at, end);
            break;
        default:
            go = parse_byte(ps, *(*at)++);
            break;
        }
        if (go == KVD_PARSE_READY)
            ps->state = KVD_AT_START;
        if (go != KVD_PARSE_MORE)
            return go;
    }
    return parse_end(ps, m, args, hold);
}
