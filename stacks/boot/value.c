/* SPDX-License-Identifier: ISC */
/* stacks/boot/value.c - the text of one key's value to what stands in C. */
#include "boot.h"

#include <string.h>

#include "rung/addr.h"
#include "rung/clock.h"
#include "rung/log.h"

/* Reads decimal digits up to max. Returns what stands behind them, or NULL. */
static const char *value_digits(const char *text, uint64_t max, uint64_t *number)
{
    const char *at = text;
    *number = 0;
    for (; *at >= '0' && *at <= '9'; at++) {
        uint64_t digit = (uint64_t)(*at - '0');
        if (*number > (max - digit) / 10)
            return NULL;
        *number = *number * 10 + digit;
    }
    return at > text ? at : NULL;
}

static bool value_number(const char *text, uint64_t max, uint64_t *number)
{
    const char *rest = value_digits(text, max, number);
    return rest && *rest == '\0';
}

/* A number with one of a few units behind it. */
struct value_unit {
    const char *name;
    uint64_t factor;
};

static bool value_with_unit(const char *text, const struct value_unit units[], size_t n,
                            uint64_t *number)
{
    const char *rest = value_digits(text, UINT64_MAX, number);
    for (size_t i = 0; rest && i < n; i++) {
        if (strcmp(rest, units[i].name) != 0)
            continue;
        if (*number > UINT64_MAX / units[i].factor)
            return false;
        *number *= units[i].factor;
        return true;
    }
    return false;
}

static bool value_size(const char *text, uint64_t *size)
{
    static const struct value_unit units[] = {
        {"", 1}, {"K", 1u << 10}, {"M", 1u << 20}, {"G", 1u << 30}};
    return value_with_unit(text, units, RUNG_ARRAY_LEN(units), size);
}

static bool value_duration(const char *text, uint64_t *ns)
{
    static const struct value_unit units[] = {{"ms", RUNG_NS_PER_MS},
                                              {"s", RUNG_NS_PER_S},
                                              {"m", 60 * RUNG_NS_PER_S},
                                              {"h", 3600 * RUNG_NS_PER_S}};
    return value_with_unit(text, units, RUNG_ARRAY_LEN(units), ns);
}

/* The index of text among "a|b|c", or -1. */
static int value_word(const char *words, const char *text)
{
    size_t len = strlen(text);
    for (int i = 0;; i++) {
        size_t n = strcspn(words, "|");
        if (n == len && memcmp(words, text, n) == 0)
            return i;
        if (words[n] == '\0')
            return -1;
        words += n + 1;
    }
}

static bool value_bool(const char *text, bool *on)
{
    int i = value_word("off|on|no|yes|false|true|0|1", text);
    *on = i >= 0 && i % 2 == 1;
    return i >= 0;
}

static bool value_cidr(const char *text, struct rung_cidr *cidr)
{
    char ip[RUNG_ADDR_TEXT];
    uint64_t prefix = 0;
    const char *slash = strchr(text, '/');
    if (!slash || (size_t)(slash - text) >= sizeof(ip))
        return false;
    memcpy(ip, text, (size_t)(slash - text));
    ip[slash - text] = '\0';
    if (rung_addr_parse(&cidr->addr, ip) != RUNG_OK || cidr->addr.port != 0)
        return false;
    if (!value_number(slash + 1, cidr->addr.family == RUNG_AF_IPV4 ? 32 : 128, &prefix))
        return false;
    cidr->prefix = (uint8_t)prefix;
    return true;
}

static bool value_unsigned(enum rung_key_type type, const char *text, void *member)
{
    uint64_t max = UINT64_MAX;
    if (type != RUNG_KEY_U64)
        max = type == RUNG_KEY_U16 ? UINT16_MAX : UINT32_MAX;
    uint64_t n;
    if (!value_number(text, max, &n))
        return false;
    if (type == RUNG_KEY_U16)
        *(uint16_t *)member = (uint16_t)n;
    else if (type == RUNG_KEY_U32)
        *(uint32_t *)member = (uint32_t)n;
    else
        *(uint64_t *)member = n;
    return true;
}

static bool value_store(const struct rung_boot_key *key, const char *text, void *member)
{
    int word;
    switch (key->type) {
    case RUNG_KEY_BOOL:
        return value_bool(text, member);
    case RUNG_KEY_U16:
    case RUNG_KEY_U32:
    case RUNG_KEY_U64:
        return value_unsigned(key->type, text, member);
    case RUNG_KEY_SIZE:
        return value_size(text, member);
    case RUNG_KEY_DURATION:
        return value_duration(text, member);
    case RUNG_KEY_STRING:
    case RUNG_KEY_PATH:
        *(const char **)member = text;
        return key->type == RUNG_KEY_STRING || *text != '\0';
    case RUNG_KEY_ADDR:
        return rung_addr_parse(member, text) == RUNG_OK;
    case RUNG_KEY_CIDR:
        return value_cidr(text, member);
    case RUNG_KEY_LEVEL:
        word = value_word("error|warn|info|debug", text);
        *(enum rung_log_level *)member = (enum rung_log_level)(word < 0 ? 0 : word);
        return word >= 0;
    case RUNG_KEY_WORD:
        word = value_word(key->words, text);
        *(unsigned *)member = (unsigned)word;
        return word >= 0;
    }
    return false;
}

/* Whether a size or duration is written well and only too much: its last digit with the unit
 * fits. */
static bool value_too_much(enum rung_key_type type, const char *text)
{
    size_t digits = strspn(text, "0123456789");
    uint64_t n;
    if (digits < 2)
        return false;
    text += digits - 1;
    return type == RUNG_KEY_SIZE ? value_size(text, &n)
                                 : type == RUNG_KEY_DURATION && value_duration(text, &n);
}

enum rung_err rung_boot_value(const struct rung_boot_key *key, const char *text, void *member,
                              const char **what)
{
    static const char *const fits[] = {
        [RUNG_KEY_BOOL] = "on or off",
        [RUNG_KEY_U16] = "a number from 0 to 65535",
        [RUNG_KEY_U32] = "a number from 0 to 4294967295",
        [RUNG_KEY_U64] = "a number from 0 to 18446744073709551615",
        [RUNG_KEY_SIZE] = "a number of bytes, such as 4096, 64K, 16M or 1G",
        [RUNG_KEY_DURATION] = "a time with its unit, such as 500ms, 10s, 5m or 1h",
        [RUNG_KEY_STRING] = "text",
        [RUNG_KEY_PATH] = "a path",
        [RUNG_KEY_ADDR] = "an IP address, such as 192.0.2.1 or [2001:db8::1]:53",
        [RUNG_KEY_CIDR] = "an IP address with its prefix, such as 10.0.0.2/24",
        [RUNG_KEY_LEVEL] = "error, warn, info or debug",
        [RUNG_KEY_WORD] = NULL,
    };
    *what = key->type == RUNG_KEY_WORD ? key->words : fits[key->type];
    if (value_store(key, text, member))
        return RUNG_OK;
    if (value_too_much(key->type, text))
        *what = key->type == RUNG_KEY_SIZE ? "at most 17179869183G" : "at most 5124095h";
    return RUNG_E_INVAL;
}
