/* SPDX-License-Identifier: ISC */
/* interfaces/rung/args.h - ARGS: the words the program was started with.
 * Model    A list of words: argv after the program's name on Unix; the Xen kernel command line
 *          split at spaces, with "double quotes" around a word that holds some. `key=value` and
 *          `--key=value` are the same word; stacks/boot turns them into keys.
 * Units    NUL-terminated UTF-8.
 * Owner    The platform's, valid and unchanged while the platform lives.
 * Context  Any callback.
 * Errors   None. */
#ifndef RUNG_ARGS_H
#define RUNG_ARGS_H

#include "rung/base.h"

size_t rung_args_count(struct rung_platform *p);
const char *rung_args_word(struct rung_platform *p, size_t index); /* index < count */

#endif
