/* SPDX-License-Identifier: ISC */
/* backends/virtual/record.c - a text that grows to a bound. It uses malloc() and not the platform's
 * heap: what a test counts and fails there is the code under test alone. */
#include "virtual/record.h"

#include <stdlib.h>
#include <string.h>

#include "virtual/virtual.h"

void rung_virtual_record_add(struct virtual_record *record, const char *text, size_t len)
{
    if (len > RUNG_VIRTUAL_KEEP) {
        text += len - RUNG_VIRTUAL_KEEP;
        len = RUNG_VIRTUAL_KEEP;
    }
    if (record->len + len > RUNG_VIRTUAL_KEEP) {
        size_t keep = record->len / 2;
        if (keep + len > RUNG_VIRTUAL_KEEP)
            keep = RUNG_VIRTUAL_KEEP - len;
        memmove(record->text, record->text + record->len - keep, keep);
        record->len = keep;
    }
    if (record->len + len + 1 > record->room) {
        size_t room = (record->len + len + 1) * 2;
        char *grown = realloc(record->text, room);
        if (!grown)
            return;
        record->text = grown;
        record->room = room;
    }
    memcpy(record->text + record->len, text, len);
    record->len += len;
    record->text[record->len] = '\0';
}

void rung_virtual_record_free(struct virtual_record *record)
{
    free(record->text);
    *record = (struct virtual_record){0};
}
