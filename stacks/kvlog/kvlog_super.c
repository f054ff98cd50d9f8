/* SPDX-License-Identifier: ISC */
/* stacks/kvlog/kvlog_super.c - finding a store on a disk, or making one; see kvlog_super.h. Both
 * superblocks are always written, so that damage to one of them does no harm. */
#include "kvlog_super.h"

#include <string.h>

#include "kvlog_io.h"
#include "rung/entropy.h"
#include "rung/heap.h"
#include "rung/log.h"

enum {
    SUPER_AREA = KVLOG_RING_AT,
    SUPER_EMPTY = 131072, /* so much at the start of a disk is zero if it is empty */
    SUPER_LEAST_UNITS = 64,
    SUPER_LEAST = 57344,  /* a ring smaller than that holds nothing worth it */
};

void rung_kvlog_super_failed(struct rung_kvlog *self, const char *what, int err)
{
    if (err == RUNG_E_CANCELED)
        rung_log(self->p, RUNG_LOG_ERROR, self->slot, "stopped before the store was open");
    else
        rung_log(self->p, RUNG_LOG_ERROR, self->slot, "the disk cannot be %s (%s): mend it, or use "
                 "another", what, rung_err_text(err));
}

static uint64_t super_disk_bytes(const struct rung_kvlog *self)
{
    return self->block->info.sectors * self->block->info.sector_size;
}

static int super_too_new(struct rung_kvlog *self, uint32_t version)
{
    rung_log(self->p, RUNG_LOG_ERROR, self->slot, "the store is of version %u, and this program "
             "knows version %u: use a newer program", version, KVLOG_VERSION);
    return RUNG_E_NOTSUP;
}

/* Whether what was read is a store, but none that can be used: then one line says why. */
static int super_explain(struct rung_kvlog *self, const uint8_t *area)
{
    for (unsigned i = 0; i < 2; i++) {
        const uint8_t *at = area + i * (size_t)KVLOG_SUPER_STEP;
        if (memcmp(at, KVLOG_MAGIC, 8) != 0)
            continue;
        uint32_t version = rung_kvlog_get32(at + 8);
        if (version > KVLOG_VERSION && version < 1000)
            return super_too_new(self, version);
        rung_log(self->p, RUNG_LOG_ERROR, self->slot, "both superblocks are damaged: restore the "
                 "store from a copy");
        return RUNG_E_CORRUPT;
    }
    rung_log(self->p, RUNG_LOG_ERROR, self->slot, "the disk holds no store: choose another, or "
             "make one (%s.create=on makes one of an empty disk)", self->slot);
    return RUNG_E_NOTFOUND;
}

static int super_check(struct rung_kvlog *self, const struct kvlog_super *super)
{
    uint32_t sector = self->block->info.sector_size;
    uint64_t bytes = super_disk_bytes(self);
    if (super->unit % sector) {
        rung_log(self->p, RUNG_LOG_ERROR, self->slot, "the store was made for sectors of %u "
                 "bytes, and the disk has %u: copy it with dump and load", super->unit, sector);
        return RUNG_E_NOTSUP;
    }
    if (super->ring + KVLOG_RING_AT > bytes) {
        rung_log(self->p, RUNG_LOG_ERROR, self->slot, "the disk is cut off: the store takes %llu "
                 "bytes, and there are %llu; restore it from a copy, or make the disk as long "
                 "again and dump what is left",
                 (unsigned long long)(super->ring + KVLOG_RING_AT), (unsigned long long)bytes);
        return RUNG_E_INVAL;
    }
    uint64_t rest = bytes - super->ring - KVLOG_RING_AT;
    if (rest >= SUPER_LEAST)
        rung_log(self->p, RUNG_LOG_INFO, self->slot, "the store keeps its %llu bytes: to use the "
                 "%llu behind it, load a dump of it into a new one",
                 (unsigned long long)(bytes - rest), (unsigned long long)rest);
    return RUNG_OK;
}

/* The newer of the good ones; false: there is none. */
static bool super_choose(struct rung_kvlog *self, const uint8_t *area, struct kvlog_super *super)
{
    struct kvlog_super second;
    bool first_good = rung_kvlog_get_super(area, super);
    bool second_good = rung_kvlog_get_super(area + KVLOG_SUPER_STEP, &second);
    if (second_good && (!first_good || second.written > super->written))
        *super = second;
    self->worse_super = first_good && (!second_good || second.written < super->written);
    if (first_good != second_good)
        rung_log(self->p, RUNG_LOG_WARN, self->slot, "the %s superblock is damaged; the other one "
                 "is used", first_good ? "second" : "first");
    return first_good || second_good;
}

static bool super_zero(const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (bytes[i])
            return false;
    }
    return true;
}

int rung_kvlog_super_write(struct rung_kvlog *self, const struct kvlog_super *super)
{
    uint8_t *bytes = rung_alloc_aligned(self->p, RUNG_BLOCK_ALIGN, super->unit);
    if (!bytes)
        return RUNG_E_NOMEM;
    memset(bytes, 0, super->unit);
    rung_kvlog_put_super(bytes, super);
    int err = RUNG_OK;
    for (unsigned i = 0; i < 2 && !err; i++) /* the good one stays until there is another */
        err = rung_kvlog_now(self, RUNG_BLOCK_WRITE, RUNG_BLOCK_FUA,
                             (i ^ self->worse_super) * (uint64_t)KVLOG_SUPER_STEP, bytes,
                             super->unit);
    rung_free(self->p, bytes);
    return err;
}

static int super_create(struct rung_kvlog *self, const uint8_t *area, size_t len,
                        struct kvlog_super *super)
{
    uint32_t unit = self->block->info.sector_size;
    uint64_t bytes = super_disk_bytes(self), ring = bytes - KVLOG_RING_AT;
    if (!super_zero(area, len)) {
        rung_log(self->p, RUNG_LOG_ERROR, self->slot, "the disk holds no store, and is not empty: "
                 "choose another, or fill its first %u bytes with zeros", SUPER_EMPTY);
        return RUNG_E_NOTFOUND;
    }
    if (!self->writable) {
        rung_log(self->p, RUNG_LOG_ERROR, self->slot, "the disk is read-only: no store can be "
                 "made on it");
        return RUNG_E_READONLY;
    }
    *super = (struct kvlog_super){
        .version = KVLOG_VERSION, .unit = unit, .clean = true, .written = 1,
        .ring = ring - ring % unit, .epoch = 1,
    };
    super->head = super->tail = super->checkpoint = super->ring; /* 0 would be an empty disk's */
    rung_entropy_fill(self->p, super->id, sizeof(super->id));
    int err = rung_kvlog_super_write(self, super);
    if (err)
        rung_kvlog_super_failed(self, "written to", err);
    else
        rung_log(self->p, RUNG_LOG_INFO, self->slot, "made an empty store of %llu bytes",
                 (unsigned long long)super->ring);
    return err;
}

/* From the first bytes of the disk; as many of them as an empty disk is looked at. One superblock
 * of a newer version is no damage, whatever the other one is: a newer program was going on. */
static int super_find(struct rung_kvlog *self, const uint8_t *area, size_t len, bool create,
                      struct kvlog_super *super)
{
    for (unsigned i = 0; i < 2; i++) {
        uint32_t version = rung_kvlog_super_version(area + i * (size_t)KVLOG_SUPER_STEP);
        if (version > KVLOG_VERSION)
            return super_too_new(self, version);
    }
    if (super_choose(self, area, super))
        return super_check(self, super);
    if (create && memcmp(area, KVLOG_MAGIC, 8) != 0
        && memcmp(area + KVLOG_SUPER_STEP, KVLOG_MAGIC, 8) != 0)
        return super_create(self, area, len, super);
    return super_explain(self, area);
}

int rung_kvlog_super_read(struct rung_kvlog *self, bool create, struct kvlog_super *super)
{
    uint64_t bytes = super_disk_bytes(self), unit = self->block->info.sector_size;
    uint64_t least = SUPER_LEAST_UNITS * unit > SUPER_LEAST ? SUPER_LEAST_UNITS * unit
                                                            : SUPER_LEAST;
    if (bytes < SUPER_AREA + least) {
        rung_log(self->p, RUNG_LOG_ERROR, self->slot, "the disk is too small for a store: it has "
                 "%llu bytes, and %llu are the least", (unsigned long long)bytes,
                 (unsigned long long)(SUPER_AREA + least));
        return RUNG_E_INVAL;
    }
    size_t len = !create ? SUPER_AREA
                         : bytes < SUPER_EMPTY ? (size_t)(bytes - bytes % unit) : SUPER_EMPTY;
    uint8_t *area = rung_alloc_aligned(self->p, RUNG_BLOCK_ALIGN, len);
    if (!area) {
        rung_log(self->p, RUNG_LOG_ERROR, self->slot, "no memory to open the store: give more");
        return RUNG_E_NOMEM;
    }
    int err = rung_kvlog_now(self, RUNG_BLOCK_READ, 0, 0, area, len);
    if (err)
        rung_kvlog_super_failed(self, "read", err);
    else
        err = super_find(self, area, len, create, super);
    rung_free(self->p, area);
    return err;
}
