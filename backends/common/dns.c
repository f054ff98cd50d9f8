/* SPDX-License-Identifier: ISC */
/* backends/common/dns.c - what every module of DNS does alike: addresses written as text, and names
 * that no host can have. What the modules stand on would take more for an address ("10", "0x7f.1",
 * as inet_aton() does), and each something else. */
#include "rung/dns.h"

static bool name_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool name_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Letters, digits, '-' (RFC 1123 2.1), and '_', which names of services begin with (RFC 8552). */
static bool name_label(const char *label, size_t len)
{
    if (len == 0 || len > RUNG_DNS_LABEL)
        return false;
    for (size_t i = 0; i < len; i++)
        if (!name_letter(label[i]) && !name_digit(label[i]) && label[i] != '-')
            return false;
    return true;
}

/* Of a name whose last label is one, RFC 1123 2.1 says that it can only be meant for an address. */
static bool name_number(const char *label, size_t len)
{
    bool hex = len > 1 && label[0] == '0' && (label[1] == 'x' || label[1] == 'X');
    for (size_t i = hex ? 2 : 0; i < len; i++) {
        bool letter = (label[i] >= 'a' && label[i] <= 'f') || (label[i] >= 'A' && label[i] <= 'F');
        if (!name_digit(label[i]) && !(hex && letter))
            return false;
    }
    return true;
}

static bool name_valid(const char *name, size_t len)
{
    size_t label = 0;
    if (len == 0 || len > RUNG_DNS_NAME)
        return false;
    for (size_t at = 0; at <= len; at++) {
        if (at < len && name[at] != '.')
            continue;
        if (!name_label(name + label, at - label))
            return false;
        if (at == len)
            return !name_number(name + label, len - label);
        label = at + 1;
    }
    return false;
}

/* "192.0.2.1" and "2001:db8::1", but nothing with a port or in brackets. */
static bool name_literal(const char *text, struct rung_addr *addr)
{
    const char *colon = strchr(text, ':');
    return !strchr(text, '[') && (!colon || strchr(colon + 1, ':'))
           && rung_addr_parse(addr, text) == RUNG_OK;
}

int rung_dns_name(struct rung_dns_resolve *how, char name[RUNG_DNS_NAME + 1])
{
    struct rung_addr addr;
    how->count = 0;
    if (name_literal(how->name, &addr)) {
        if (how->family != RUNG_AF_NONE && how->family != addr.family)
            return RUNG_E_NOTFOUND;
        addr.port = how->port;
        how->addrs[0] = addr;
        how->count = 1;
        return 1;
    }
    size_t len = strlen(how->name);
    if (len > 0 && how->name[len - 1] == '.')
        len--;
    if (!name_valid(how->name, len))
        return RUNG_E_RANGE;
    memcpy(name, how->name, len);
    name[len] = '\0';
    return 0;
}
