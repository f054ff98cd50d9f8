/* SPDX-License-Identifier: ISC */
/* stacks/tarkv/tarkv_get.h - get has a file of its own; only for the files of tarkv. */
#ifndef RUNG_TARKV_GET_H
#define RUNG_TARKV_GET_H

#include "tarkv.h"

void rung_tarkv_get(struct rung_kv *kv, struct rung_kv_get *get);

#endif
