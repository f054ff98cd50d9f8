/* SPDX-License-Identifier: ISC */
/* apps/kvd/kvd_parse.h - commands from the bytes of a connection: RESP arrays of bulk strings, and
 * inline commands.
 * Model    Bytes come in buffers, cut anywhere. An argument that lies within one buffer is pointed
 *          to where it is; what a buffer's end cuts is copied, so that a command half read holds
 *          no buffer of TCP's. A command that is too long, or that there is no memory for, is read
 *          to its end and thrown away: the client is told so and stays in step.
 * Units    Bytes.
 * Owner    An argument holds a reference to the memory it points into; kvd_args_drop() ends them.
 * Context  The loop.
 * Errors   A text for the client: `error`, after which the connection cannot be understood any
 *          more; or `refused`, which answers this one command. */
#ifndef KVD_PARSE_H
#define KVD_PARSE_H

#include "kvd_memory.h"

#define KVD_FEW 5u             /* arguments that need no block of their own */
#define KVD_LINE_MAX 16384u    /* an inline command */
#define KVD_BULK_MAX 536870912 /* longest argument that is read, if only to throw it away */
#define KVD_COUNT_MAX 1048576  /* arguments in a command, likewise */

struct kvd_args {
    struct kvd_bytes *arg; /* few, or a block */
    unsigned count, room;
    size_t bytes;   /* of all arguments */
    size_t own;     /* of these, in memory of ours */
    size_t granted; /* reserved of the query budget, given back by kvd_args_drop() */
    struct kvd_bytes few[KVD_FEW];
};

struct kvd_parse_limits {
    size_t max_value;   /* longest argument */
    const char *too_long; /* "longer than ...": what to say of a longer one */
    size_t max_query;   /* longest command */
    unsigned max_args;
};

enum kvd_parse {
    KVD_PARSE_MORE,    /* the buffer is used up */
    KVD_PARSE_READY,   /* args holds a command, or refused says why not */
    KVD_PARSE_RESERVE, /* want bytes of the query budget, then call again as before */
    KVD_PARSE_ERROR,   /* error says what is wrong */
};

enum kvd_parse_state {
    KVD_AT_START, KVD_AT_COUNT, KVD_AT_BULK, KVD_AT_LENGTH, KVD_AT_BEGIN, KVD_AT_DATA,
    KVD_AT_CR, KVD_AT_LF, KVD_AT_LINE,
};

struct kvd_parser { /* zeroed: at the start of a command */
    const struct kvd_parse_limits *limits;
    uint8_t state;   /* enum kvd_parse_state */
    bool minus, cr;  /* of the number being read */
    uint8_t digits;
    int64_t number;
    unsigned left;     /* arguments still to come */
    size_t data_left;  /* bytes of the present one still to come */
    uint8_t *fill;     /* where they go; NULL: nowhere */
    size_t line;       /* bytes of an inline command gathered so far */
    struct kvd_hold *line_hold;
    size_t want;
    const char *error;   /* without "-ERR " and CRLF */
    const char *refused; /* likewise; NULL: the command is good */
    char error_text[128]; /* of either, if it is made for the case */
};

/* Reads from *at, which it moves on, to end, within the buffer that hold is of. args is empty or
 * holds the beginning of this command. After READY or an error the parser is at the next start;
 * args is the caller's. */
enum kvd_parse kvd_parse(struct kvd_parser *ps, struct kvd_memory *m, struct kvd_args *args,
                         struct kvd_hold *hold, const uint8_t **at, const uint8_t *end);

/* Instead of granting what RESERVE asked for: the rest of the command is thrown away. */
void kvd_parse_refuse(struct kvd_parser *ps, struct kvd_memory *m, struct kvd_args *args,
                      const char *why);
/* Ends a command half read. */
void kvd_parse_reset(struct kvd_parser *ps, struct kvd_memory *m, struct kvd_args *args);

void kvd_args_init(struct kvd_args *args);
/* Moves what lies in the hold to memory of ours. False: no memory. */
bool kvd_args_keep(struct kvd_memory *m, struct kvd_args *args, struct kvd_hold *hold);
size_t kvd_args_in(const struct kvd_args *args, const struct kvd_hold *hold);
void kvd_args_drop(struct kvd_memory *m, struct kvd_args *args);

/* Splits a line of our own into args, as a shell would: words, "quotes" with escapes,
 * 'quotes'. NULL, or what is wrong. */
const char *kvd_parse_line(struct kvd_memory *m, struct kvd_args *args, struct kvd_hold *hold,
                           size_t len);
bool kvd_args_add(struct kvd_memory *m, struct kvd_args *args, struct kvd_bytes arg);

#endif
