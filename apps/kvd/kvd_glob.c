/* SPDX-License-Identifier: ISC */
/* apps/kvd/kvd_glob.c - patterns of KEYS, SCAN and CONFIG GET: * ? [abc] [^a-z] and \ before any of
 * them. A star that did not fit is tried at the next place, and only the last star: that is enough,
 * and bounded by the product of the lengths. */
#include "kvd_int.h"

/* Whether the class at p, behind its '[', holds c; moves p behind its ']', or to the end. */
static bool glob_class(const uint8_t **p, const uint8_t *end, uint8_t c)
{
    const uint8_t *at = *p;
    bool not = at < end && *at == '^', found = false;
    at += not;
    while (at < end && *at != ']') {
        if (*at == '\\' && at + 1 < end)
            at++;
        uint8_t low = *at++, high = low;
        if (end - at >= 2 && at[0] == '-' && at[1] != ']') {
            high = at[1];
            at += 2;
        }
        if (low > high) {
            uint8_t swap = low;
            low = high;
            high = swap;
        }
        found = found || (c >= low && c <= high);
    }
    *p = at < end ? at + 1 : end;
    return found != not;
}

/* Whether one byte fits what stands at p, which is no star; moves p behind it. */
static bool glob_one(const uint8_t **p, const uint8_t *end, uint8_t c)
{
    uint8_t what = *(*p)++;
    if (what == '?')
        return true;
    if (what == '[')
        return glob_class(p, end, c);
    if (what == '\\' && *p < end)
        what = *(*p)++;
    return what == c;
}

bool kvd_glob(struct kvd_bytes pattern, struct kvd_bytes name, uint64_t *steps)
{
    if (pattern.len == 0)
        return name.len == 0;
    const uint8_t *p = pattern.at, *end = p + pattern.len, *star = NULL;
    size_t at = 0, star_at = 0;
    while (at < name.len) {
        if (p < end && *p == '*') {
            star = ++p;
            star_at = at;
            if (p == end)
                return true;
            continue;
        }
        const uint8_t *was = p;
        bool fits = p < end && glob_one(&p, end, name.at[at]);
        *steps += 1 + (uint64_t)(p - was);
        if (fits) {
            at++;
            continue;
        }
        if (star == NULL)
            return false;
        p = star;
        at = ++star_at;
    }
    while (p < end && *p == '*')
        p++;
    return p == end;
}

size_t kvd_glob_literal(struct kvd_bytes pattern)
{
    size_t n = 0;
    while (n < pattern.len && n < RUNG_KV_KEY_MAX
           && (pattern.at[n] == 0 || strchr("*?[\\", pattern.at[n]) == NULL))
        n++;
    return n;
}
