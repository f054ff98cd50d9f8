/* SPDX-License-Identifier: ISC */
/* stacks/kvlog/kvlog_ops.h - the operations that have a file of their own; only for the files of
 * kvlog. */
#ifndef RUNG_KVLOG_OPS_H
#define RUNG_KVLOG_OPS_H

#include "kvlog.h"

void rung_kvlog_get(struct rung_kv *kv, struct rung_kv_get *get);
void rung_kvlog_write(struct rung_kv *kv, struct rung_kv_write *write);
void rung_kvlog_list(struct rung_kv *kv, struct rung_kv_list *list);

#endif
