/* SPDX-License-Identifier: ISC */
/* test/support/dns_zone.c - see dns_zone.h. */
#include "dns_zone.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ZONE_A = 1, ZONE_CNAME = 5, ZONE_AAAA = 28 };
enum { ZONE_SERVFAIL = 2, ZONE_NXDOMAIN = 3 };

struct zone_writer {
    uint8_t *answer;
    size_t len;
    unsigned count;
};

static const struct zone_host {
    const char *name;
    uint8_t four, again, six; /* the last byte of each address; 0: none */
} zone_hosts[] = {
    {"four.test", 4, 0, 0}, {"six.test", 0, 0, 6}, {"both.test", 2, 0, 2}, {"twice.test", 7, 8, 0},
};

unsigned dns_zone_question(const uint8_t *query, size_t len, char name[256])
{
    size_t at = 12, out = 0;
    if (len < 12 + 5 || query[4] != 0 || query[5] != 1)
        return 0;
    while (at < len && query[at] != 0) {
        size_t label = query[at++];
        if (label > 63 || at + label >= len || out + label + 1 > 255)
            return 0;
        memcpy(name + out, query + at, label);
        out += label;
        name[out++] = '.';
        at += label;
    }
    if (out == 0 || at + 5 > len)
        return 0;
    name[out - 1] = '\0';
    return (unsigned)query[at + 1] << 8 | query[at + 2];
}

static void zone_record(struct zone_writer *w, uint16_t owner, unsigned type, const void *data,
                        size_t len)
{
    uint8_t head[12] = {(uint8_t)(0xc0 | owner >> 8), (uint8_t)owner, 0, (uint8_t)type, 0, 1, 0, 0,
                        0, ZONE_TTL, 0, (uint8_t)len};
    memcpy(w->answer + w->len, head, sizeof(head));
    memcpy(w->answer + w->len + sizeof(head), data, len);
    w->len += sizeof(head) + len;
    w->count++;
}

static bool zone_host(const char *name, struct zone_host *host)
{
    unsigned i;
    int end = 0;
    for (size_t k = 0; k < sizeof(zone_hosts) / sizeof(zone_hosts[0]); k++)
        if (strcmp(name, zone_hosts[k].name) == 0) {
            *host = zone_hosts[k];
            return true;
        }
    if (sscanf(name, "n%u.test%n", &i, &end) != 1 || end == 0 || name[end] || i == 0 || i > 254)
        return false;
    *host = (struct zone_host){name, (uint8_t)i, 0, (uint8_t)i};
    return true;
}

static void zone_addresses(struct zone_writer *w, uint16_t owner, unsigned type,
                           const struct zone_host *host)
{
    uint8_t four[4] = {192, 0, 2, host->four}, again[4] = {192, 0, 2, host->again};
    uint8_t six[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = host->six};
    if (type == ZONE_A && host->four)
        zone_record(w, owner, ZONE_A, four, sizeof(four));
    if (type == ZONE_A && host->again)
        zone_record(w, owner, ZONE_A, again, sizeof(again));
    if (type == ZONE_AAAA && host->six)
        zone_record(w, owner, ZONE_AAAA, six, sizeof(six));
}

size_t dns_zone_answer(const uint8_t *query, size_t len, uint8_t answer[ZONE_MAX])
{
    static const uint8_t both[] = {4, 'b', 'o', 't', 'h', 4, 't', 'e', 's', 't', 0};
    char name[256];
    struct zone_host host;
    unsigned type = dns_zone_question(query, len, name), rcode = 0;
    size_t question = strlen(name) + 2 + 4;
    if (type == 0 || strcmp(name, "silent.test") == 0 || 12 + question > ZONE_MAX - 100)
        return 0;
    struct zone_writer w = {.answer = answer, .len = 12 + question};
    memcpy(answer, query, w.len);
    if (strcmp(name, "alias.test") == 0) {
        zone_record(&w, 12, ZONE_CNAME, both, sizeof(both));
        zone_addresses(&w, (uint16_t)(w.len - sizeof(both)), type, &zone_hosts[2]);
    } else if (zone_host(name, &host)) {
        zone_addresses(&w, 12, type, &host);
    } else if (strcmp(name, "fails.test") == 0) {
        rcode = ZONE_SERVFAIL;
    } else if (strcmp(name, "cut.test") != 0) {
        rcode = ZONE_NXDOMAIN;
    }
    memset(answer + 2, 0, 10);
    answer[2] = (uint8_t)(0x81 | (strcmp(name, "cut.test") == 0 ? 0x02 : 0));
    answer[3] = (uint8_t)(0x80 | rcode);
    answer[5] = 1;
    answer[7] = (uint8_t)w.count;
    return w.len;
}
