/* SPDX-License-Identifier: ISC */
/* test/xen-fake/blkback.h - a back end for disks, for tests of blkfront: honest and strict, or not.
 * Model    A disk in memory, which outlives the back end, served as Linux's blkback does: requests
 *          are taken off the ring when the front end notifies, and answered on later turns. What no
 *          front end may do (a malformed request, an id twice, a grant that is too weak or too
 *          strong, old bytes in a page, two requests in flight that overlap and one writes) ends
 *          the program with a line "blkback: ...". Power can be cut: what was not flushed is lost.
 * Units    Sectors of 512 bytes, as on the ring.
 * Owner    The test's, from new to free. Free it before the fake.
 * Context  Test code; knobs may be turned at any time, config counts from the next connection on.
 * Errors   Running out of the host's memory ends the program. */
#ifndef BLKBACK_H
#define BLKBACK_H

#include "fake.h"
#include "xen/bus/abi.h"
#include "xen/bus/device.h"
#include "xen/hypercall.h"

#include <xen/io/blkif.h>

#define BLKBACK_SEGMENTS 512u
#define BLKBACK_PERSISTENT 1024u

struct blkback_config { /* zero: reads and writes of 11 segments over one page of ring */
    uint64_t sectors;
    uint32_t sector_size; /* 0: says nothing of it, and means 512 */
    bool read_only;       /* mode r */
    bool read_only_info;  /* the same, said in info */
    bool flush, barrier, discard, persistent;
    bool untrusted;       /* the toolstack tells the guest not to trust it */
    bool ring_pages;      /* says max-ring-pages instead of max-ring-page-order */
    uint32_t granularity, alignment; /* of discard, in bytes; 0: says nothing */
    uint32_t max_segments;           /* indirect ones; 0: none */
    uint32_t max_order;
};

struct blkback_request { /* one in flight */
    struct blkback_request *next;
    uint64_t id, sector, sectors;
    uint8_t operation; /* BLKIF_OP_*, not INDIRECT */
    bool bad;          /* not to be carried out */
    unsigned count;
    struct blkif_request_segment segment[BLKBACK_SEGMENTS];
    uint8_t *page[BLKBACK_SEGMENTS];
};

struct blkback {
    struct blkback_config config;
    /* knobs */
    bool hold;              /* takes requests, answers none */
    uint64_t shuffle;       /* state of a generator: answers a few, in any order; 0: all of them */
    uint64_t limit;         /* sectors from here on fail; UINT64_MAX: none */
    int16_t status[8];      /* by operation: fails with this one, doing nothing */
    bool keeps;             /* answers without unmapping; see blkback_let_go() */
    void (*spoil)(struct blkback *back, struct blkif_response *response); /* a liar's last word */
    bool careless;          /* what a front end does wrong is an error, not the end */
    const char *say_key, *say_value; /* one key of its own to be said last, in other words */
    void *arg;              /* the test's */
    /* what happened */
    uint64_t count[8];      /* requests by operation, INDIRECT for itself as well */
    uint64_t segments;      /* of all of them */
    unsigned flying, peak;  /* requests taken and not answered */
    unsigned connects;
    /* its own */
    struct fake *fake;
    struct fake_backend device;
    struct fake_port port;
    struct rung_task work;
    const char *id;
    uint8_t *bytes, *durable; /* the disk, and what a power cut leaves of it */
    struct blkif_sring *ring; /* page 0 */
    uint8_t *page[16];
    uint32_t ref[16], pages, size, taken, answered;
    struct blkback_request *first, **last;
    uint32_t kept[BLKBACK_PERSISTENT];  /* persistent grants, or those it keeps */
    uint8_t *kept_page[BLKBACK_PERSISTENT];
    unsigned kept_count;
    bool persistent;        /* agreed on */
};

/* The toolstack adds a disk, and a back end starts for it. id: "51712". */
struct blkback *blkback_new(struct fake *fake, const char *id, const struct blkback_config *config);
void blkback_free(struct blkback *back); /* stops it, and removes the device */

/* A back end that was stopped (fake_backend_stop) or whose device was removed starts anew, with
 * config as it is now. plug: the toolstack adds the device once more before. */
void blkback_restart(struct blkback *back, bool plug);

/* The disk becomes this long, all of it kept as far as it goes on. */
void blkback_resize(struct blkback *back, uint64_t sectors);

/* What was written and not flushed is lost. */
void blkback_power_cut(struct blkback *back);

/* With hold: answers those in flight now. With keeps: unmaps what it has kept. */
void blkback_answer(struct blkback *back);
void blkback_let_go(struct blkback *back);

/* Puts a response into the ring and notifies, whatever was asked for; and just the number of
 * responses, for which nothing was written. */
void blkback_say(struct blkback *back, const struct blkif_response *response);
void blkback_claim(struct blkback *back, uint32_t more);

/* Whether it can still read or write some of this memory. */
bool blkback_holds(const struct blkback *back, const uint8_t *memory, size_t len);

/* blkback_io.c: takes requests off the ring; carries out one and answers it; drops one. */
void blkback_take(struct blkback *back);
void blkback_finish(struct blkback *back, struct blkback_request *request);
void blkback_drop(struct blkback *back, struct blkback_request *request);

/* The front end has done what none may do: ends the program, or gives true if it is careless. */
bool blkback_wrong(const struct blkback *back, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
