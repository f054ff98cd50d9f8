/* SPDX-License-Identifier: ISC */
/* apps/kvd/kvd_change.c - what commands see of a key and do to it. */
#include "kvd_int.h"
#include "rung/clock.h"

uint64_t kvd_wall_ms(struct kvd *kvd)
{
    return rung_clock_wall_ns(kvd->p) / RUNG_NS_PER_MS;
}

bool kvd_exists(struct kvd *kvd, struct kvd_key *key)
{
    if (!key->exists)
        return false;
    if (key->expiry_ms == 0 || key->expiry_ms > kvd_wall_ms(kvd))
        return true;
    if (kvd_batch_takes(kvd, key)) { /* else whoever asks next removes it */
        kvd->stats.expired++;
        kvd_remove(kvd, key);
    }
    return false;
}

void kvd_set(struct kvd *kvd, struct kvd_key *key, struct kvd_bytes value, uint64_t expiry_ms)
{
    struct kvd_bytes kept = kvd_bytes_ref(value); /* it may be the old one */
    kvd_bytes_drop(&kvd->m, &key->value);
    key->value = kept;
    key->known = KVD_NEED_BYTES;
    key->exists = true;
    key->error = 0;
    key->size = value.len;
    key->expiry_ms = expiry_ms;
    kvd_dirty(kvd, key, key->name.len + value.len);
    if (expiry_ms > 0)
        kvd_sweep_expiry(kvd, expiry_ms);
}

void kvd_remove(struct kvd *kvd, struct kvd_key *key)
{
    kvd_key_empty(kvd, key, KVD_NEED_BYTES);
    kvd_dirty(kvd, key, key->name.len);
}

void kvd_set_new(struct kvd *kvd, struct kvd_key *key, struct kvd_hold *hold, size_t len,
                 uint64_t expiry_ms)
{
    struct kvd_bytes value = {kvd_hold_bytes(hold), len, hold};
    kvd_set(kvd, key, value, expiry_ms);
    kvd_hold_drop(&kvd->m, hold);
}
