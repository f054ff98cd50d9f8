/* SPDX-License-Identifier: ISC */
/* test/contract/kv/fixture_crunch.c - crunch in the contract suite of KV, with an image of
 * crunch-content. */
#include "crunch.h"
#include "suite.h"

extern const struct rung_crunch_image rung_crunch_image_contract;

static struct rung_crunch store;
static struct rung_crunch_keys keys;
static const struct rung_crunch_needs needs;

static struct rung_kv *crunch_open(struct rung_platform *p, enum kv_kind kind)
{
    if (kind != KV_FILLED)
        return NULL;
    keys = (struct rung_crunch_keys){.slot = "store", .generated = &rung_crunch_image_contract};
    assert_int_equal(rung_crunch_open(&store, p, &keys, &needs), 0);
    return &store.kv;
}

const struct kv_fixture kv_fixture = {.name = "crunch", .open = crunch_open};
