/* SPDX-License-Identifier: ISC */
/* stacks/lwip/lwip_node.h - a doubly linked ring; the head is one of its nodes. */
#ifndef RUNG_LWIP_NODE_H
#define RUNG_LWIP_NODE_H

#include <stdbool.h>

struct lwip_node {
    struct lwip_node *next, *prev;
};

static inline void lwip_node_init(struct lwip_node *node)
{
    node->next = node->prev = node;
}

static inline bool lwip_node_alone(const struct lwip_node *node)
{
    return node->next == node;
}

static inline void lwip_node_remove(struct lwip_node *node)
{
    node->next->prev = node->prev;
    node->prev->next = node->next;
    lwip_node_init(node);
}

static inline void lwip_node_append(struct lwip_node *ring, struct lwip_node *node)
{
    node->next = ring;
    node->prev = ring->prev;
    ring->prev->next = node;
    ring->prev = node;
}

#endif
