/* SPDX-License-Identifier: ISC */
/* backends/unix/kv_dir_impl.h - what the files of kv-dir share; nobody else includes it. */
#ifndef RUNG_KV_DIR_IMPL_H
#define RUNG_KV_DIR_IMPL_H

#include <sys/stat.h>
#include <uv.h>

#include "kv_dir.h"

#define RUNG_KV_DIR_TEMP ".rung-tmp"

struct rung_kv_dir_lent; /* a value on its way out; see kv_dir_get.c */
struct rung_kv_dir_walk; /* a list's place in the tree; see kv_dir_walk.c */

struct rung_kv_dir_job {
    uv_work_t work;
    struct rung_kv_dir *dir;
    enum rung_kv_dir_kind kind;
    struct rung_kv_dir_job *next; /* idle ones */
    struct rung_op *op;
    int result;
    char path[RUNG_KV_KEY_MAX + 1];
    struct rung_kv_dir_lent *lent;
    struct rung_kv_dir_walk *walk;
};

static inline struct rung_kv_dir *rung_kv_dir_of(struct rung_kv *kv)
{
    return rung_container_of(kv, struct rung_kv_dir, kv);
}

/* kv_dir.c, for the loop's thread: runs work(job) on a worker thread and then after(job) here; ends
 * the job's request with result, and gives the job to the next request of its kind. */
void rung_kv_dir_work(struct rung_kv_dir_job *job, uv_work_cb work, uv_after_work_cb after);
void rung_kv_dir_end(struct rung_kv_dir_job *job, int result);

/* Starts of the three kinds, with job->op and, for get and write, job->path set. 0: it is under
 * way; or an error to end the request with. */
int rung_kv_dir_get_start(struct rung_kv_dir_job *job);
int rung_kv_dir_write_start(struct rung_kv_dir_job *job);
int rung_kv_dir_list_start(struct rung_kv_dir_job *job);

/* kv_dir_path.c, any thread. Negative results are enum rung_err. */

/* What an errno means for a request. */
enum rung_err rung_kv_dir_err(int errno_value);

/* Whether the kernel lets us use openat2(). */
bool rung_kv_dir_has_openat2(int root);

/* A descriptor of what a get would find at path ("": the folder itself), opened with flags; it may
 * be anything but outside the folder. Links are followed as far as they stay inside, with
 * openat2(); without it, not at all. NOTFOUND covers links that lead out. */
int rung_kv_dir_open_at(const struct rung_kv_dir *dir, const char *path, int flags);

/* Facts about what a get would find at path. */
int rung_kv_dir_stat(const struct rung_kv_dir *dir, const char *path, struct stat *st);

/* A descriptor of the folder that holds path, walked without following links: 0 or an errno, for
 * the caller knows what it means. made: NULL, or folders that are missing are made, and *made is
 * how much of path names the first of these (0: none was). */
int rung_kv_dir_parent(const struct rung_kv_dir *dir, const char *path, size_t *made, int *parent);

/* Removes the folders that hold path and have nothing in them, up to one whose name is not longer
 * than keep. */
void rung_kv_dir_prune(const struct rung_kv_dir *dir, const char *path, size_t keep);

/* The last part of path. */
const char *rung_kv_dir_name(const char *path);

/* kv_dir_temp.c, any thread: the folder of temporary files. init removes what a crash has left;
 * new makes a file, named in name, and gives its descriptor; remove takes one back. */
void rung_kv_dir_temp_init(struct rung_kv_dir *dir);
int rung_kv_dir_temp_new(struct rung_kv_dir *dir, char name[32]);
void rung_kv_dir_temp_remove(const struct rung_kv_dir *dir, const char *name);
void rung_kv_dir_temp_end(struct rung_kv_dir *dir);

/* kv_dir_walk.c, any thread: the keys of the tree, piece by piece. */
struct rung_kv_dir_found { /* in walk's output, one after the other */
    uint64_t size;
    uint16_t key_len, record_len; /* to the next */
    char key[];
};

/* Memory for a walk; start it before the first step. */
size_t rung_kv_dir_walk_size(void);
void rung_kv_dir_walk_start(struct rung_kv_dir_walk *walk, const struct rung_kv_dir *dir,
                            const struct rung_kv_list *list);
/* Finds up to most keys (0: as many as there is room for) behind the last step's. 1: there may be
 * more; 0: those were the last; or an error, with the keys found so far. */
int rung_kv_dir_walk_step(struct rung_kv_dir_walk *walk, uint32_t most);
/* The first of the last step's keys, or with one of them the next; NULL: no more. */
const struct rung_kv_dir_found *rung_kv_dir_walk_found(const struct rung_kv_dir_walk *walk,
                                                       const struct rung_kv_dir_found *found);

#endif
