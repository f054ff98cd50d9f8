/* SPDX-License-Identifier: ISC */
/* test/contract/block/suite.h - the contract of BLOCK as tests, and what a module supplies to run
 * it.
 * Model    A program is the suite, one fixture and one module. The suite runs every case for each
 *          of the fixture's variants and for both sector sizes. A rig is one medium (a file, a
 *          piece of memory, a disk of a hypervisor) that can be opened as a disk, closed and opened
 *          again. A hook that is NULL, or answers false, says that this fault cannot be made here;
 *          the cases that need it are then reported as skipped, with the reason.
 * Units    Sectors of the size asked for.
 * Owner    Rigs are made and freed by the fixture. The suite closes what open() gave before it
 *          opens the rig again or frees it.
 * Context  Test code, outside callbacks. */
#ifndef BLOCK_SUITE_H
#define BLOCK_SUITE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "rung/block.h"
#include "test_platform.h"

struct block_rig; /* the fixture's own */

struct block_how {
    uint32_t sector_size;
    uint64_t sectors;
    bool read_only;
};

struct block_fixture {
    const char *module;          /* as in its table */
    const char *const *variants; /* settings to run everything with; ends with NULL */
    bool keeps;                  /* the content outlives close */
    bool heapless;               /* open takes nothing from the heap */
    struct block_rig *(*make)(struct rung_platform *p, const char *variant);
    void (*free)(struct block_rig *rig);
    /* The module's own open, with how; the first one makes the medium, later ones have the same
     * sector size and sectors. NOTSUP: this module has no such disks. */
    enum rung_err (*open)(struct block_rig *rig, const struct block_how *how,
                          struct rung_block **block);
    /* Hooks, while the disk is open. Cut the medium off behind its first `sectors` sectors. */
    bool (*shrink)(struct block_rig *rig, uint64_t sectors);
    /* Let there be no room for sectors from this one on that were never written; UINT64_MAX: let
     * there be room again. */
    bool (*fill)(struct block_rig *rig, uint64_t sector);
    /* Wait until open and close have given back all that the platform had for them; NULL: at
     * once. */
    void (*settle)(struct block_rig *rig);
    /* Take the device away. */
    bool (*unplug)(struct block_rig *rig);
};

extern const struct block_fixture block_fixture; /* one in each program */

/* A case's surroundings. */
struct block_test {
    struct rung_platform *p;
    struct block_rig *rig;
    struct rung_block *block;
    struct block_how how;
    uint64_t chance;  /* state of the generator */
    bool in_call;     /* done() must not run now */
    unsigned flying;  /* requests submitted and not done */
};

/* A request of the suite, which checks that done() runs once, and not inside submit. */
struct block_io {
    struct rung_block_req req;
    struct block_test *t;
    unsigned done_count;
    int result;
    void (*then)(struct block_io *io); /* may be NULL */
    void *arg;
};

/* suite.c */
extern const char *block_variant;   /* of the group that runs */
extern uint32_t block_sector_size;  /* likewise */
void block_begin(struct block_test *t, uint64_t sectors, bool read_only);
void block_reopen(struct block_test *t, bool read_only);
void block_close(struct block_test *t);
void block_end(struct block_test *t); /* closes, and fails if memory is left */
void block_skip(struct block_test *t, const char *why);
uint32_t block_chance(struct block_test *t, uint32_t below);
unsigned block_rounds(unsigned n); /* fewer under valgrind */
void *block_memory(size_t len);    /* at a multiple of RUNG_BLOCK_ALIGN and of no more; free() */
void block_free_memory(void *memory);
void block_fill(void *memory, size_t len, uint64_t stamp); /* whole sectors tell their stamp */
void block_expect(const void *memory, size_t len, uint64_t stamp);

void block_submit(struct block_test *t, struct block_io *io, enum rung_block_kind kind,
                  uint64_t sector, const struct rung_vec *vec, unsigned vec_count);
/* n writes of one sector each, with memory of its own and its number as stamp: to sector i, or, for
 * each third from the second on, beyond them by `off`. */
void block_write_each(struct block_test *t, struct block_io *io, struct rung_vec *vec, unsigned n,
                      uint64_t off);
void block_submit_again(struct block_io *io); /* io->req as it is; safe in then() */
void block_wait(struct block_test *t);        /* until nothing is in flight */
int block_rw(struct block_test *t, enum rung_block_kind kind, unsigned flags, uint64_t sector,
             void *memory, size_t len); /* one request of one segment, waited for */
int block_discard(struct block_test *t, uint64_t sector, uint64_t count);
int block_flush(struct block_test *t);
void block_write_stamp(struct block_test *t, uint64_t sector, uint64_t count, uint64_t stamp);
void block_expect_stamp(struct block_test *t, uint64_t sector, uint64_t count, uint64_t stamp);

/* The oracle of suite_oracle.c: what each sector may hold while many requests are in flight. */
struct oracle;
struct oracle *oracle_new(uint64_t sectors);
void oracle_free(struct oracle *o);
bool oracle_has_room(const struct oracle *o, uint64_t sector);
uint64_t oracle_begin(struct oracle *o); /* a request is submitted: its number */
void oracle_change(struct oracle *o, uint64_t sector, uint64_t number, uint64_t stamp);
void oracle_changed(struct oracle *o, uint64_t sector, uint64_t number);
void oracle_read(struct oracle *o, uint64_t sector, int by);
bool oracle_allows(const struct oracle *o, uint64_t sector, uint64_t number, uint64_t stamp);
#define ORACLE_ANYTHING UINT64_MAX /* the stamp of a sector that was discarded */

/* The cases of one file each, to be run in this order; ends with a NULL name. */
extern const struct CMUnitTest block_request_cases[];
extern const struct CMUnitTest block_limit_cases[];
extern const struct CMUnitTest block_life_cases[];
extern const struct CMUnitTest block_fault_cases[];
extern const struct CMUnitTest block_model_cases[];

#endif
