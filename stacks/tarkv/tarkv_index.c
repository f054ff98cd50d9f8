/* SPDX-License-Identifier: ISC */
/* stacks/tarkv/tarkv_index.c - see tarkv_index.h. */
#include "tarkv_index.h"

#include <stdlib.h>
#include <string.h>

#include "rung/heap.h"
#include "rung/log.h"

enum { INDEX_HEAP_COST = 12, INDEX_FIRST_ROOM = 64 };

int rung_tarkv_order(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t common = a_len < b_len ? a_len : b_len;
    int order = common ? memcmp(a, b, common) : 0;
    return order ? order : (a_len > b_len) - (a_len < b_len);
}

static bool index_take(struct rung_tarkv *self, uint64_t bytes)
{
    if (self->memory_max && bytes > self->memory_max - self->memory)
        return false;
    self->memory += bytes;
    return true;
}

static bool index_grow(struct rung_tarkv *self)
{
    size_t room = self->room ? self->room * 2 : INDEX_FIRST_ROOM, each = sizeof(*self->entries);
    if (room > SIZE_MAX / each || room > UINT32_MAX
        || !index_take(self, (room - self->room) * each))
        return false;
    struct rung_tarkv_entry **entries = rung_alloc(self->p, room * each);
    if (!entries)
        return false;
    if (self->count)
        memcpy(entries, self->entries, self->count * each);
    rung_free(self->p, self->entries);
    self->entries = entries;
    self->room = room;
    return true;
}

static struct rung_tarkv_entry *index_full(const struct rung_tarkv *self)
{
    rung_log(self->p, RUNG_LOG_ERROR, self->slot, "the names behind the first %zu do not fit into "
             "%llu bytes: set %s.memory to more, or give more memory", self->count,
             (unsigned long long)self->memory_max, self->slot);
    return NULL;
}

struct rung_tarkv_entry *rung_tarkv_entry(struct rung_tarkv *self,
                                          const struct rung_tarkv_key *key, const char *link,
                                          size_t link_len)
{
    struct rung_tarkv_entry *entry = NULL;
    size_t size = sizeof(*entry) + key->len + link_len;
    if (index_take(self, size + INDEX_HEAP_COST))
        entry = rung_alloc(self->p, size);
    if (!entry)
        return index_full(self);
    *entry = (struct rung_tarkv_entry){
        .key_len = (uint16_t)key->len, .link_len = (uint16_t)link_len,
    };
    memcpy(entry->key, key->bytes, key->len);
    if (link_len)
        memcpy(entry->key + key->len, link, link_len);
    return entry;
}

struct rung_tarkv_entry *rung_tarkv_add(struct rung_tarkv *self, const struct rung_tarkv_key *key,
                                        const char *link, size_t link_len)
{
    if (self->count == self->room && !index_grow(self))
        return index_full(self);
    struct rung_tarkv_entry *entry = rung_tarkv_entry(self, key, link, link_len);
    if (!entry)
        return NULL;
    entry->order = (uint32_t)self->count;
    self->entries[self->count++] = entry;
    return entry;
}

static int index_compare(const void *a, const void *b)
{
    const struct rung_tarkv_entry *one = *(struct rung_tarkv_entry *const *)a;
    const struct rung_tarkv_entry *two = *(struct rung_tarkv_entry *const *)b;
    int order = rung_tarkv_order(one->key, one->key_len, two->key, two->key_len);
    return order ? order : (one->order > two->order) - (one->order < two->order);
}

void rung_tarkv_sort(struct rung_tarkv *self)
{
    if (self->count)
        qsort(self->entries, self->count, sizeof(*self->entries), index_compare);
}

void rung_tarkv_unique(struct rung_tarkv *self)
{
    size_t kept = 0;
    for (size_t i = 0; i < self->count; i++) {
        struct rung_tarkv_entry *entry = self->entries[i];
        if (kept && rung_tarkv_order(self->entries[kept - 1]->key, self->entries[kept - 1]->key_len,
                                     entry->key, entry->key_len) == 0)
            rung_free(self->p, self->entries[--kept]);
        self->entries[kept++] = entry;
    }
    self->count = kept;
}

size_t rung_tarkv_seek(const struct rung_tarkv *self, const char *key, size_t len, bool beyond)
{
    size_t low = 0, high = self->count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        const struct rung_tarkv_entry *entry = self->entries[mid];
        if (rung_tarkv_order(entry->key, entry->key_len, key, len) < (beyond ? 1 : 0))
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

struct rung_tarkv_entry *rung_tarkv_find(const struct rung_tarkv *self, const char *key, size_t len)
{
    size_t at = rung_tarkv_seek(self, key, len, false);
    struct rung_tarkv_entry *entry = at < self->count ? self->entries[at] : NULL;
    return entry && rung_tarkv_order(entry->key, entry->key_len, key, len) == 0 ? entry : NULL;
}

void rung_tarkv_index_free(struct rung_tarkv *self)
{
    for (size_t i = 0; i < self->count; i++)
        rung_free(self->p, self->entries[i]);
    rung_free(self->p, self->entries);
    self->entries = NULL;
    self->count = 0;
}
