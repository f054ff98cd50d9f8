/* SPDX-License-Identifier: ISC */
/* test/xen-fake/blkfront_testing.h - one disk on the fake hypervisor, for blkfront's tests.
 * Model    A test begins with a back end, opens the disk, and ends; requests of one segment or many
 *          are submitted and waited for. Memory that is handed out stands among bytes that are not
 *          zero, so that a page lent by mistake shows more than it should.
 * Units    Sectors of the disk's own size; back ends count 512 bytes.
 * Owner    All of it is the test's.
 * Context  cmocka tests, outside callbacks. */
#ifndef BLKFRONT_TESTING_H
#define BLKFRONT_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "blkback.h"
#include "blkfront.h"
#include "test_platform.h"
#include "test_virtual.h"

#include <xen/io/xenbus.h>

struct blk_test {
    struct rung_platform *p;
    struct fake *fake;
    struct blkback *back;
    struct rung_blkfront disk;
    struct rung_blkfront_keys keys;
    bool open;
    unsigned flying;
};

struct blk_io {
    struct rung_block_req req;
    struct rung_vec vec;
    struct blk_test *t;
    unsigned done_count;
    int result;
};

extern const struct blkback_config blk_rich; /* a back end that offers everything, 1024 sectors */

void blk_begin(struct blk_test *t, const struct blkback_config *config);
void blk_begin_small(struct blk_test *t, const struct blkback_config *config,
                     const struct fake_config *guest);
enum rung_err blk_open(struct blk_test *t);
void blk_close(struct blk_test *t);
void blk_end(struct blk_test *t); /* closes if it is open */

uint8_t *blk_memory(size_t len, size_t offset); /* so far behind the start of a page */
void blk_free(uint8_t *memory, size_t offset);

void blk_submit(struct blk_test *t, struct blk_io *io, enum rung_block_kind kind, uint64_t sector,
                void *memory, size_t len);
void blk_submit_vec(struct blk_test *t, struct blk_io *io, enum rung_block_kind kind,
                    uint64_t sector, const struct rung_vec *vec, unsigned count);
void blk_wait(struct blk_test *t); /* until nothing is in flight */
int blk_rw(struct blk_test *t, enum rung_block_kind kind, uint64_t sector, void *memory,
           size_t len);
int blk_flush(struct blk_test *t);
int blk_discard(struct blk_test *t, uint64_t sector, uint64_t count);
/* Runs the loop until the front end's device is in this state. */
void blk_until(struct blk_test *t, enum rung_xen_device_state state);
bool blk_log_has(struct blk_test *t, const char *text); /* in its last line */

#endif
