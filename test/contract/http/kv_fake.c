/* SPDX-License-Identifier: ISC */
/* test/contract/http/kv_fake.c - see kv_fake.h. */
#include "kv_fake.h"

#include <string.h>

static void fake_release(struct rung_buf *buf)
{
    struct rung_kv_get *get = rung_container_of(buf, struct rung_kv_get, value);
    struct kv_fake *self = get->module[0];
    assert(self != NULL && self->lent > 0); /* once */
    self->lent_bytes -= (uintptr_t)get->module[1];
    get->module[0] = NULL;
    self->lent--;
}

static int fake_answer(struct kv_fake *self, struct rung_kv_get *get)
{
    if (self->error != 0)
        return self->error;
    for (const struct kv_fake_value *v = self->value; v->key != NULL; v++) {
        if (strlen(v->key) != get->key_len || memcmp(v->key, get->key, get->key_len) != 0)
            continue;
        bool gzip = v->gzip != NULL && (get->accept & RUNG_KV_GZIP) != 0;
        const char *bytes = gzip ? v->gzip : v->bytes;
        get->size = gzip ? v->gzip_len : v->len;
        if (get->offset > get->size)
            return RUNG_E_RANGE;
        size_t left = (size_t)(get->size - get->offset);
        get->value = (struct rung_buf){
            .data = (const uint8_t *)bytes + get->offset,
            .len = get->len < left ? get->len : left,
            .release = fake_release,
        };
        get->version = v->version;
        get->type = v->type;
        get->encoding = gzip ? RUNG_KV_GZIP : RUNG_KV_PLAIN;
        get->module[0] = self;
        get->module[1] = (void *)(uintptr_t)get->value.len;
        self->lent++;
        self->lent_bytes += get->value.len;
        self->bytes += get->value.len;
        return RUNG_OK;
    }
    return RUNG_E_NOTFOUND;
}

static void fake_get(struct rung_kv *kv, struct rung_kv_get *get)
{
    struct kv_fake *self = rung_container_of(kv, struct kv_fake, kv);
    self->gets++;
    if (self->before != NULL)
        self->before(self, self->gets);
    if (self->hold) {
        assert(self->held_count < RUNG_ARRAY_LEN(self->held));
        self->held[self->held_count++] = get;
        return;
    }
    rung_op_finish(self->p, &get->op, fake_answer(self, get));
}

void kv_fake_go(struct kv_fake *self)
{
    while (self->held_count > 0) { /* the last first: nobody promised an order */
        struct rung_kv_get *get = self->held[--self->held_count];
        rung_op_finish(self->p, &get->op, fake_answer(self, get));
    }
}

static void fake_write(struct rung_kv *kv, struct rung_kv_write *write)
{
    struct kv_fake *self = rung_container_of(kv, struct kv_fake, kv);
    rung_op_finish(self->p, &write->op, RUNG_E_READONLY);
}

static void fake_list(struct rung_kv *kv, struct rung_kv_list *list)
{
    struct kv_fake *self = rung_container_of(kv, struct kv_fake, kv);
    rung_op_finish(self->p, &list->op, 0);
}

static void fake_close(struct rung_kv *kv, struct rung_op *op)
{
    struct kv_fake *self = rung_container_of(kv, struct kv_fake, kv);
    rung_op_finish(self->p, op, RUNG_OK);
}

static const struct rung_kv_ops fake_ops = RUNG_KV_TABLE("kv-fake", fake);

void kv_fake_open(struct kv_fake *self, struct rung_platform *p)
{
    *self = (struct kv_fake){.p = p};
    rung_kv_init(&self->kv, &fake_ops);
    self->kv.info.caps = RUNG_KV_IS_READONLY;
}
