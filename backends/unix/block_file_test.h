/* SPDX-License-Identifier: ISC */
/* backends/unix/block_file_test.h - a disk on a file of its own folder, for block-file's tests. */
#ifndef BLOCK_FILE_TEST_H
#define BLOCK_FILE_TEST_H

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "block_file.h"
#include "test_platform.h"

enum { DISK = 1048576 };
enum { ENGINE_THREADS = 2 }; /* the key's word; io_uring has its variants in the contract suite */

struct file_test {
    struct rung_platform *p;
    struct rung_block_file disk;
    struct rung_block_file_keys keys;
    unsigned descriptors; /* open when it began */
    char folder[32], path[64];
    int result;
    bool done;
};

struct file_io {
    struct rung_block_req req;
    struct file_test *t;
};

static _Alignas(4096) uint8_t memory[DISK], back[DISK];

static inline unsigned count_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    unsigned n = 0;
    assert_non_null(dir);
    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

static inline void begin(struct file_test *t)
{
    memset(t, 0, sizeof(*t));
    t->p = test_platform_new();
    snprintf(t->folder, sizeof(t->folder), "block-file-XXXXXX");
    assert_non_null(mkdtemp(t->folder));
    snprintf(t->path, sizeof(t->path), "%s/disk", t->folder);
    t->keys = (struct rung_block_file_keys){
        .slot = "block", .path = t->path, .size = DISK, .depth = 4, .engine = ENGINE_THREADS,
    };
    t->descriptors = count_descriptors();
}

static inline enum rung_err open_disk(struct file_test *t)
{
    struct rung_block_file_needs needs = {0};
    return rung_block_file_open(&t->disk, t->p, &t->keys, &needs);
}

static inline bool is_done(void *arg)
{
    return ((struct file_test *)arg)->done;
}

static inline void on_closed(struct rung_op *op, int result)
{
    struct rung_block_req *req = rung_container_of(op, struct rung_block_req, op);
    struct file_test *t = rung_container_of(req, struct file_io, req)->t;
    t->result = result;
    t->done = true;
}

static inline void close_disk(struct file_test *t)
{
    struct file_io io = {.req.op.done = on_closed, .t = t};
    t->done = false;
    rung_block_close(&t->disk.block, &io.req.op);
    test_run_until(t->p, is_done, t);
    assert_int_equal(t->result, RUNG_OK);
}

static inline void end(struct file_test *t)
{
    assert_int_equal(count_descriptors(), t->descriptors);
    unlink(t->path);
    assert_int_equal(rmdir(t->folder), 0); /* nothing else was made */
    test_platform_free(t->p);
}

static inline int run(struct file_test *t, enum rung_block_kind kind, unsigned flags,
               const struct rung_vec *vec, unsigned n)
{
    struct file_io io = {
        .req = {.op.done = on_closed, .kind = kind, .flags = flags, .sector = 8, .count = 8,
                .vec = vec, .vec_count = n},
        .t = t,
    };
    t->done = false;
    rung_block_submit(&t->disk.block, &io.req);
    test_run_until(t->p, is_done, t);
    return t->result;
}

static inline int run_one(struct file_test *t, enum rung_block_kind kind, unsigned flags)
{
    struct rung_vec vec = {kind == RUNG_BLOCK_READ ? back : memory, 65536};
    return run(t, kind, flags, &vec, 1);
}

static inline void expect_refused(struct file_test *t, enum rung_err err, const char *says)
{
    size_t lines = test_log_count(t->p), blocks = test_heap_blocks(t->p);
    assert_int_equal(open_disk(t), err);
    if (!strstr(test_log_last(t->p), says))
        fail_msg("the log says '%s', not '%s'", test_log_last(t->p), says);
    assert_int_equal(test_log_count(t->p), lines + 1);
    assert_int_equal(count_descriptors(), t->descriptors);
    assert_int_equal(test_heap_blocks(t->p), blocks);
}

static inline void make_file(const char *path, off_t len)
{
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, len), 0);
    close(fd);
}

#endif
