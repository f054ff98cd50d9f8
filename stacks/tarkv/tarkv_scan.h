/* SPDX-License-Identifier: ISC */
/* stacks/tarkv/tarkv_scan.h - reading an archive from its beginning to its end; only for the files
 * of tarkv. It runs the loop: outside callbacks only. */
#ifndef RUNG_TARKV_SCAN_H
#define RUNG_TARKV_SCAN_H

#include "tarkv.h"

/* Adds an entry for each file and link. What is wrong has been logged. */
enum rung_err rung_tarkv_scan(struct rung_tarkv *self);

#endif
