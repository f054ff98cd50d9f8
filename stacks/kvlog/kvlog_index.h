/* SPDX-License-Identifier: ISC */
/* stacks/kvlog/kvlog_index.h - the keys in memory, in order; only for the files of kvlog.
 * Model    A skip list. A node is what is on the disk (size, pos) and what will be there once every
 *          write that has been taken is done (planned); between the two it may be either's only. */
#ifndef RUNG_KVLOG_INDEX_H
#define RUNG_KVLOG_INDEX_H

#include "kvlog.h"
#include "kvlog_format.h"

struct rung_kvlog_node {
    uint64_t pos;     /* of its record */
    uint32_t size;    /* of its value; KVLOG_ABSENT: nobody may see it */
    uint32_t planned; /* the same, to be */
    uint32_t plans;   /* changes on their way to the disk */
    uint16_t key_len;
    uint8_t height;
    bool lost; /* its value cannot be read any more */
    struct rung_kvlog_node *next[]; /* height links, then the key's bytes */
};

static inline const char *rung_kvlog_key(const struct rung_kvlog_node *node)
{
    return (const char *)&node->next[node->height];
}

/* The node of the key, whether anybody may see it or not; or NULL. */
struct rung_kvlog_node *rung_kvlog_find(struct rung_kvlog *self, const char *key, size_t len);

/* The first key in order that may be seen and is not before the given one; with beyond, the first
 * behind it. NULL: there is none. */
struct rung_kvlog_node *rung_kvlog_seek(struct rung_kvlog *self, const char *key, size_t len,
                                        bool beyond);
struct rung_kvlog_node *rung_kvlog_next(const struct rung_kvlog_node *node);

/* The same as find, but makes one that nobody may see. NULL: no memory, or no more allowed. */
struct rung_kvlog_node *rung_kvlog_demand(struct rung_kvlog *self, const char *key, size_t len);

/* What the node will be; counts its record in index.live. Gives what it would have been. */
uint32_t rung_kvlog_plan(struct rung_kvlog *self, struct rung_kvlog_node *node, uint32_t size);

/* What the node is from here on. KVLOG_ABSENT, and no more plans: it is freed. */
void rung_kvlog_settle(struct rung_kvlog *self, struct rung_kvlog_node *node, uint64_t pos,
                       uint32_t size);

void rung_kvlog_index_free(struct rung_kvlog *self);

#endif
