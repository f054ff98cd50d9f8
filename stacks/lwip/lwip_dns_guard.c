/* SPDX-License-Identifier: ISC */
/* stacks/lwip/lwip_dns_guard.c - what dns.c sends and receives, looked at on the way: it is
 * compiled with three functions of UDP renamed (core.cmake), and theirs are here. dns.c compares
 * an answer's number and the host it comes from. That host's port, and which of our own it was
 * sent to, it ignores (RFC 5452 9.1), which leaves 16 bits to be guessed; its comparison of
 * names takes the beginning of one for the whole, and reads past the end of its table for one
 * that is longer and goes on with NULs. So an answer must first agree with what was asked, to
 * the byte. */
#include "lwip_dns.h"

#include "rung/addr.h"

#define GUARD_HEAD 12u /* RFC 1035 4.1.1: number, flags, four counts */
#define GUARD_TRUNCATED 0x02u /* of the third byte */
#define GUARD_RCODE 0x0fu     /* of the fourth */
#define GUARD_NXDOMAIN 3u

static struct lwip_dns *guard_dns(void)
{
    return rung_lwip_port_core()->dns;
}

static struct lwip_asked *guard_find(struct lwip_dns *dns, const struct udp_pcb *pcb,
                                     const struct pbuf *p)
{
    struct lwip_asked *asked = dns->asked;
    while (asked && (asked->pcb != pcb || pbuf_try_get_at(p, 0) != asked->id[0]
                     || pbuf_try_get_at(p, 1) != asked->id[1]))
        asked = asked->next;
    return asked;
}

/* Letters may change their case on the way, and nothing else; counts of labels are no letters. */
static bool guard_same(const struct lwip_asked *asked, const struct pbuf *p)
{
    for (uint16_t i = 0; i < asked->len; i++) {
        int c = pbuf_try_get_at(p, (uint16_t)(GUARD_HEAD + i));
        if (c < 0 || lwip_tolower((uint8_t)c) != lwip_tolower(asked->question[i]))
            return false;
    }
    return true;
}

/* What it means if dns.c finds no address in the answer. That there is no such name is the last
 * word, and not the failure of one server that dns.c takes it for: it sees an empty answer. */
static int guard_failure(struct pbuf *p)
{
    uint8_t flags = pbuf_get_at(p, 3);
    unsigned rcode = flags & GUARD_RCODE;
    if (rcode == GUARD_NXDOMAIN)
        pbuf_put_at(p, 3, (uint8_t)(flags & ~GUARD_RCODE));
    else if (rcode || (pbuf_get_at(p, 2) & GUARD_TRUNCATED))
        return RUNG_E_IO;
    return RUNG_E_NOTFOUND;
}

static void guard_arrived(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *ip,
                          u16_t port)
{
    struct lwip_dns *dns = arg;
    const struct lwip_asked *asked = guard_find(dns, pcb, p);
    if (!asked || asked->port != port || !ip_addr_cmp(&asked->ip, ip) || !guard_same(asked, p)) {
        pbuf_free(p);
        return;
    }
    dns->failure = guard_failure(p);
    dns->input(NULL, pcb, p, ip, port);
}

void rung_lwip_dns_guard_recv(struct udp_pcb *pcb, udp_recv_fn recv, void *arg)
{
    struct lwip_dns *dns = guard_dns();
    (void)arg; /* dns.c has none */
    dns->input = recv;
    udp_recv(pcb, guard_arrived, dns);
}

/* One that is sent again is the same question, maybe to another server. */
static struct lwip_asked *guard_note(struct lwip_dns *dns, const struct udp_pcb *pcb,
                                     const struct pbuf *p)
{
    struct lwip_asked *asked = guard_find(dns, pcb, p);
    if (asked)
        return asked;
    uint16_t len = (uint16_t)(p->tot_len - GUARD_HEAD);
    asked = rung_zalloc(dns->core->p, 1, sizeof(*asked) + len);
    if (!asked)
        return NULL;
    asked->pcb = pcb;
    asked->len = len;
    pbuf_copy_partial(p, asked->id, sizeof(asked->id), 0);
    pbuf_copy_partial(p, asked->question, len, GUARD_HEAD);
    asked->next = dns->asked;
    dns->asked = asked;
    return asked;
}

err_t rung_lwip_dns_guard_sendto(struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *ip,
                                 u16_t port)
{
    struct lwip_dns *dns = guard_dns();
    struct lwip_asked *asked = guard_note(dns, pcb, p);
    if (!asked)
        return ERR_MEM; /* dns.c tries again later */
    asked->ip = *ip;
    asked->port = dns->core->dns_key.port ? dns->core->dns_key.port : port;
    return udp_sendto(pcb, p, ip, asked->port);
}

/* Forgets what was sent from a port, or all. */
static void guard_forget(struct lwip_dns *dns, const struct udp_pcb *pcb)
{
    struct lwip_asked **at = &dns->asked;
    while (*at) {
        struct lwip_asked *asked = *at;
        if (!pcb || asked->pcb == pcb) {
            *at = asked->next;
            rung_free(dns->core->p, asked);
        } else {
            at = &asked->next;
        }
    }
}

void rung_lwip_dns_guard_remove(struct udp_pcb *pcb)
{
    guard_forget(guard_dns(), pcb);
    udp_remove(pcb);
}

void rung_lwip_dns_guard_end(struct lwip_dns *dns)
{
    guard_forget(dns, NULL);
}
