/* SPDX-License-Identifier: ISC */
/* interfaces/rung/kv.h - KV: values under keys.
 * Model    Keys in byte order. A get sees the last write whose done() ran before it was submitted,
 *          or a later one, whole, never a mixture. A write is done when it is durable, if the
 *          store is (RUNG_KV_IS_DURABLE); its batch happens as a whole or not at all, even if the
 *          power is cut.
 * Units    Bytes. Keys are 1 to RUNG_KV_KEY_MAX bytes. A *portable* key holds no NUL and is made of
 *          parts of 1 to 255 bytes, none "." or ".." or starting with ".rung-", with single '/'
 *          between them, and is no other key's leading parts; every module takes those. Others:
 *          INVAL, or with RUNG_KV_ANY_KEY taken.
 * Owner    Requests, keys and values given are the caller's, left alone from the call to op.done().
 *          A value got is lent: get->value is a buffer (rung/buf.h) to release once, and with it
 *          go version and type. It does not change while it is lent, and outlives the request's
 *          next write; it must be released before close.
 * Context  The loop. done() runs exactly once, never inside the call that starts a request.
 * Errors   In done(): 0 or a negative enum rung_err, listed per call; then nothing is lent. */
#ifndef RUNG_KV_H
#define RUNG_KV_H

#include <string.h>

#include "rung/base.h"
#include "rung/buf.h"
#include "rung/loop.h"

#define RUNG_KV_KEY_MAX 1024u
#define RUNG_KV_ALL SIZE_MAX /* as get->len: to the end of the value */

enum rung_kv_cap {
    RUNG_KV_IS_READONLY = 1u << 0, /* write answers READONLY */
    RUNG_KV_IS_DURABLE = 1u << 1,  /* done() of a write means that it survives a power cut */
    RUNG_KV_ANY_KEY = 1u << 2,     /* takes any bytes as a key */
    RUNG_KV_IN_PLACE = 1u << 3,    /* lends a value where it lies: a get takes no memory, and only
                                    a value replaced or removed meanwhile is kept for it */
};

enum rung_kv_encoding { RUNG_KV_PLAIN = 0, RUNG_KV_GZIP = 1u << 0 /* RFC 1952 */ };

struct rung_kv_get {
    struct rung_op op;
    const char *key; /* in */
    size_t key_len;
    uint64_t offset; /* in: the first byte wanted */
    size_t len;      /* in: how many; fewer come at the end of the value; 0: only the facts below */
    unsigned accept; /* in: encodings the caller takes besides PLAIN, if the store has them ready */
    struct rung_buf value;           /* out: the bytes; value.len may be 0 */
    uint64_t size;                   /* out: of the whole value, in that encoding */
    const char *version;             /* out: two gets of a key and encoding with equal versions had
                                        equal values, before a restart and after it, and from
                                        whichever store; letters, digits, '-'; NULL: not known */
    const char *type;                /* out: media type (RFC 6838); NULL: not known */
    enum rung_kv_encoding encoding;  /* out */
    void *module[2];                 /* the module's until release */
};

struct rung_kv_change {
    const char *key;
    size_t key_len;
    const struct rung_vec *value; /* the new value in pieces; NULL: remove the key */
    unsigned value_count;
};

struct rung_kv_write { /* one atomic batch */
    struct rung_op op;
    const struct rung_kv_change *change; /* in order: the last change of a key wins */
    unsigned change_count;               /* 1 to info.max_batch */
    void *module[2];
};

struct rung_kv_list {
    struct rung_op op;
    const char *prefix; /* in: keys that start so; every key for length 0 */
    size_t prefix_len;
    const char *after; /* in: only keys behind this one in order; NULL: from the first */
    size_t after_len;
    uint32_t limit; /* in: at most so many; 0: no limit */
    /* Runs for each key in order, from the loop, before done(); the key is good for that call. It
     * may start requests. False ends the list. */
    bool (*each)(struct rung_kv_list *list, const char *key, size_t key_len, uint64_t size);
    bool more; /* out: there are keys behind the last one reported */
    void *module[2];
};

struct rung_kv_info {
    uint32_t caps;      /* enum rung_kv_cap */
    uint32_t max_batch; /* changes in one write; 1: no batches; 0: read-only */
    uint64_t max_value; /* bytes */
};

struct rung_kv;
struct rung_kv_ops {
    const char *name; /* the module's; for logs */
    /* done: 0, NOTFOUND, INVAL (key), RANGE (offset past the end), ACCESS (the host forbids it),
     * CHANGED (by someone else, while it was read), LIMIT (no descriptor left), IO, CORRUPT, NOMEM,
     * DOWN. */
    void (*get)(struct rung_kv *kv, struct rung_kv_get *get);
    /* done: 0; INVAL (key), TOOBIG (value), LIMIT (batch, or no descriptor left), READONLY, ACCESS,
     * FULL, NOMEM, DOWN: nothing has changed; IO: the medium failed, and the batch may have
     * happened or not. Removing what is not there is no error. */
    void (*write)(struct rung_kv *kv, struct rung_kv_write *write);
    /* done: how many keys were reported; ACCESS, LIMIT (descriptors), IO, CORRUPT, NOMEM, DOWN, all
     * of which may come after some keys were reported. A key that is written or removed meanwhile
     * may be reported or not; every other one is, once. */
    void (*list)(struct rung_kv *kv, struct rung_kv_list *list);
    /* The caller has nothing in flight and nothing lent. op->done: 0 or IO. */
    void (*close)(struct rung_kv *kv, struct rung_op *op);
};

struct rung_kv { /* a member of each module's own state */
    const struct rung_kv_ops *ops;
    struct rung_kv_info info; /* fixed while it is open */
};

/* See RUNG_NET_TABLE: <prefix>_get and so on; all are required. */
#define RUNG_KV_TABLE(module_name, prefix) \
    { .name = (module_name), .get = prefix##_get, .write = prefix##_write, .list = prefix##_list, \
      .close = prefix##_close }

#ifdef RUNG_KV_ONLY /* set by the resolver when a program binds one KV module: direct calls */
extern const struct rung_kv_ops RUNG_KV_ONLY;
#define RUNG_KV_OPS(kv) ((void)(kv), &RUNG_KV_ONLY)
#define RUNG_KV_KEEP(table) (assert((table) == &RUNG_KV_ONLY), (const struct rung_kv_ops *)0)
#else
#define RUNG_KV_OPS(kv) ((kv)->ops)
#define RUNG_KV_KEEP(table) (table)
#endif

static inline void rung_kv_init(struct rung_kv *kv, const struct rung_kv_ops *table)
{
    (void)table;
    *kv = (struct rung_kv){.ops = RUNG_KV_KEEP(table)};
}

static inline void rung_kv_get(struct rung_kv *kv, struct rung_kv_get *get)
{
    RUNG_KV_OPS(kv)->get(kv, get);
}

static inline void rung_kv_write(struct rung_kv *kv, struct rung_kv_write *write)
{
    RUNG_KV_OPS(kv)->write(kv, write);
}

static inline void rung_kv_list(struct rung_kv *kv, struct rung_kv_list *list)
{
    RUNG_KV_OPS(kv)->list(kv, list);
}

static inline void rung_kv_close(struct rung_kv *kv, struct rung_op *op)
{
    RUNG_KV_OPS(kv)->close(kv, op);
}

/* For modules: whether the key by itself is a portable one. That it is no other key's leading parts
 * is for the store to see. */
static inline bool rung_kv_key_portable(const char *key, size_t len)
{
    if (len < 1 || len > RUNG_KV_KEY_MAX || memchr(key, 0, len))
        return false;
    for (size_t at = 0; at <= len;) {
        const char *part = key + at, *slash = memchr(part, '/', len - at);
        size_t n = slash ? (size_t)(slash - part) : len - at;
        if (n < 1 || n > 255 || (n == 1 && part[0] == '.') || (n == 2 && !memcmp(part, "..", 2))
            || (n >= 6 && !memcmp(part, ".rung-", 6)))
            return false;
        at += n + 1;
    }
    return true;
}

#endif
