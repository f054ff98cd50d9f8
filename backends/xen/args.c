/* SPDX-License-Identifier: ISC */
/* backends/xen/args.c - see args.h. */
#include "xen/args.h"

#include <limits.h>
#include <string.h>

static bool args_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Reads the word that begins at text and writes it, without its quotes, to out (which may be text
 * itself, or NULL: nowhere). Returns what stands behind it, or NULL if a quote is open. */
static const char *args_word(const char *text, char *out)
{
    bool quoted = false;
    size_t n = 0;
    for (; *text && (quoted || !args_blank(*text)); text++) {
        if (*text == '"')
            quoted = !quoted;
        else if (out)
            out[n++] = *text;
    }
    if (quoted)
        return NULL;
    /* The end may overwrite the blank behind the word: step over it first. */
    if (*text)
        text++;
    if (out)
        out[n] = '\0';
    return text;
}

int rung_xen_args_count(const char *text)
{
    int count = 0;
    for (;;) {
        while (args_blank(*text))
            text++;
        if (!*text || count == INT_MAX)
            return count;
        text = args_word(text, NULL);
        if (!text)
            return RUNG_E_INVAL;
        count++;
    }
}

void rung_xen_args_split(char *text, const char *words[])
{
    const char *at = text;
    for (size_t i = 0;; i++) {
        while (args_blank(*at))
            at++;
        if (!*at)
            return;
        char *word = text + (at - text);
        words[i] = word;
        at = args_word(at, word);
        assert(at); /* it was counted, so its quotes are closed */
    }
}

const char *rung_xen_args_take(const char *words[], size_t *count, const char *key)
{
    const char *value = NULL;
    size_t kept = 0, len = strlen(key);
    for (size_t i = 0; i < *count; i++) {
        const char *name = strncmp(words[i], "--", 2) == 0 ? words[i] + 2 : words[i];
        if (strncmp(name, key, len) == 0 && name[len] == '=')
            value = name + len + 1;
        else
            words[kept++] = words[i];
    }
    *count = kept;
    return value;
}
