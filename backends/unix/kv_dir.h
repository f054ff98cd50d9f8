/* SPDX-License-Identifier: ISC */
/* backends/unix/kv_dir.h - KV on a folder: the key "css/site.css" is the file css/site.css below
 * it.
 * Model    Files work as values whoever put them there. Links that stay inside the folder are
 *          followed for reading; writing replaces a link and never goes through one. What is no
 *          regular file is not there. A write makes a file in .rung-tmp, the folder's own folder
 *          for that, and renames it over the old one; a folder that gets its first key is made, one
 *          that loses its last is removed. A key whose place is taken by something else (a folder
 *          with keys in it, a device), or that lies behind a link to a folder, answers a write with
 *          INVAL. Folders below that are other file systems can be read only (READONLY). A file
 *          that other programs write in place may be got half-written; CHANGED says so where the
 *          file's times show it. What is renamed into place is always whole. All system calls but
 *          the opener's run on libuv's worker threads: some gets and lists at once, writes one
 *          after the other in the order they came, the rest wait.
 * Units    Bytes.
 * Owner    The state is the opener's; memory and descriptors are given back by close.
 * Context  The loop; open may block.
 * Errors   open: NOTFOUND, INVAL (no folder), ACCESS, LIMIT, NOMEM, IO. Requests: as kv.h says. */
#ifndef RUNG_KV_DIR_H
#define RUNG_KV_DIR_H

#include "kv_dir_module.h"
#include "rung/kv.h"

enum rung_kv_dir_kind {
    RUNG_KV_DIR_GET,
    RUNG_KV_DIR_WRITE,
    RUNG_KV_DIR_LIST,
    RUNG_KV_DIR_KINDS,
};

struct rung_kv_dir_job; /* a request on a worker thread; see kv_dir_impl.h */

struct rung_kv_dir_queue { /* of one kind */
    struct rung_task *first, **end; /* the operations' own tasks, linked by next */
    struct rung_kv_dir_job *idle;
};

struct rung_kv_dir {
    struct rung_kv kv;
    struct rung_platform *p;
    int root;          /* the folder */
    int temp;          /* its .rung-tmp, or -1; the write under way's */
    bool sync;
    bool beneath;      /* the kernel has openat2() and lets us use it */
    uint64_t temps;    /* names given to temporary files; the write under way's */
    int64_t last_ns;   /* time given to the file written last; the write under way's */
    struct rung_kv_dir_queue queues[RUNG_KV_DIR_KINDS];
    struct rung_kv_dir_job *jobs;
};

enum rung_err rung_kv_dir_open(struct rung_kv_dir *self, struct rung_platform *p,
                               const struct rung_kv_dir_keys *keys,
                               const struct rung_kv_dir_needs *needs);

#endif
