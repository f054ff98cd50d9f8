/* SPDX-License-Identifier: ISC */
/* test/support/test_disk.h - a disk in memory that the test owns: it outlives the store and the
 * platform, can be looked into and damaged, and fails on demand.
 * Model    Requests are carried out on later turns, in order or in one of chance. With chance a
 *          write that fails leaves some of its sectors written.
 * Units    Bytes, a multiple of the sector size.
 * Owner    The test's. bytes may be put in place of others while nothing is in flight.
 * Context  The loop. */
#ifndef TEST_DISK_H
#define TEST_DISK_H

#include "rung/block.h"

struct test_disk {
    struct rung_block block;
    struct rung_platform *p;
    uint8_t *bytes;
    uint32_t chance;          /* 0: in order */
    int read_err, write_err, flush_err; /* what such requests answer, if not 0 */
    uint64_t bad_from, bad_to; /* bytes that cannot be read */
    long writes_left;         /* writes that still work; negative: all */
    uint64_t room_from;       /* those before this byte work anyhow */
    uint64_t reads, writes, flushes, read_bytes; /* done */
    struct rung_block_req *waiting, **waiting_end;
    unsigned waiting_count;
    struct rung_task work;
};

/* bytes: the disk's content, the caller's. caps: enum rung_block_cap. */
void test_disk_init(struct test_disk *disk, struct rung_platform *p, uint8_t *bytes, uint64_t size,
                    uint32_t sector_size, uint32_t caps);

#endif
