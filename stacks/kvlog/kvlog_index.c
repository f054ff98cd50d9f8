/* SPDX-License-Identifier: ISC */
/* stacks/kvlog/kvlog_index.c - a skip list of the keys; see kvlog_index.h. */
#include "kvlog_index.h"

#include <string.h>

#include "rung/heap.h"

enum {
    INDEX_HEAP_COST = 12, /* what a heap takes for a block besides, about */
    /* Times the bound while the log is read: there were more keys once than there are now. */
    INDEX_READING = 2,
};

static int index_compare(const struct rung_kvlog_node *node, const char *key, size_t len)
{
    size_t common = node->key_len < len ? node->key_len : len;
    int order = common ? memcmp(rung_kvlog_key(node), key, common) : 0;
    return order ? order : (node->key_len > len) - (node->key_len < len);
}

/* The first node at or behind the key, and on each level the link that leads across its place. */
static struct rung_kvlog_node *index_search(struct rung_kvlog *self, const char *key, size_t len,
                                            bool beyond, struct rung_kvlog_node **links[])
{
    struct rung_kvlog_node **level = self->index.first, *known = NULL;
    for (unsigned i = RUNG_KVLOG_LEVELS; i-- > 0;) {
        while (level[i] != known && index_compare(level[i], key, len) < (beyond ? 1 : 0))
            level = level[i]->next;
        links[i] = &level[i];
        known = level[i]; /* the level below ends there too: no need to compare it again */
    }
    return known;
}

struct rung_kvlog_node *rung_kvlog_find(struct rung_kvlog *self, const char *key, size_t len)
{
    struct rung_kvlog_node **links[RUNG_KVLOG_LEVELS];
    struct rung_kvlog_node *node = index_search(self, key, len, false, links);
    return node && index_compare(node, key, len) == 0 ? node : NULL;
}

struct rung_kvlog_node *rung_kvlog_seek(struct rung_kvlog *self, const char *key, size_t len,
                                        bool beyond)
{
    struct rung_kvlog_node **links[RUNG_KVLOG_LEVELS];
    struct rung_kvlog_node *node = index_search(self, key, len, beyond, links);
    return node && node->size == KVLOG_ABSENT ? rung_kvlog_next(node) : node;
}

struct rung_kvlog_node *rung_kvlog_next(const struct rung_kvlog_node *node)
{
    struct rung_kvlog_node *next = node->next[0];
    while (next && next->size == KVLOG_ABSENT)
        next = next->next[0];
    return next;
}

/* By chance, but the same at each opening: so the same keys take the same memory, and what fitted
 * under a bound fits again. Who chooses keys does not know the salt, and cannot choose heights. */
static uint8_t index_height(const struct rung_kvlog *self, const char *key, size_t len)
{
    uint64_t x = rung_kvlog_chance(self->log.salt, key, len);
    uint8_t height = 1;
    for (; height < RUNG_KVLOG_LEVELS && x >> 62 == 0; x <<= 2)
        height++;
    return height;
}

static size_t index_memory(uint8_t height, size_t key_len)
{
    return sizeof(struct rung_kvlog_node) + height * sizeof(struct rung_kvlog_node *) + key_len;
}

/* What may be taken now; 0: no bound. */
static uint64_t index_limit(const struct rung_kvlog_index *index)
{
    uint64_t most = index->memory_max;
    return !index->reading || most > UINT64_MAX / INDEX_READING ? most : INDEX_READING * most;
}

struct rung_kvlog_node *rung_kvlog_demand(struct rung_kvlog *self, const char *key, size_t len)
{
    struct rung_kvlog_node **links[RUNG_KVLOG_LEVELS];
    struct rung_kvlog_node *node = index_search(self, key, len, false, links);
    if (node && index_compare(node, key, len) == 0)
        return node;
    uint8_t height = index_height(self, key, len);
    size_t size = index_memory(height, len), cost = size + INDEX_HEAP_COST;
    uint64_t limit = index_limit(&self->index);
    if (limit && cost > limit - self->index.memory)
        return NULL;
    node = rung_alloc(self->p, size);
    if (!node)
        return NULL;
    *node = (struct rung_kvlog_node){
        .size = KVLOG_ABSENT, .planned = KVLOG_ABSENT, .key_len = (uint16_t)len, .height = height,
    };
    memcpy(&node->next[height], key, len);
    for (unsigned i = 0; i < height; i++) {
        node->next[i] = *links[i];
        *links[i] = node;
    }
    self->index.memory += cost;
    return node;
}

uint32_t rung_kvlog_plan(struct rung_kvlog *self, struct rung_kvlog_node *node, uint32_t size)
{
    struct rung_kvlog_index *index = &self->index;
    uint32_t before = node->planned;
    uint64_t entry = (uint64_t)KVLOG_ENTRY_BYTES + node->key_len;
    if (before != KVLOG_ABSENT) {
        index->live -= kvlog_record_bytes(node->key_len, before);
        index->paged -= entry;
    }
    if (size != KVLOG_ABSENT) {
        uint64_t bytes = kvlog_record_bytes(node->key_len, size);
        index->live += bytes;
        index->paged += entry;
        index->largest = bytes > index->largest ? bytes : index->largest;
        index->recent = bytes > index->recent ? bytes : index->recent;
    }
    node->planned = size;
    return before;
}

static void index_drop(struct rung_kvlog *self, struct rung_kvlog_node *node)
{
    struct rung_kvlog_node **links[RUNG_KVLOG_LEVELS];
    index_search(self, rung_kvlog_key(node), node->key_len, false, links);
    for (unsigned i = 0; i < node->height; i++)
        *links[i] = node->next[i];
    self->index.memory -= index_memory(node->height, node->key_len) + INDEX_HEAP_COST;
    rung_free(self->p, node);
}

void rung_kvlog_settle(struct rung_kvlog *self, struct rung_kvlog_node *node, uint64_t pos,
                       uint32_t size)
{
    self->index.keys += (size != KVLOG_ABSENT) - (uint64_t)(node->size != KVLOG_ABSENT);
    node->pos = pos;
    node->size = size;
    node->lost = false;
    if (size == KVLOG_ABSENT && !node->plans)
        index_drop(self, node);
}

void rung_kvlog_index_free(struct rung_kvlog *self)
{
    for (struct rung_kvlog_node *node = self->index.first[0], *next; node; node = next) {
        next = node->next[0];
        rung_free(self->p, node);
    }
    memset(self->index.first, 0, sizeof(self->index.first));
}
