/* SPDX-License-Identifier: ISC */
/* backends/common/timers.c - a pairing heap (Fredman, Sedgewick, Sleator, Tarjan 1986). No call
 * recurses, since the depth of such a heap has no useful bound. In a node, child is its first
 * child, next its next sibling, and prev its previous sibling, or its parent if it is the first
 * child. */
#include "common/timers.h"

static bool timers_before(const struct rung_timer *a, const struct rung_timer *b)
{
    return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->order < b->order;
}

/* Joins two heaps, neither NULL, whose roots have no siblings. */
static struct rung_timer *timers_join(struct rung_timer *a, struct rung_timer *b)
{
    if (timers_before(b, a)) {
        struct rung_timer *swap = a;
        a = b;
        b = swap;
    }
    b->prev = a;
    b->next = a->child;
    if (a->child)
        a->child->prev = b;
    a->child = b;
    return a;
}

/* Joins a list of siblings to one heap: pairs from the left, then all pairs from the right, which
 * is what bounds the cost. The pairs wait in a list through prev. */
static struct rung_timer *timers_join_all(struct rung_timer *first)
{
    struct rung_timer *pairs = NULL;
    while (first) {
        struct rung_timer *a = first;
        struct rung_timer *b = a->next;
        first = b ? b->next : NULL;
        a->next = NULL;
        if (b) {
            b->next = NULL;
            a = timers_join(a, b);
        }
        a->prev = pairs;
        pairs = a;
    }
    struct rung_timer *root = pairs;
    if (root) {
        pairs = root->prev;
        root->prev = NULL;
    }
    while (pairs) {
        struct rung_timer *rest = pairs->prev;
        pairs->prev = NULL;
        root = timers_join(root, pairs);
        pairs = rest;
    }
    return root;
}

static void timers_cut(struct rung_timer *timer)
{
    if (timer->prev->child == timer)
        timer->prev->child = timer->next;
    else
        timer->prev->next = timer->next;
    if (timer->next)
        timer->next->prev = timer->prev;
}

void rung_timers_add(struct rung_timers *timers, struct rung_timer *timer, uint64_t due_ns)
{
    timer->due_ns = due_ns;
    timer->order = timers->next_order++;
    timer->child = timer->next = timer->prev = NULL;
    timers->root = timers->root ? timers_join(timers->root, timer) : timer;
}

void rung_timers_remove(struct rung_timers *timers, struct rung_timer *timer)
{
    struct rung_timer *rest = timers_join_all(timer->child);
    if (timers->root == timer) {
        timers->root = rest;
    } else {
        timers_cut(timer);
        if (rest)
            timers->root = timers_join(timers->root, rest);
    }
    timer->child = timer->next = timer->prev = NULL;
}
