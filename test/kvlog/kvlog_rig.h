/* SPDX-License-Identifier: ISC */
/* test/kvlog/kvlog_rig.h - a kvlog on a disk in memory, driven request by request, for its tests.
 * Model    One platform, one disk, one store. Calls wait for what they start. Values are made from
 *          a number, so that a test remembers numbers instead of bytes.
 * Owner    The rig's memory is the test's until rig_end().
 * Context  The test's main flow; what must not fail fails the running cmocka test. */
#ifndef KVLOG_RIG_H
#define KVLOG_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kvlog.h"
#include "test_disk.h"
#include "test_platform.h"

struct rig {
    struct rung_platform *p;
    struct test_disk disk;
    struct rung_kvlog store;
    struct rung_kvlog_keys keys;
    struct rung_kvlog_needs needs;
    uint8_t *bytes;
    uint64_t size;
    uint32_t sector_size;
    uint64_t random;
    bool open;
};

/* An empty disk of that size, not yet a store; on the test's platform. */
void rig_begin(struct rig *rig, uint64_t size, uint32_t sector_size);
/* What is left is closed first. */
void rig_end(struct rig *rig);

/* The disk anew, with what it holds; its knobs at rest. */
void rig_disk(struct rig *rig, uint32_t caps);
enum rung_err rig_open(struct rig *rig);
int rig_close(struct rig *rig);
int rig_compact_result(struct rig *rig);
void rig_compact(struct rig *rig); /* which goes well */
/* Opens as if the program had been killed: with the bytes as they are. The present store is closed
 * without their knowing. */
void rig_kill(struct rig *rig);
/* The number of damages; prints each unless quiet. */
uint64_t rig_check(struct rig *rig, bool quiet);

uint64_t rig_random(struct rig *rig);
uint32_t rig_below(struct rig *rig, uint32_t n);

struct rig_value { /* a value: which one, and how long; number 0: no such key */
    uint64_t number;
    uint32_t len;
};
void rig_fill(uint8_t *to, const struct rig_value *value);
bool rig_is(const uint8_t *bytes, size_t len, const struct rig_value *value);

enum { RIG_CHANGES = 8 };

struct rig_write { /* a write that may be on its way with others */
    struct rung_kv_write req;
    struct rung_kv_change change[RIG_CHANGES];
    struct rung_vec vec[RIG_CHANGES][3];
    unsigned count;
    uint8_t *bytes[RIG_CHANGES];
    bool done;
    int result;
};
/* value->number 0: remove. The key stays the caller's. */
void rig_add(struct rig *rig, struct rig_write *write, const char *key, size_t key_len,
             const struct rig_value *value);
void rig_start(struct rig *rig, struct rig_write *write);
int rig_wait(struct rig *rig, struct rig_write *write); /* frees the values */
int rig_set(struct rig *rig, const char *key, const struct rig_value *value);

struct rig_get {
    struct rung_kv_get req;
    bool done;
    int result;
};
void rig_get_start(struct rig *rig, struct rig_get *get, const char *key, size_t key_len,
                   uint64_t offset, size_t len);
int rig_get_wait(struct rig *rig, struct rig_get *get);
/* Gets all of the key and looks whether it is that value. */
bool rig_has(struct rig *rig, const char *key, size_t key_len, const struct rig_value *value);
/* The whole: the result of a get, nothing lent. */
int rig_try(struct rig *rig, const char *key);
/* How many keys there are, by list. */
unsigned rig_count(struct rig *rig);

#endif
