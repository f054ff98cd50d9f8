/* SPDX-License-Identifier: ISC */
/* backends/xen/args.h - the domain's command line as words.
 * Model    Words stand between blanks. Double quotes, anywhere in a word, keep the blanks in it:
 *          name="a b" and "name=a b" are the word name=a b, and "" is an empty word. Nothing else
 *          is special.
 * Units    Bytes.
 * Owner    The text is the caller's; words point into it.
 * Context  Boot.
 * Errors   INVAL: a quote is not closed. */
#ifndef RUNG_XEN_ARGS_H
#define RUNG_XEN_ARGS_H

#include "rung/base.h"

/* How many words there are in text, or INVAL. */
int rung_xen_args_count(const char *text);

/* Splits text where it stands into words, of which there are as many as rung_xen_args_count() has
 * said. */
void rung_xen_args_split(char *text, const char *words[]);

/* Takes a key of the kernel's own out of the words: the value of the last word key=value (or
 * --key=value), NULL if there is none. *count falls by as many as there were. */
const char *rung_xen_args_take(const char *words[], size_t *count, const char *key);

#endif
