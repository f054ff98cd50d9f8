/* SPDX-License-Identifier: ISC */
/* backends/virtual/record.h - text that a test will want to read: the log and the console. Only for
 * the files that make up the virtual platform. */
#ifndef RUNG_VIRTUAL_RECORD_H
#define RUNG_VIRTUAL_RECORD_H

#include <stddef.h>

struct virtual_record { /* zeroed: empty */
    char *text;         /* NUL-terminated; NULL: nothing yet */
    size_t len, room;
};

/* Adds text; beyond RUNG_VIRTUAL_KEEP bytes the older half goes. Out of memory: the text is
 * lost. */
void rung_virtual_record_add(struct virtual_record *record, const char *text, size_t len);
void rung_virtual_record_free(struct virtual_record *record);

#endif
