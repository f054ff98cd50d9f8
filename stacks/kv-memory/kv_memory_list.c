/* SPDX-License-Identifier: ISC */
/* stacks/kv-memory/kv_memory_list.c - list, some keys each turn. The list stands on a key by
 * holding a reference to it, so that each() may write: while the key is in the index its link leads
 * on, and when it was removed its bytes still say where to search. */
#include <string.h>

#include "kv_memory_index.h"

enum { MEM_LIST_TURN = 128 }; /* keys for one turn of the loop: others get their turn as well */

static int mem_order(const char *a, size_t a_len, const char *b, size_t b_len)
{
    int order = memcmp(a, b, a_len < b_len ? a_len : b_len);
    return order ? order : (a_len > b_len) - (a_len < b_len);
}

static struct rung_kv_memory_node *mem_list_first(struct rung_kv_memory *self,
                                                  const struct rung_kv_list *list)
{
    if (list->after
        && (!list->prefix_len
            || mem_order(list->after, list->after_len, list->prefix, list->prefix_len) >= 0))
        return rung_kv_memory_seek(self, list->after, list->after_len, true);
    return rung_kv_memory_seek(self, list->prefix_len ? list->prefix : "", list->prefix_len, false);
}

/* The key behind the one the list stands on, if it has the prefix. */
static struct rung_kv_memory_node *mem_list_next(struct rung_kv_memory *self,
                                                 const struct rung_kv_list *list)
{
    struct rung_kv_memory_node *at = list->module[1], *next;
    if (!at)
        next = mem_list_first(self, list);
    else if (at->linked)
        next = at->next[0];
    else
        next = rung_kv_memory_seek(self, rung_kv_memory_key(at), at->key_len, true);
    if (next && list->prefix_len
        && (next->key_len < list->prefix_len
            || memcmp(rung_kv_memory_key(next), list->prefix, list->prefix_len) != 0))
        return NULL;
    return next;
}

static void mem_list_stand(struct rung_kv_memory *self, struct rung_kv_list *list,
                           struct rung_kv_memory_node *node)
{
    struct rung_kv_memory_node *left = list->module[1];
    if (node)
        node->refs++;
    list->module[1] = node;
    if (left)
        rung_kv_memory_drop_node(self, left);
}

static void mem_list_end(struct rung_kv_memory *self, struct rung_kv_list *list, bool more)
{
    list->more = more;
    mem_list_stand(self, list, NULL);
    rung_op_finish(self->p, &list->op, list->op.result);
}

/* op.result counts the keys on the way: it is nobody's until done(). */
static void mem_list_turn(struct rung_task *task)
{
    struct rung_kv_list *list = rung_container_of(task, struct rung_kv_list, op.task);
    struct rung_kv_memory *self = list->module[0];
    bool go = true;
    for (unsigned n = 0; n < MEM_LIST_TURN || !go; n++) {
        struct rung_kv_memory_node *node = mem_list_next(self, list);
        if (!node || !go || (list->limit && (uint32_t)list->op.result == list->limit)) {
            mem_list_end(self, list, node != NULL);
            return;
        }
        mem_list_stand(self, list, node);
        list->op.result++;
        go = list->each(list, rung_kv_memory_key(node), node->key_len, node->value->len);
    }
    rung_loop_defer(self->p, &list->op.task);
}

void rung_kv_memory_list(struct rung_kv *kv, struct rung_kv_list *list)
{
    struct rung_kv_memory *self = rung_kv_memory_of(kv);
    assert(list->op.done && list->each);
    list->op.cancel = NULL;
    list->op.result = 0;
    list->more = false;
    list->module[0] = self;
    list->module[1] = NULL;
    list->op.task.fn = mem_list_turn;
    rung_loop_defer(self->p, &list->op.task);
}
