/* SPDX-License-Identifier: ISC */
/* backends/common/addr.c - addr.h with the C library's inet_pton() and inet_ntop(), which are
 * strict (no octal, no short forms) and write IPv6 as RFC 5952 wants it. Only these two are used of
 * the sockets headers: they are pure functions and exist in musl's freestanding build too. */
#include <arpa/inet.h>
#include <stdio.h>

#include "rung/addr.h"

#define ADDR_INPUT 64   /* longer than any address with its scope, in any spelling */
#define ADDR_IP_TEXT 40 /* as formatted: eight groups of four, or shorter, and a NUL */

/* Reads the whole text as a number of at most max; false for signs, spaces, nothing at all. */
static bool addr_number(const char *text, uint32_t max, uint32_t *number)
{
    uint64_t n = 0;
    size_t i;
    for (i = 0; text[i] >= '0' && text[i] <= '9' && i < 10; i++)
        n = n * 10 + (uint64_t)(text[i] - '0');
    if (i == 0 || text[i] != '\0' || n > max)
        return false;
    *number = (uint32_t)n;
    return true;
}

static bool addr_port(const char *text, struct rung_addr *addr)
{
    uint32_t port;
    if (strlen(text) > 5 || !addr_number(text, UINT16_MAX, &port))
        return false;
    addr->port = (uint16_t)port;
    return true;
}

/* fe80::/10, and the multicast scopes that name an interface: without one they reach nowhere. */
static bool addr_link_local(const uint8_t ip[16])
{
    return (ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80)
           || (ip[0] == 0xff && ((ip[1] & 0x0f) == 1 || (ip[1] & 0x0f) == 2));
}

/* Reads text[0..len), an address with or without "%scope". */
static bool addr_ip6(const char *text, size_t len, struct rung_addr *addr)
{
    char copy[ADDR_INPUT];
    if (len >= sizeof(copy))
        return false;
    memcpy(copy, text, len);
    copy[len] = '\0';
    char *percent = strchr(copy, '%');
    if (percent)
        *percent = '\0';
    if (inet_pton(AF_INET6, copy, addr->ip) != 1)
        return false;
    addr->family = RUNG_AF_IPV6;
    return !percent
           || (addr_link_local(addr->ip) && addr_number(percent + 1, UINT32_MAX, &addr->scope)
               && addr->scope != 0);
}

static bool addr_ip4(const char *text, struct rung_addr *addr)
{
    char copy[ADDR_INPUT];
    size_t len = strcspn(text, ":");
    if (len >= sizeof(copy))
        return false;
    memcpy(copy, text, len);
    copy[len] = '\0';
    addr->family = RUNG_AF_IPV4;
    return inet_pton(AF_INET, copy, addr->ip) == 1
           && (!text[len] || addr_port(text + len + 1, addr));
}

static bool addr_read(const char *text, struct rung_addr *addr)
{
    if (text[0] == '[') {
        const char *end = strchr(text, ']');
        return end && addr_ip6(text + 1, (size_t)(end - text - 1), addr)
               && (!end[1] || (end[1] == ':' && addr_port(end + 2, addr)));
    }
    const char *colon = strchr(text, ':');
    if (colon && strchr(colon + 1, ':')) /* two colons: IPv6, and no room for a port */
        return addr_ip6(text, strlen(text), addr);
    return addr_ip4(text, addr);
}

enum rung_err rung_addr_parse(struct rung_addr *addr, const char *text)
{
    struct rung_addr result = {0};
    if (!addr_read(text, &result))
        return RUNG_E_INVAL;
    *addr = result;
    return RUNG_OK;
}

/* glibc writes ::1:80 as ::0.1.0.128, by the old rule for "IPv4-compatible" addresses, which RFC
 * 5952 does not keep and musl does not follow. */
static void addr_ip6_text(const uint8_t ip[16], char text[ADDR_IP_TEXT])
{
    static const uint8_t zero[12];
    unsigned high = (unsigned)ip[12] << 8 | ip[13];
    if (memcmp(ip, zero, sizeof(zero)) == 0 && high != 0)
        snprintf(text, ADDR_IP_TEXT, "::%x:%x", high, (unsigned)ip[14] << 8 | ip[15]);
    else
        inet_ntop(AF_INET6, ip, text, ADDR_IP_TEXT);
}

const char *rung_addr_format(const struct rung_addr *addr, char text[RUNG_ADDR_TEXT])
{
    char ip[ADDR_IP_TEXT] = "none";
    char scope[12] = "";
    char port[8] = "";
    if (addr->family == RUNG_AF_IPV4)
        inet_ntop(AF_INET, addr->ip, ip, sizeof(ip));
    else if (addr->family == RUNG_AF_IPV6)
        addr_ip6_text(addr->ip, ip);
    if (addr->family == RUNG_AF_IPV6 && addr->scope)
        snprintf(scope, sizeof(scope), "%%%u", (unsigned)addr->scope);
    if (addr->port)
        snprintf(port, sizeof(port), ":%u", (unsigned)addr->port);
    bool brackets = addr->family == RUNG_AF_IPV6 && addr->port;
    snprintf(text, RUNG_ADDR_TEXT, "%s%s%s%s%s", brackets ? "[" : "", ip, scope,
             brackets ? "]" : "", port);
    return text;
}
