/* SPDX-License-Identifier: ISC */
/* stacks/kv-memory/kv_memory_index.c - where the keys are: a hash table with linear probing, for
 * get, over a skip list, for order. A get costs two cache misses before the value; a search of the
 * list costs dozens, which is why there are two structures. The list's heights come from the keyed
 * hash, so nothing else has to be drawn at random. */
#include "kv_memory_index.h"

#include <string.h>

#include "rung/heap.h"

static inline uint64_t mem_rotate(uint64_t x, unsigned by)
{
    return x << by | x >> (64 - by);
}

static inline void mem_sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = mem_rotate(v[1], 13) ^ v[0];
    v[3] = mem_rotate(v[3], 16) ^ v[2];
    v[0] = mem_rotate(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = mem_rotate(v[1], 17) ^ v[2];
    v[3] = mem_rotate(v[3], 21) ^ v[0];
    v[2] = mem_rotate(v[2], 32);
}

/* SipHash-1-3 (Aumasson and Bernstein 2012), with words in the machine's own byte order. */
uint64_t rung_kv_memory_hash(const struct rung_kv_memory *self, const char *key, size_t len)
{
    uint64_t word, v[4] = {
        self->seed[0] ^ UINT64_C(0x736f6d6570736575), self->seed[1] ^ UINT64_C(0x646f72616e646f6d),
        self->seed[0] ^ UINT64_C(0x6c7967656e657261), self->seed[1] ^ UINT64_C(0x7465646279746573),
    };
    size_t at = 0;
    for (; len - at >= sizeof(word); at += sizeof(word)) {
        memcpy(&word, key + at, sizeof(word));
        v[3] ^= word;
        mem_sip_round(v);
        v[0] ^= word;
    }
    word = (uint64_t)len << 56;
    for (unsigned i = 0; at + i < len; i++)
        word |= (uint64_t)(uint8_t)key[at + i] << (8 * i);
    v[3] ^= word;
    mem_sip_round(v);
    v[0] ^= word;
    v[2] ^= 0xff;
    for (int i = 0; i < 3; i++)
        mem_sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

struct rung_kv_memory_node *rung_kv_memory_find(const struct rung_kv_memory *self, const char *key,
                                                size_t len, uint64_t hash)
{
    for (size_t at = hash & self->mask; self->slots[at].node; at = (at + 1) & self->mask) {
        struct rung_kv_memory_node *node = self->slots[at].node;
        if (self->slots[at].hash == hash && node->key_len == len
            && memcmp(rung_kv_memory_key(node), key, len) == 0)
            return node;
    }
    return NULL;
}

static void mem_place(struct rung_kv_memory_slot *slots, size_t mask,
                      struct rung_kv_memory_slot slot)
{
    size_t at = slot.hash & mask;
    while (slots[at].node)
        at = (at + 1) & mask;
    slots[at] = slot;
}

/* Room for one key more, with a quarter of the slots free: probes stay short. */
static bool mem_make_room(struct rung_kv_memory *self)
{
    size_t n = self->mask + 1;
    if ((self->count + 1) * 4 <= n * 3)
        return true;
    struct rung_kv_memory_slot *slots = rung_zalloc(self->p, n * 2, sizeof(*slots));
    if (!slots)
        return false;
    for (size_t i = 0; i < n; i++)
        if (self->slots[i].node)
            mem_place(slots, n * 2 - 1, self->slots[i]);
    rung_free(self->p, self->slots);
    self->slots = slots;
    self->mask = n * 2 - 1;
    return true;
}

/* Frees the node's slot and closes the gap, so that no search ends early there. */
static void mem_unplace(struct rung_kv_memory *self, const struct rung_kv_memory_node *node)
{
    size_t gap = node->hash & self->mask;
    while (self->slots[gap].node != node)
        gap = (gap + 1) & self->mask;
    for (size_t at = gap;;) {
        at = (at + 1) & self->mask;
        if (!self->slots[at].node)
            break;
        size_t home = self->slots[at].hash & self->mask;
        if (((at - home) & self->mask) >= ((at - gap) & self->mask)) {
            self->slots[gap] = self->slots[at];
            gap = at;
        }
    }
    self->slots[gap].node = NULL;
}

static int mem_compare(const struct rung_kv_memory_node *node, const char *key, size_t len)
{
    int order = memcmp(rung_kv_memory_key(node), key, node->key_len < len ? node->key_len : len);
    return order ? order : (node->key_len > len) - (node->key_len < len);
}

/* The node that seek() promises, and on each level the link that leads across the place. */
static struct rung_kv_memory_node *mem_search(struct rung_kv_memory *self, const char *key,
                                              size_t len, bool beyond,
                                              struct rung_kv_memory_node **links[])
{
    struct rung_kv_memory_node **level = self->first, *known = NULL;
    for (unsigned i = RUNG_KV_MEMORY_LEVELS; i-- > 0;) {
        while (level[i] != known && mem_compare(level[i], key, len) < (beyond ? 1 : 0))
            level = level[i]->next;
        links[i] = &level[i];
        known = level[i]; /* the level below ends there too: no need to compare it again */
    }
    return known;
}

struct rung_kv_memory_node *rung_kv_memory_seek(struct rung_kv_memory *self, const char *key,
                                                size_t len, bool beyond)
{
    struct rung_kv_memory_node **links[RUNG_KV_MEMORY_LEVELS];
    return mem_search(self, key, len, beyond, links);
}

/* Two bits of the hash for each level: the high ones, for the low ones choose the slot. */
static uint8_t mem_height(uint64_t hash)
{
    uint8_t height = 1;
    for (; height < RUNG_KV_MEMORY_LEVELS && hash >> 62 == 0; hash <<= 2)
        height++;
    return height;
}

struct rung_kv_memory_node *rung_kv_memory_insert(struct rung_kv_memory *self, const char *key,
                                                  size_t len, uint64_t hash)
{
    struct rung_kv_memory_node **links[RUNG_KV_MEMORY_LEVELS], *node;
    uint8_t height = mem_height(hash);
    size_t size = sizeof(*node) + height * sizeof(node->next[0]);
    node = mem_make_room(self) ? rung_alloc(self->p, size + len) : NULL;
    if (!node)
        return NULL;
    *node = (struct rung_kv_memory_node){
        .hash = hash, .refs = 1, .key_len = (uint16_t)len, .height = height, .linked = true,
    };
    memcpy(&node->next[height], key, len);
    mem_search(self, key, len, false, links);
    for (unsigned i = 0; i < height; i++) {
        node->next[i] = *links[i];
        *links[i] = node;
    }
    mem_place(self->slots, self->mask, (struct rung_kv_memory_slot){hash, node});
    self->count++;
    return node;
}

void rung_kv_memory_remove(struct rung_kv_memory *self, struct rung_kv_memory_node *node)
{
    struct rung_kv_memory_node **links[RUNG_KV_MEMORY_LEVELS];
    mem_search(self, rung_kv_memory_key(node), node->key_len, false, links);
    for (unsigned i = 0; i < node->height; i++)
        *links[i] = node->next[i];
    mem_unplace(self, node);
    self->count--;
    node->linked = false;
    rung_kv_memory_drop_node(self, node);
}

void rung_kv_memory_drop_node(struct rung_kv_memory *self, struct rung_kv_memory_node *node)
{
    if (--node->refs == 0)
        rung_free(self->p, node);
}

void rung_kv_memory_drop_value(struct rung_kv_memory *self, struct rung_kv_memory_value *value)
{
    if (value && --value->refs == 0)
        rung_free(self->p, value);
}
