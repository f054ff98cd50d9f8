/* SPDX-License-Identifier: ISC */
/* apps/kvd/kvd_text.c - a growing text, for replies that are written at once and as a whole: lists,
 * INFO, CONFIG GET. */
#include <stdarg.h>
#include <stdio.h>

#include "kvd_int.h"

void kvd_text_init(struct kvd_text *t, struct kvd_memory *m, size_t max)
{
    *t = (struct kvd_text){.m = m, .max = max};
}

void kvd_text_drop(struct kvd_text *t)
{
    if (t->hold != NULL)
        kvd_hold_drop(t->m, t->hold);
    t->hold = NULL;
    t->len = t->room = 0;
}

/* Moves it to where more has room. */
static void text_grow(struct kvd_text *t, size_t more)
{
    size_t room = t->room > 0 ? t->room * 2 : 512;
    while (room < t->len + more)
        room *= 2;
    if (room > t->max)
        room = t->max;
    struct kvd_hold *hold = room - t->len >= more ? kvd_hold_own(t->m, room) : NULL;
    if (hold == NULL) {
        t->failed = true;
        kvd_text_drop(t);
        return;
    }
    if (t->hold != NULL) {
        memcpy(kvd_hold_bytes(hold), kvd_hold_bytes(t->hold), t->len);
        kvd_hold_drop(t->m, t->hold);
    }
    kvd_hold_charge(t->m, hold, room);
    t->hold = hold;
    t->room = room;
}

void kvd_text_add(struct kvd_text *t, const void *bytes, size_t len)
{
    if (!t->failed && t->room - t->len < len)
        text_grow(t, len);
    if (t->failed || len == 0)
        return;
    memcpy(kvd_hold_bytes(t->hold) + t->len, bytes, len);
    t->len += len;
}

void kvd_text_fmt(struct kvd_text *t, const char *fmt, ...)
{
    char line[512];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    kvd_text_add(t, line, len < (int)sizeof line ? (size_t)len : sizeof line - 1);
}

void kvd_text_bulk(struct kvd_text *t, const void *bytes, size_t len)
{
    kvd_text_fmt(t, "$%zu\r\n", len);
    kvd_text_add(t, bytes, len);
    kvd_text_add(t, "\r\n", 2);
}

void kvd_text_word(struct kvd_text *t, const char *word)
{
    kvd_text_bulk(t, word, strlen(word));
}

void kvd_text_reply(struct kvd_text *t, struct kvd_cmd *cmd)
{
    if (t->failed || t->hold == NULL) {
        kvd_text_drop(t);
        kvd_fail(cmd, "OOM the answer needs more memory than there is for it");
        return;
    }
    kvd_raw(cmd, t->hold, t->len);
    t->hold = NULL;
}
