/* SPDX-License-Identifier: ISC */
/* tools/rung-kv/kv_words.c - what modules say, in the words of this program: they speak of the keys
 * of an app's slots, of which its command line has none. */
#include <string.h>

#include "kv_store.h"
#include "rung/log.h"

/* What they say to mend it with, and how that is done here; "": not at all. */
static const struct words {
    const char *theirs, *ours;
} words[] = {
    {"correct disk.path, or have it made with disk.size=SIZE "
     "(a new store in it wants create=on too)",
     "correct its name, or make it with rung-kv create"},
    {"correct disk.path", "correct its name"},
    {"set disk.path to ", "name "},
    {"set disk.size to less", "give a smaller SIZE"},
    {"set disk.size to a multiple", "give a SIZE that is a multiple"},
    {", or set disk.read-only=on", ""},
    {"set disk.read-only=on, or mount", "mount"},
    {", or set disk.depth to less", ""},
    {"store.create=on makes one of an empty disk", "rung-kv create makes one of an empty disk"},
    {"store.salvage=on; ", ""},
    {"set store.memory to more, or give more memory", "give more memory"},
};

/* Puts `ours` in place of text[at..at + gone). */
static void words_put(char *text, size_t at, size_t gone, const char *ours)
{
    char rest[RUNG_LOG_MAX + 1];
    snprintf(rest, sizeof(rest), "%s", text + at + gone);
    snprintf(text + at, RUNG_LOG_MAX + 1 - at, "%s%s", ours, rest);
}

void kv_log(const char *line, size_t len)
{
    char text[RUNG_LOG_MAX + 1];
    snprintf(text, sizeof(text), "%.*s", (int)(len > 0 ? len - 1 : 0), line);
    for (size_t i = 0; i < RUNG_ARRAY_LEN(words); i++) {
        char *at = strstr(text, words[i].theirs);
        if (at)
            words_put(text, (size_t)(at - text), strlen(words[i].theirs), words[i].ours);
    }
    bool warns = strncmp(text, "warn: ", 6) == 0; /* "<level>: <slot>: <what>" */
    const char *what = text;
    for (unsigned n = 0; n < 2 && strstr(what, ": "); n++)
        what = strstr(what, ": ") + 2;
    kv_say("%s%s", warns ? "warning: " : "", what);
}
