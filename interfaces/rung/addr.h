/* SPDX-License-Identifier: ISC */
/* interfaces/rung/addr.h - ADDR: IPv4 and IPv6 addresses with a port, as numbers and as text.
 * Model    A plain value. family 0 is "none"; all-zero ip is "any address of this host".
 * Units    ip in network order (the first 4 bytes for IPv4); port in host order; scope is the
 *          interface number of a link-local IPv6 address, else 0.
 * Text     "192.0.2.1:80", "[2001:db8::1]:80", "[fe80::1%2]:80", as RFC 5952 section 6 recommends.
 * Owner    Values are copied.
 * Errors   RUNG_E_INVAL: the text is no address. */
#ifndef RUNG_ADDR_H
#define RUNG_ADDR_H

#include <string.h>

#include "rung/base.h"

#define RUNG_ADDR_TEXT 64 /* enough for any formatted address and its NUL */

enum rung_family { RUNG_AF_NONE = 0, RUNG_AF_IPV4 = 4, RUNG_AF_IPV6 = 6 };

struct rung_addr {
    uint8_t family; /* enum rung_family */
    uint8_t ip[16];
    uint16_t port;
    uint32_t scope;
};

/* An address with the length of its network's prefix, in bits. */
struct rung_cidr {
    struct rung_addr addr; /* port 0 */
    uint8_t prefix;        /* at most 32 or 128 */
};

/* Reads an IP address with or without a port ("::1", "[::1]:80", "127.0.0.1:80"). Without: port 0.
 * Whole text or RUNG_E_INVAL; *addr is then unchanged. */
enum rung_err rung_addr_parse(struct rung_addr *addr, const char *text);

/* Writes the address, and the port if it is not 0; returns text. */
const char *rung_addr_format(const struct rung_addr *addr, char text[RUNG_ADDR_TEXT]);

static inline struct rung_addr rung_addr_any(enum rung_family family, uint16_t port)
{
    struct rung_addr addr = {.family = (uint8_t)family, .port = port};
    return addr;
}

static inline bool rung_addr_equal(const struct rung_addr *a, const struct rung_addr *b)
{
    size_t n = a->family == RUNG_AF_IPV4 ? 4 : 16;
    return a->family == b->family && a->port == b->port && a->scope == b->scope
           && memcmp(a->ip, b->ip, n) == 0;
}

#endif
