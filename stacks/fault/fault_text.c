/* SPDX-License-Identifier: ISC */
/* stacks/fault/fault_text.c - see fault_text.h. */
#include "fault_text.h"

#include <stddef.h>
#include <string.h>

enum { TEXT_DIGITS = 12 }; /* of a number: more than any that makes sense, and no overflow */

static const char *text_digits(const char *at, unsigned most, uint64_t *number, unsigned *count)
{
    *number = 0;
    for (*count = 0; *count < most && *at >= '0' && *at <= '9'; (*count)++)
        *number = *number * 10 + (uint64_t)(*at++ - '0');
    return at;
}

/* One share. What stands behind it, or NULL. */
static const char *text_share(const char *at, uint32_t *millionths)
{
    uint64_t whole, part = 0;
    unsigned digits, decimals = 0;
    at = text_digits(at, TEXT_DIGITS, &whole, &digits);
    if (digits > 0 && *at == '.') {
        at = text_digits(at + 1, 4, &part, &decimals);
        if (!decimals)
            return NULL;
    }
    for (; decimals < 4; decimals++)
        part *= 10;
    if (!digits || *at != '%' || whole > 100 || whole * 10000 + part > RUNG_FAULT_ALWAYS)
        return NULL;
    *millionths = (uint32_t)(whole * 10000 + part);
    return at + 1;
}

static const char *text_time(const char *at, uint64_t *ns)
{
    static const struct {
        char name[4];
        uint64_t ns;
    } units[] = {{"us", 1000}, {"ms", 1000000}, {"s", 1000000000}};
    uint64_t number;
    unsigned digits;
    at = text_digits(at, TEXT_DIGITS, &number, &digits);
    for (size_t i = 0; digits > 0 && i < sizeof(units) / sizeof(units[0]); i++) {
        size_t len = strlen(units[i].name);
        if (strncmp(at, units[i].name, len) != 0)
            continue;
        if (number > RUNG_FAULT_LONGEST_NS / units[i].ns)
            return NULL;
        *ns = number * units[i].ns;
        return at + len;
    }
    return NULL;
}

bool rung_fault_share(const char *text, uint32_t value[RUNG_FAULT_WAYS])
{
    const char *at = text_share(text, &value[RUNG_FAULT_TX]);
    value[RUNG_FAULT_RX] = value[RUNG_FAULT_TX];
    if (at && *at == '/')
        at = text_share(at + 1, &value[RUNG_FAULT_RX]);
    return at && *at == '\0';
}

bool rung_fault_time(const char *text, uint64_t value[RUNG_FAULT_WAYS])
{
    const char *at = text_time(text, &value[RUNG_FAULT_TX]);
    value[RUNG_FAULT_RX] = value[RUNG_FAULT_TX];
    if (at && *at == '/')
        at = text_time(at + 1, &value[RUNG_FAULT_RX]);
    return at && *at == '\0';
}
