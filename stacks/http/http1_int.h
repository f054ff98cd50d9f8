/* SPDX-License-Identifier: ISC */
/* stacks/http/http1_int.h - what the files of http1 share; nobody else includes it.
 *
 * A connection goes IDLE -> READING -> APP -> SENDING -> IDLE ..., at the end LINGER, and GONE once
 * TCP's connection is let go. What a request needs is in its `work`, which outlives the connection
 * for as long as the app, the store or TCP hold something of it: each holds a reference. */
#ifndef RUNG_HTTP1_INT_H
#define RUNG_HTTP1_INT_H

#include <llhttp.h>

#include "rung/clock.h"
#include "rung/heap.h"

#include "http1.h"
#include "http1_text.h"

#define HTTP1_FIELDS 100          /* header lines in a request; more is 431 */
#define HTTP1_SLICES 8            /* pieces of a body that TCP may hold at once ... */
#define HTTP1_SLICE 65536u        /* ... and their size: the step in which progress is seen */
#define HTTP1_PIECE 131072u       /* what is asked of a store at once: two slices ... */
#define HTTP1_PIECE_MIN 4096u     /* ... or less, down to this, while memory is short */
#define HTTP1_SMALL_TARGET 1100   /* a target of this many bytes needs no block */
#define HTTP1_OUT 1024            /* a response's head, unless the app adds much */
#define HTTP1_JOINED 2048         /* a body of so many bytes is copied behind its head */
#define HTTP1_VERSION 128         /* longest version of a value that becomes an entity tag */

enum http1_state {
    HTTP1_IDLE,    /* between requests */
    HTTP1_READING, /* a request has begun */
    HTTP1_APP,     /* the app, or the store for it, has the request */
    HTTP1_SENDING, /* the response has begun */
    HTTP1_LINGER,  /* all is said and our side shut; the client may not have read it yet */
    HTTP1_GONE,
};

struct http1_conn {
    struct rung_http1 *http1;
    struct http1_listener *listener;
    struct rung_tcp_conn *tcp; /* NULL: let go */
    struct http1_conn *next, *prev; /* in http1->conns or http1->gone */
    struct rung_timeout wait; /* kind: enum http1_wait */
    struct http1_work *work;
    struct rung_buf *rx, *rx_last; /* lent by TCP and not yet parsed */
    struct rung_task task;         /* runs the connection from the loop */
    struct rung_buf say;           /* a line of ours that needs no work: 100 or 503 */
    uint32_t held;                 /* works with conn == this, and say while TCP has it */
    uint32_t drained;              /* bytes thrown away while lingering */
    uint8_t state;                 /* enum http1_state */
    bool running;                  /* inside run(): whoever calls in leaves the rest to it */
    bool rx_waits;                 /* recv() came short: RX will tell */
    bool tx_waits;                 /* send() came short: TX will tell */
    bool eof;
    bool refused;
    bool say_out;
};

struct http1_listener {
    struct rung_http1 *http1;
    struct rung_tcp_listener *tcp;
    struct rung_http_server *server; /* NULL: unlistened; lives on for its connections */
    struct http1_listener *next;
    uint32_t refs; /* its connections', and one while it listens */
};

/* A block of max_header bytes and a little, for what does not fit in a work. */
struct http1_block {
    struct http1_block *next;
    char text[];
};

/* One header line, as offsets from work->base. */
struct http1_field {
    uint32_t name, name_len;
    uint32_t value, value_len;
    uint32_t copy; /* where in the values block, plus 1; 0: nobody has asked */
};

/* Headers the server itself reads. */
enum http1_known {
    HTTP1_ACCEPT_ENCODING,
    HTTP1_EXPECT,
    HTTP1_HOST,
    HTTP1_IF_MATCH,
    HTTP1_IF_NONE_MATCH,
    HTTP1_IF_RANGE,
    HTTP1_RANGE,
    HTTP1_TRANSFER_ENCODING,
    HTTP1_KNOWN,
};

enum http1_last { HTTP1_LAST_NONE, HTTP1_LAST_NAME, HTTP1_LAST_VALUE };

/* The request as far as it is read; zeroed for each. */
struct http1_parse {
    uint32_t head_len;  /* bytes of the head so far; of the whole one when head_done */
    uint32_t target, target_len;
    uint32_t field_count;
    uint8_t last;       /* enum http1_last */
    bool head_done;
    bool all_done;
    bool body_in_place; /* body points into a lent buffer */
    bool wants_100;
    bool is_http10;
    char frame_last;    /* the byte before, between the chunks */
    uint16_t status;    /* an error found inside a callback */
    uint64_t length;    /* Content-Length; 0: none, or chunked */
    uint64_t frame_len; /* bytes that were not content */
    const char *frame;  /* first byte of this buffer not yet seen as framing or content */
    uint8_t *body;
    size_t body_len, body_cap;
    uint8_t known[HTTP1_KNOWN];       /* first field of that name, plus 1 */
    uint8_t known_count[HTTP1_KNOWN];
};

struct http1_slice {
    struct rung_buf buf; /* first: found from it */
    struct http1_work *work;
    uint8_t piece; /* which of work->piece, or HTTP1_NO_PIECE */
};
#define HTTP1_NO_PIECE 2

/* Some of a stored value, on its way. */
struct http1_piece {
    struct rung_kv_get get;
    struct http1_work *work;
    bool asked; /* in flight */
    bool lent;  /* get.value is ours */
    uint32_t charge; /* its bytes among http1->held */
    uint8_t out; /* slices TCP holds of it */
};

enum http1_kv_step { HTTP1_KV_FIRST, HTTP1_KV_INDEX, HTTP1_KV_BODY };

/* Facts that a stored value's response is made of. */
struct http1_kv {
    struct rung_kv *kv;
    size_t key_len;
    uint8_t step; /* enum http1_kv_step */
    uint8_t tries;
    bool gzip;
    bool in_place; /* values take no memory */
    uint64_t size;
    uint64_t next, left; /* what is still to be asked for */
    char version[HTTP1_VERSION + 1]; /* "": not known */
};

struct http1_work {
    struct http1_work *next; /* in the free list */
    struct rung_http1 *http1;
    struct http1_conn *conn;
    uint32_t refs; /* the connection's, TCP's for each slice, the store's for each get */
    bool keep;     /* the connection goes on after this response */
    bool head_only;
    bool head_said; /* the response's head is made */
    llhttp_t parser;
    struct http1_parse in;
    struct rung_http_request request;
    struct http1_target target;
    const char *base; /* first byte of the head: in a lent buffer, or text->text */
    struct http1_block *text, *target_block, *values;
    uint32_t values_len;
    struct rung_buf *body; /* the app's, released at the end */
    struct rung_buf *source; /* not yet sliced: the app's, or pieces' values */
    struct rung_buf *ready, *ready_last; /* sliced, not yet taken by TCP */
    struct rung_buf *slices; /* free ones */
    struct http1_slice head, slice[HTTP1_SLICES];
    char *big; /* a head that out cannot hold */
    struct http1_kv kv;
    struct http1_piece piece[2];
    struct http1_field field[HTTP1_FIELDS];
    char path[HTTP1_TARGET_SPACE(HTTP1_SMALL_TARGET)];
    char out[HTTP1_OUT + HTTP1_JOINED];
};

/* http1_pool.c */
struct http1_work *rung_http1_work_new(struct http1_conn *c); /* NULL: no memory */
void rung_http1_work_put(struct http1_work *w);
struct http1_block *rung_http1_block_new(struct rung_http1 *h);
void rung_http1_block_free(struct rung_http1 *h, struct http1_block *block);
void rung_http1_pool_empty(struct rung_http1 *h);

/* http1_wait.c */
void rung_http1_wait_init(struct rung_http1 *h);
void rung_http1_wait(struct http1_conn *c, enum http1_wait wait); /* starts its time-out anew */

/* http1_conn.c */
void rung_http1_run(struct http1_conn *c);  /* from the loop only: may call the app */
void rung_http1_kick(struct http1_conn *c); /* from any call: sends, leaves the rest to the loop */
void rung_http1_request_over(struct http1_conn *c); /* its response was taken: its work is TCP's */
void rung_http1_linger(struct http1_conn *c);

/* http1_life.c */
void rung_http1_accept(struct http1_listener *l);
void rung_http1_let_go(struct http1_conn *c, bool orderly); /* close, or else reset */
void rung_http1_settle(struct http1_conn *c); /* something came back: frees c if nothing is out */

/* http1.c */
void rung_http1_listener_put(struct http1_listener *l);
void rung_http1_close_check(struct rung_http1 *h);

/* http1_parse.c: 0: the buffer is used up and the request not complete; 1: it is complete; else the
 * status of what is wrong. Moves buf on. */
#define HTTP1_COMPLETE 1
void rung_http1_parse_start(struct http1_work *w);
int rung_http1_parse(struct http1_work *w, struct rung_buf *buf);

/* http1_head.c: 0, or the status of what is wrong with the head. */
int rung_http1_check_head(struct http1_work *w);
bool rung_http1_frame_ok(struct http1_work *w, const char *at, size_t len);

/* http1_field.c */
bool rung_http1_note_field(struct http1_work *w, uint32_t index); /* false: it has no name */
bool rung_http1_known(struct http1_work *w, enum http1_known which, struct http1_span *value);
const char *rung_http1_header(struct rung_http_request *request, const char *name);

/* http1_respond.c */
struct http1_answer {
    unsigned status;
    const char *type, *headers;    /* may be NULL */
    const char *version;           /* NULL: no entity tag */
    uint64_t length;               /* of the body */
    uint64_t range_first, range_size; /* 206: of size; 416: size */
    bool stored;                   /* a stored value: Vary and Accept-Ranges */
    bool gzip;
    struct http1_span text;        /* a short body that goes out with the head */
};
bool rung_http1_answer(struct http1_work *w, const struct http1_answer *a);
void rung_http1_answer_status(struct http1_work *w, unsigned status, const char *headers);
void rung_http1_respond(struct rung_http_request *request, const struct rung_http_response *r);
void rung_http1_fail(struct http1_conn *c, unsigned status);
void rung_http1_refuse(struct http1_conn *c);
bool rung_http1_say(struct http1_conn *c, const char *text);

/* http1_send.c: false: the response waits for TCP or the store; true: go on, it is over or lost. */
bool rung_http1_flush(struct http1_conn *c);
void rung_http1_slices_init(struct http1_work *w);
void rung_http1_source_add(struct http1_work *w, struct rung_buf *buf);

/* http1_room.c: memory for values and bodies. */
size_t rung_http1_piece_most(const struct http1_work *w); /* to ask of the store at once */
void rung_http1_piece_charge(struct http1_piece *piece, size_t bytes);
void rung_http1_piece_release(struct http1_piece *piece); /* its value goes back */
bool rung_http1_body_charge(struct http1_work *w, size_t bytes); /* false: there is no room */

/* http1_kv.c */
void rung_http1_respond_kv(struct rung_http_request *request, struct rung_kv *kv);
void rung_http1_fetch(struct http1_work *w); /* asks for the next piece if there is room for it */
void rung_http1_ask(struct http1_work *w, uint64_t offset, size_t len);
void rung_http1_piece_done(struct http1_piece *piece);

/* http1_kv_facts.c: answers from the facts of a get that went well; false: it asked for more. */
bool rung_http1_kv_facts(struct http1_work *w, struct http1_piece *piece);

static inline struct http1_work *http1_work_of(struct rung_http_request *request)
{
    return rung_container_of(request, struct http1_work, request);
}

#endif
