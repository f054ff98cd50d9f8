/* SPDX-License-Identifier: ISC */
/* apps/kvd/kvd_table.c - the table of the keys that commands are at work on. */
#include "kvd_int.h"
#include "kvd_siphash.h"

/* SipHash-1-3: the keys are whatever clients choose, and all that hash alike would be in one chain,
 * which a command of 65,535 keys walks that often. */
uint64_t kvd_key_hash(const struct kvd *kvd, struct kvd_bytes name)
{
    return kvd_siphash(kvd->seed, name.at, name.len, 1, 3);
}

static void key_grow(struct kvd *kvd)
{
    size_t n = (kvd->table_mask + 1) * 2;
    struct kvd_key **table = rung_zalloc(kvd->p, n, sizeof(struct kvd_key *));
    if (table == NULL)
        return; /* longer chains will do */
    for (size_t i = 0; i <= kvd->table_mask; i++) {
        for (struct kvd_key *key = kvd->table[i], *next; key != NULL; key = next) {
            next = key->chain;
            key->chain = table[key->hash & (n - 1)];
            table[key->hash & (n - 1)] = key;
        }
    }
    rung_free(kvd->p, kvd->table);
    kvd->table = table;
    kvd->table_mask = n - 1;
}

struct kvd_key *kvd_key_get(struct kvd *kvd, struct kvd_bytes name)
{
    uint64_t hash = kvd_key_hash(kvd, name);
    struct kvd_key *key = kvd->table[hash & kvd->table_mask];
    for (; key != NULL; key = key->chain) {
        if (key->hash == hash && key->name.len == name.len
            && memcmp(key->name.at, name.at, name.len) == 0)
            return key;
    }
    key = kvd_take(&kvd->m, &kvd->m.keys);
    if (key == NULL)
        return NULL;
    if (kvd->key_count++ > kvd->table_mask)
        key_grow(kvd);
    struct kvd_key **chain = &kvd->table[hash & kvd->table_mask];
    *key = (struct kvd_key){.hash = hash, .name = kvd_bytes_ref(name), .chain = *chain};
    *chain = key;
    return key;
}
