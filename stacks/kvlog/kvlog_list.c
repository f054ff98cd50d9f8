/* SPDX-License-Identifier: ISC */
/* stacks/kvlog/kvlog_list.c - list: from the index, some keys each turn. Between turns it keeps a
 * copy of the key it stands behind, because the key itself may go. */
#include <string.h>

#include "kvlog_index.h"
#include "kvlog_ops.h"
#include "rung/heap.h"

enum { LIST_TURN = 128 }; /* keys for one turn of the loop: others get their turn as well */

struct list_place {
    uint16_t key_len;
    char key[RUNG_KV_KEY_MAX];
};

static int list_order(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t common = a_len < b_len ? a_len : b_len;
    int order = common ? memcmp(a, b, common) : 0;
    return order ? order : (a_len > b_len) - (a_len < b_len);
}

static struct rung_kvlog_node *list_first(struct rung_kvlog *self, const struct rung_kv_list *list)
{
    const struct list_place *place = list->module[1];
    const char *prefix = list->prefix_len ? list->prefix : "";
    if (place)
        return rung_kvlog_seek(self, place->key, place->key_len, true);
    if (list->after
        && list_order(list->after, list->after_len, prefix, list->prefix_len) >= 0)
        return rung_kvlog_seek(self, list->after, list->after_len, true);
    return rung_kvlog_seek(self, prefix, list->prefix_len, false);
}

static bool list_has_prefix(const struct rung_kv_list *list, const struct rung_kvlog_node *node)
{
    return !list->prefix_len
           || (node->key_len >= list->prefix_len
               && memcmp(rung_kvlog_key(node), list->prefix, list->prefix_len) == 0);
}

static void list_end(struct rung_kvlog *self, struct rung_kv_list *list, int result, bool more)
{
    list->more = more;
    rung_free(self->p, list->module[1]);
    rung_op_finish(self->p, &list->op, result);
}

/* Goes on in the next turn, behind that key. */
static void list_rest(struct rung_kvlog *self, struct rung_kv_list *list,
                      const struct rung_kvlog_node *node)
{
    struct list_place *place = list->module[1];
    if (!place)
        place = list->module[1] = rung_alloc(self->p, sizeof(*place));
    if (!place) {
        list_end(self, list, RUNG_E_NOMEM, true);
        return;
    }
    place->key_len = node->key_len;
    memcpy(place->key, rung_kvlog_key(node), node->key_len);
    rung_loop_defer(self->p, &list->op.task);
}

/* op.result counts the keys on the way: it is nobody's until done(). The index does not change
 * while each() runs: writes it may start are carried out later. */
static void list_turn(struct rung_task *task)
{
    struct rung_kv_list *list = rung_container_of(task, struct rung_kv_list, op.task);
    struct rung_kvlog *self = list->module[0];
    struct rung_kvlog_node *node = list_first(self, list), *last = NULL;
    bool go = true;
    for (unsigned n = 0; n < LIST_TURN || !go; n++) {
        if (node && !list_has_prefix(list, node))
            node = NULL;
        if (!node || !go || (list->limit && (uint32_t)list->op.result == list->limit)) {
            list_end(self, list, list->op.result, node != NULL);
            return;
        }
        list->op.result++;
        go = list->each(list, rung_kvlog_key(node), node->key_len, node->size);
        last = node;
        node = rung_kvlog_next(node);
    }
    list_rest(self, list, last);
}

void rung_kvlog_list(struct rung_kv *kv, struct rung_kv_list *list)
{
    struct rung_kvlog *self = rung_container_of(kv, struct rung_kvlog, kv);
    assert(list->op.done && list->each && !self->closing);
    list->op.cancel = NULL;
    list->op.result = 0;
    list->more = false;
    list->module[0] = self;
    list->module[1] = NULL;
    list->op.task.fn = list_turn;
    rung_loop_defer(self->p, &list->op.task);
}
