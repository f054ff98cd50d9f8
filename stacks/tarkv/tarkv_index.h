/* SPDX-License-Identifier: ISC */
/* stacks/tarkv/tarkv_index.h - the files of an archive; only for the files of tarkv.
 * Model    While the archive is read entries are added in its order; then they are put in order,
 *          links become what they lead to, and of equal keys the last one stays. */
#ifndef RUNG_TARKV_INDEX_H
#define RUNG_TARKV_INDEX_H

#include "tarkv.h"
#include "tarkv_name.h"

enum rung_tarkv_kind { TARKV_FILE, TARKV_HARD, TARKV_SOFT };

struct rung_tarkv_entry {
    uint64_t at, size; /* its value on the disk */
    uint64_t sum[2];
    uint32_t order;    /* in the archive */
    uint16_t key_len, link_len;
    uint8_t kind;
    char key[];        /* with what a link leads to, as it stands in the archive, behind it */
};

static inline const char *rung_tarkv_link(const struct rung_tarkv_entry *entry)
{
    return entry->key + entry->key_len;
}

int rung_tarkv_order(const char *a, size_t a_len, const char *b, size_t b_len);

/* An entry that is not in the index; rung_free() ends it. NULL: no memory, which was logged. */
struct rung_tarkv_entry *rung_tarkv_entry(struct rung_tarkv *self,
                                          const struct rung_tarkv_key *key, const char *link,
                                          size_t link_len);
/* One that is, behind the others. Both are for the caller to fill in. */
struct rung_tarkv_entry *rung_tarkv_add(struct rung_tarkv *self, const struct rung_tarkv_key *key,
                                        const char *link, size_t link_len);

void rung_tarkv_sort(struct rung_tarkv *self);
/* Of equal keys the last one stays. */
void rung_tarkv_unique(struct rung_tarkv *self);

/* The first entry at or behind the key; with beyond, the first behind it. Entries are in order. */
size_t rung_tarkv_seek(const struct rung_tarkv *self, const char *key, size_t len, bool beyond);
/* The entry of the key, or NULL. */
struct rung_tarkv_entry *rung_tarkv_find(const struct rung_tarkv *self, const char *key,
                                         size_t len);

void rung_tarkv_index_free(struct rung_tarkv *self);

/* tarkv_links.c: all that is to be done once every entry is there. What is wrong is logged. */
enum rung_err rung_tarkv_settle(struct rung_tarkv *self);

#endif
