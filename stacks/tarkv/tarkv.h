/* SPDX-License-Identifier: ISC */
/* stacks/tarkv/tarkv.h - KV on a disk that holds a tar archive: what `tar cf` wrote is there to be
 * got.
 * Model    Read-only. ustar and pax as POSIX.1-2008 has them (pax, "EXTENDED DESCRIPTION"), GNU
 *          tar's long names and big numbers, and V7. A regular file is a value under its name, with
 *          "./" left out; of several files of one name the last counts, as when the archive is
 *          unpacked. Links to files of the archive count as what they lead to. Folders, devices and
 *          fifos are not there, nor is a name with a part that starts with ".rung-". What leads out
 *          of the archive (a name with "..", an absolute one, such a link), leads in a circle or
 *          nowhere, is damaged, cut off or sparse, or is both file and folder is refused when it is
 *          opened. What lies behind the archive's end is not looked at. Types are not known;
 *          versions are sums (XXH3, 128 bits) of a value's bytes.
 * Units    Bytes. A key costs about 80 bytes of memory besides itself.
 * Owner    The state is the opener's; all else is on the heap until close is done. Nobody writes to
 *          the disk while it is open.
 * Context  The loop. open runs it until the archive is read: outside callbacks only.
 * Errors   open: NOTFOUND (no archive there), CORRUPT (damaged, cut off, or hostile), NOTSUP (a
 *          kind of entry that is not known), NOMEM, IO, DOWN, CANCELED (the loop was stopped).
 *          Requests: as kv.h says. */
#ifndef RUNG_TARKV_H
#define RUNG_TARKV_H

#include "rung/block.h"
#include "rung/kv.h"
#include "tarkv_module.h"

struct rung_tarkv_entry; /* a file; see tarkv_index.h */

struct rung_tarkv {
    struct rung_kv kv;
    struct rung_platform *p;
    struct rung_block *block;
    const char *slot;
    struct rung_tarkv_entry **entries; /* in order of their keys, once it is open */
    size_t count, room;
    uint64_t memory, memory_max; /* bytes taken; most allowed, 0: no bound */
    bool versions;
    unsigned gets; /* in flight or lent */
};

enum rung_err rung_tarkv_open(struct rung_tarkv *self, struct rung_platform *p,
                              const struct rung_tarkv_keys *keys,
                              const struct rung_tarkv_needs *needs);

#endif
