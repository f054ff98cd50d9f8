/* SPDX-License-Identifier: ISC */
/* test/contract/http/kv_fake.h - a KV whose values, timing and failures the test sets. Only get. */
#ifndef KV_FAKE_H
#define KV_FAKE_H

#include "rung/kv.h"

struct kv_fake_value {
    const char *key;
    const char *bytes;
    size_t len;
    const char *gzip; /* NULL: no such variant */
    size_t gzip_len;
    const char *version, *type; /* may be NULL */
};

struct kv_fake {
    struct rung_kv kv;
    struct rung_platform *p;
    struct kv_fake_value value[8]; /* the first without a key ends them */
    int error;        /* every get fails so, if not 0 */
    bool hold;        /* gets wait for kv_fake_go() */
    unsigned gets;    /* that were asked for */
    unsigned lent;    /* values not yet released */
    uint64_t bytes;   /* bytes lent in all */
    uint64_t lent_bytes; /* not yet released, as many as they were when lent */
    void (*before)(struct kv_fake *fake, unsigned nth); /* runs in each get, counted from 1 */
    struct rung_kv_get *held[16];
    unsigned held_count;
};

void kv_fake_open(struct kv_fake *self, struct rung_platform *p);
void kv_fake_go(struct kv_fake *self); /* ends the gets that wait */

#endif
