/* SPDX-License-Identifier: ISC */
/* stacks/kvlog/kvlog_super.h - the two superblocks when a store is opened; only for the files of
 * kvlog. All of it runs the loop: outside callbacks only. */
#ifndef RUNG_KVLOG_SUPER_H
#define RUNG_KVLOG_SUPER_H

#include "kvlog.h"
#include "kvlog_format.h"

/* The newer superblock of the two that is good. With create, makes a store of an empty disk. What
 * is wrong is logged. */
int rung_kvlog_super_read(struct rung_kvlog *self, bool create, struct kvlog_super *super);

/* Writes it to both places, one after the other, each durable before the next thing is done. */
int rung_kvlog_super_write(struct rung_kvlog *self, const struct kvlog_super *super);

/* Says that the disk cannot be `what` because a request failed. */
void rung_kvlog_super_failed(struct rung_kvlog *self, const char *what, int err);

#endif
